//! For new kernels only: what could not be lowered is no error.

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../../fixtures/deep_stack.bpf.o", min_kernel = "7.3")]
struct DeepStack;

#[test]
fn what_cannot_be_lowered_is_no_error_for_new_kernels() {
    assert_eq!(DeepStack::open().unwrap().progs.deep.name(), "deep");
}
