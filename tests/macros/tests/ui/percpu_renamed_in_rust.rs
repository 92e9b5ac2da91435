use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_types.bpf.o", section = ".percpu.of_function")]
struct OfFunction {
    runs: u64,
}

fn main() {}
