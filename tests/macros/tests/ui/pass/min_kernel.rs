//! For new kernels only: what could not be lowered is no error.

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/deep_stack.bpf.o", min_kernel = "7.3")]
struct DeepStack;

fn main() {
    assert_eq!(DeepStack::open().unwrap().progs.deep.name(), "deep");
}
