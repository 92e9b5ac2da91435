#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/deep_stack.bpf.o")]
struct Deep;

fn main() {}
