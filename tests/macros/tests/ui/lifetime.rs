#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o")]
struct Counters<'a>;

fn main() {}
