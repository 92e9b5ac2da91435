#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "nowhere/counters.bpf.o")]
struct Counters;

fn main() {}
