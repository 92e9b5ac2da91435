use skelgen_runtime::PerCpu;

#[derive(Clone, Copy, PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_basic.bpf.o")]
struct CounterValues {
    total: u64,
    zero: i32,
    minus: i32,
    bytes: [u8; 5],
    grid: [[u32; 2]; 3],
    record: [u8; 48],
    ran_on: i32,
    tail: [u32; 1],
}

fn main() {}
