use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/maps_all.bpf.o", map = "typed")]
struct Totals {
    packets: u64,
    bytes: u64,
}

fn main() {}
