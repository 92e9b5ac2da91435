#[derive(Clone, Copy, skelgen_runtime::PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/counters.bpf.o", section = "")]
struct Values {
    hits: u64,
}

fn main() {}
