//! Objects of other compilers than the one that the fixtures are pinned to, and of the other byte order.
//!
//! ```text
//! compilers.txt      the compilers, which `fetch` puts into a cache
//! not_compiled.txt   which fixtures which of them cannot compile, and why
//! refused.txt        what the generator refuses of what they make, and why
//! ```
//!
//! What is compared with are the checked-in objects: another compiler's have other code, but the same variables, maps and
//! programs.

mod big_endian;
mod compiler;
mod same;
mod types;
