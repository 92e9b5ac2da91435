#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", crate = skelgen_runtime, crate = skelgen_runtime)]
struct Counters;

fn main() {}
