#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters_be.bpf.o")]
struct Counters;

fn main() {}
