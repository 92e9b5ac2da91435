//! What generated skeletons link to: loads them, and gives typed access to their maps, variables and programs.
#![deny(unsafe_code)]

pub mod cpus;
mod data;
pub mod desc;
mod diagnose;
mod error;
pub mod features;
pub mod image;
mod layout;
mod link;
mod load;
mod map;
mod open;
mod percpu;
mod perf;
pub mod plain;
mod prog;
mod sys;

pub use cpus::PossibleCpus;
pub use data::{Mapped, MappedRo};
pub use error::{Error, Result};
pub use features::Features;
pub use link::{Iter, Link};
pub use load::Loaded;
pub use map::{Map, TypedMap, Update, unpin};
pub use open::{OpenMap, OpenProgram, Opened, PerCpuMode};
pub use percpu::{PerCpu, PerCpuValues};
pub use plain::{Bool, Plain, Unaligned};
pub use prog::{Program, TestRun, TestRunOutput};
pub use sys::{Errno, uapi};
