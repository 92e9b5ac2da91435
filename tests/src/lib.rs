//! What skelgen's tests share: the fixtures' skeletons, and words about the machine that the tests find themselves on.
//!
//! ```text
//! skeletons      a module of generated code for each fixture
//! fixtures       their objects
//! privilege      whether this process may load BPF
//! compiler       whether C can be compiled for it
//! not_run        what could not be tested here, and why: told at the end, never silent
//! lists          what is not as expected, with the reasons
//! machine        the kernel, its CPUs, the matrix' guest
//! markdown       blocks of code in documents
//! mounts         the file systems of pins and of cgroups
//! namespaces     a thread in its own mount and network namespaces
//! examples       what the programs in `examples` say
//! own_process    a test alone in its process, to count descriptors in
//! random         numbers to decide by, the same from the same seed
//! packages       new packages, built offline
//! scratch        the folder for files of tests
//! static_build   static executables of this workspace
//! static_libs    libelf and zlib, for those that have libbpf in them
//! cells          running them in the kernel matrix
//! copied         how many bytes of a value go between user space and the kernel
//! congestion     TCP with a congestion control of choice
//! traced         which commands on elements a process gives
//! vsock          a packet to this machine itself
//! ```

pub mod cells;
pub mod compiler;
pub mod congestion;
pub mod copied;
pub mod examples;
pub mod fixtures;
pub mod lists;
pub mod machine;
pub mod markdown;
pub mod mounts;
pub mod namespaces;
pub mod not_run;
pub mod own_process;
pub mod packages;
pub mod privilege;
pub mod random;
pub mod scratch;
pub mod shut_in;
pub mod skeletons;
pub mod static_build;
pub mod static_libs;
pub mod traced;
pub mod vsock;

pub use compiler::have_clang;
pub use machine::{
    Guest, TESTMOD, allowed_cpus, came_later, is_from, is_loaded, kernel_version, matrix, on_cpu, open_fds,
};
pub use mounts::{BPF_FS, Cgroup, may_pin};
pub use not_run::{Part, not_installed, not_on_this_kernel, not_run};
pub use own_process::in_own_process;
pub use privilege::{may_load, may_load_with, may_load_without};
