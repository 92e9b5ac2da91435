//! struct_ops maps: structs of the kernel's that are made of values and programs, as a TCP congestion control or a
//! scheduler.
//!
//! ```text
//! open      before the load: the members, as the object lays the struct out
//! kernel    the kernel's struct and its members, from the kernel's types
//! value     what the kernel is given: the members where it has them
//! handle    after the load: registering, replacing, looking
//! ```
//!
//! The kernel's counterpart is `kernel/bpf/bpf_struct_ops.c`.

mod handle;
mod kernel;
mod open;
mod registration;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use handle::Ready;
pub use handle::StructOps;
pub(crate) use kernel::{KernelStruct, KernelTypes};
pub(crate) use open::OpenStructOps;
pub(crate) use registration::Registration;
pub(crate) use value::{KernelValue, Slot};
