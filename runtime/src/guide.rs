//! The guide: from the first skeleton to a shipped program.
//!
//! | chapter | |
//! |---|---|
//! | [`first`] | install, write a program in C, generate its skeleton, run it |
//! | [`generate`] | the build script, the derive and `cargo skelgen`, with their options |
//! | [`percpu`] | variables and maps with one value for each CPU; older kernels; what is not atomic |
//! | [`data`] | `.data`, `.bss` and `.rodata`, the other maps, ring buffers, arenas |
//! | [`kernel`] | kernel configuration, symbols, kfuncs, struct_ops; attaching |
//! | [`releases`] | features by the release of Linux that brought them; what kernels get wrong |
//! | [`testing`] | testing your programs with `test_run` |
//! | [`shipping`] | static files, other architectures, initramfs, containers, systemd, size |
//! | [`moving`] | from libbpf-cargo, aya, bpf2go and bpftool |
//! | [`cost`] | load time, build time, bytes copied |
//! | [`trouble`] | frequent errors, and what to do about them |
//! | [`glossary`] | the words of this project |
//!
//! The project's tests compile each snippet and cause each error. The repository's folder `examples` has complete
//! programs.

macro_rules! chapters {
    ($($name:ident)*) => {$(
        pub mod $name {
            #![doc = include_str!(concat!("../guide/", stringify!($name), ".md"))]
        }
    )*};
}

chapters! { first generate percpu data kernel releases testing shipping moving cost trouble glossary }
