use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_types.bpf.o", map = "flags")]
struct Flags {
    before: u32,
    three: u32,
    after: u64,
}

fn main() {}
