//! Per-CPU maps of all four kinds with their types: the same results on every kernel.
//!
//! ```text
//! values     one CPU's value, one for all, each CPU's
//! how        what makes elements and what must not
//! removed    elements that are deleted and taken out
//! batches    many elements at a time
//! programs   what programs see of it, and what is seen of theirs
//! refused    errors, and what they name
//! handles    maps of any origin, several handles, threads
//! ```

mod batches;
mod handles;
mod how;
mod programs;
mod refused;
mod removed;
mod values;
