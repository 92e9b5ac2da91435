#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", crate = crate::nowhere)]
struct Counters;

fn main() {}
