#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", opaque_type = "one", add_type = "other")]
struct Counters;

fn main() {}
