//! In functions and modules, with other visibilities, under strict lints, with the runtime renamed and no prelude.
#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, rust_2018_idioms)]

/// Without a prelude.
mod bare {
    #![no_implicit_prelude]

    pub(crate) extern crate skelgen_runtime as renamed;

    /// Documented, and so is its module.
    ///
    /// In several paragraphs.
    #[derive(renamed::Skeleton)]
    #[skeleton(object = "../../fixtures/counters.bpf.o", crate = crate::everywhere::bare::renamed, type_derive("*", ::core::cmp::Eq))]
    pub(super) struct Counters;
}

#[test]
fn a_derive_stands_anywhere() {
    /// In a function, where its module sees nothing of what is beside it.
    #[derive(skelgen_runtime::Skeleton)]
    #[skeleton(object = "../../fixtures/counters.bpf.o")]
    struct Local;

    assert_eq!(Local::open().unwrap().percpu.last_pid, -1);
    let open: bare::counters::OpenCounters = bare::Counters::open().unwrap();
    assert_eq!(open.percpu.last_pid, -1);
}
