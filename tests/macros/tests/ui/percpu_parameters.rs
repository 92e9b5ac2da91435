use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
struct Totals<T> {
    packets: T,
    bytes: T,
}

fn main() {}
