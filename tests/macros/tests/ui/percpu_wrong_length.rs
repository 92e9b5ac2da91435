use skelgen_runtime::PerCpu;

#[derive(Clone, Copy, PerCpu)]
#[repr(C)]
struct CallRange {
    first_ns: u64,
    lowest: u32,
    highest: u32,
}

#[derive(Clone, Copy, PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/counters.bpf.o")]
struct CounterValues {
    hits: u64,
    errors: u32,
    last_pid: i32,
    by_class: [u64; 3],
    armed: bool,
    calls: CallRange,
}

fn main() {}
