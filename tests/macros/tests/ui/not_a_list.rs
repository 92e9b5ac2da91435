#[derive(skelgen_runtime::Skeleton)]
#[skeleton = "../fixtures/counters.bpf.o"]
struct Counters;

fn main() {}
