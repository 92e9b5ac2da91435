#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", add_type = exec_event)]
struct Counters;

fn main() {}
