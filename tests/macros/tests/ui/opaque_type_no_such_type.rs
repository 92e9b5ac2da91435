#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", opaque_type = "call_rage")]
struct Counters;

fn main() {}
