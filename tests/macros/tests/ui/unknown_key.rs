#[derive(skelgen_runtime::Skeleton)]
#[skeleton(objekt = "counters.bpf.o")]
struct Counters;

fn main() {}
