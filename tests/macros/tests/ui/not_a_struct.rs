#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "counters.bpf.o")]
enum Counters {}

fn main() {}
