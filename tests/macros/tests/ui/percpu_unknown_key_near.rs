#[derive(Clone, Copy, Debug, skelgen_runtime::PerCpu)]
#[repr(C)]
#[percpu(objekt = "../fixtures/counters.bpf.o")]
struct Range {
    first_ns: u64,
    lowest: u32,
    highest: u32,
}

fn main() {}
