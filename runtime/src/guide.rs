//! The guide: from the first skeleton to a program that is shipped.
//!
//! | chapter | |
//! |---|---|
//! | [`first`] | install, a program in C, its skeleton by each of the three doors |
//! | [`percpu`] | variables and maps with a value for each CPU; older kernels; what is not atomic |
//! | [`data`] | the other maps, ring buffers, `.data`, `.bss` and `.rodata`, arenas |
//! | [`kernel`] | what programs take from the kernel: kconfig, ksyms, kfuncs, struct_ops; attaching |
//! | [`testing`] | testing your programs with `test_run` |
//! | [`shipping`] | static files, other machines, initramfs, containers, size |
//! | [`moving`] | from libbpf-cargo, aya, bpf2go and bpftool |
//! | [`trouble`] | errors, as they are printed, and what to do |
//!
//! Each snippet is compiled by this project's tests, and each error is one that a test has seen. Programs to begin with are
//! in the repository's folder `examples`.

macro_rules! chapters {
    ($($name:ident)*) => {$(
        pub mod $name {
            #![doc = include_str!(concat!("../guide/", stringify!($name), ".md"))]
        }
    )*};
}

chapters! { first percpu data kernel testing shipping moving trouble }
