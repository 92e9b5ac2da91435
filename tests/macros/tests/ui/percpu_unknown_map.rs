use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/maps_all.bpf.o", map = "percpu_aray")]
struct Totals {
    packets: u64,
    bytes: u64,
}

fn main() {}
