//! What generated skeletons link to: loads them, and gives typed access to their maps, variables and programs.
#![deny(unsafe_code)]

pub mod cpus;
mod error;
pub mod plain;
mod sys;

pub use cpus::PossibleCpus;
pub use error::{Error, Result};
pub use plain::{Bool, Plain, Unaligned};
pub use sys::{Errno, uapi};
