#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", min_kernel = 7.3)]
struct Counters;

fn main() {}
