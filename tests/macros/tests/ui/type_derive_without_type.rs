#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", type_derive(Eq, Hash))]
struct Counters;

fn main() {}
