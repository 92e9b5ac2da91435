use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_types.bpf.o", map = "choices")]
struct Totals {
    packets: u64,
    bytes: u64,
}

fn main() {}
