#[derive(Clone, Copy, Debug, skelgen_runtime::PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/counters.bpf.o", section = ".percpu", section = ".percpu")]
struct Range {
    first_ns: u64,
    lowest: u32,
    highest: u32,
}

fn main() {}
