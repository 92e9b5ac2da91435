#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", type_derive("call_range", Nowhere))]
struct Counters;

fn main() {}
