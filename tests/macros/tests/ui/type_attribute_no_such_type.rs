#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", type_attribute("call_rage", #[must_use]))]
struct Counters;

fn main() {}
