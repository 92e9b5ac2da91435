//! The ways of reaching per-CPU variables, and the tests that hold for each of them.

use skelgen_runtime::PerCpuMode::{self, Native};
use skelgen_runtime::features;
use skelgen_tests::{may_load, not_on_this_kernel};

/// Whether the running test can load per-CPU data in `mode`. If not, it is noted as one that did not run.
pub(crate) fn can_load_in(mode: PerCpuMode) -> bool {
    if !may_load() {
        return false;
    }
    let can = mode != Native || features::probe().unwrap().direct;
    if !can {
        not_on_this_kernel("programs that address `.percpu` directly");
    }
    can
}

/// Declares tests that are the same in every mode: of each `fn name(mode)` the tests `name::auto`, `name::lowered`,
/// which every kernel runs, and `name::native`, which needs one that can.
macro_rules! in_each_mode {
    ($(
        $(#[$attr:meta])*
        fn $name:ident($mode:ident) $body:block
    )*) => {$(
        $(#[$attr])*
        mod $name {
            use skelgen_runtime::PerCpuMode;

            use super::*;

            fn check($mode: PerCpuMode) $body

            $crate::modes::in_each_mode!(@test auto Auto);
            $crate::modes::in_each_mode!(@test lowered Lowered);
            $crate::modes::in_each_mode!(@test native Native);
        }
    )*};
    (@test $name:ident $mode:ident) => {
        #[test]
        fn $name() {
            if $crate::modes::can_load_in(PerCpuMode::$mode) {
                check(PerCpuMode::$mode);
            }
        }
    };
}

pub(crate) use in_each_mode;
