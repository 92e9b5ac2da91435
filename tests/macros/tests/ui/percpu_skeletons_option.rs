#[derive(Clone, Copy, Debug, skelgen_runtime::PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/counters.bpf.o", min_kernel = "7.3")]
struct Range {
    first_ns: u64,
    lowest: u32,
    highest: u32,
}

fn main() {}
