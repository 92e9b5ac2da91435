#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "counters.bpf.o")]
struct Counters<const CPUS: usize>;

fn main() {}
