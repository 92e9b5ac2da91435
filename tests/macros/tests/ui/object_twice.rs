#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "a.bpf.o", object = "b.bpf.o")]
struct Counters;

fn main() {}
