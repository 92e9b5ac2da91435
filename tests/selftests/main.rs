//! Linux 7.3's own BPF selftests: every object through the generator, and loaded beside libbpf.
//!
//! `fetch` puts the objects into a cache; nothing of the kernel's is in this repository. What is not as with libbpf has
//! to be in one of two lists, with the reason that holds; and what is in them has to be needed:
//!
//! | | |
//! |---|---|
//! | `refused.txt` | what the generator refuses though libbpf opens it |
//! | `differences.txt` | what comes of a load, if not what comes of libbpf's |

mod compiles;
mod conform;
mod generate;
mod loads;
mod objects;
