//! The runtime beside libbpf: what one writes the other reads equal, byte by byte, and what is handed from one to the
//! other is the same thing in the kernel.
//!
//! `tests/libbpf.rs` builds and runs it, static, here and on other kernels; it needs libbpf, which no other test does.
//! By hand, `LIBBPF_SYS_LIBRARY_PATH` says where `libelf.a` and `libz.a` are:
//! `cargo test -p skelgen-tests --features libbpf --test differential`.

mod batch;
mod both;
mod cgroup;
mod flags;
mod kconfig;
mod keyless;
mod links;
mod maps;
mod modules;
mod percpu;
mod percpu_maps;
mod percpu_variables;
mod plain_maps;
mod programs;
mod sections;
