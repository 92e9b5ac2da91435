//! A skeleton that another version of skelgen generated.

mod counters {
    use skelgen_runtime as rt;

    rt::skeleton_abi!(0);
}

fn main() {}
