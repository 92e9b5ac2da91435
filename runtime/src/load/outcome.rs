//! What a run of the loader ends with.

use std::os::fd::OwnedFd;

use crate::sys::Errno;

/// What the loader program made, once it has done all steps.
pub(super) struct Made {
    /// The table of file descriptors.
    pub(super) fds: Vec<Option<OwnedFd>>,
    /// `FEATURE_*`.
    pub(super) features: u32,
}

/// How far the loader program came.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// All steps are done; `FEATURE_*`.
    Done { features: u32 },
    /// This step failed. Those before it are done, and another run begins with it.
    Failed { step: u32, errno: Errno },
}
