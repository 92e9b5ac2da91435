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
    hits: usize,
    errors: u32,
    last_pid: i32,
    by_class: [Option<u8>; 4],
    armed: bool,
    calls: &'static str,
}

fn main() {}
