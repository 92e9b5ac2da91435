#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", min_kernel = "5.15")]
struct Counters;

fn main() {}
