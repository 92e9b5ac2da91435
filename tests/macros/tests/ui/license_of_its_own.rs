#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", license = "GPL")]
struct Counters;

fn main() {}
