//! What a run of the loader program came to.

use std::os::fd::OwnedFd;

use crate::sys::Errno;

/// What a run of the loader program came to.
pub(super) enum Outcome {
    Made(Made),
    /// What had been made is closed.
    Failed {
        /// Index of the image's step.
        step: u32,
        errno: Errno,
    },
}

/// Everything that was to be made.
pub(super) struct Made {
    /// The image's table of descriptors; none where the loader made none.
    pub(super) fds: Vec<Option<OwnedFd>>,
    /// `FEATURE_*`, as the loader left them.
    pub(super) features: u32,
}
