#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", type_attribute("call_range", must_use))]
struct Counters;

fn main() {}
