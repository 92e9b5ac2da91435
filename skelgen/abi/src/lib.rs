//! The contract between skelgen's generator and runtime. Each number and layout that both must know is defined once, here.
//!
//! | module | |
//! |---|---|
//! | [`attr`] | the structs of bpf(2) commands, as values and as bytes |
//! | [`desc`] | the description of an object, which the generator makes and the runtime loads |
//! | [`image`] | the layout of the image, which the loader program carries out |
//! | [`kernel`] | releases of Linux, and those that generator and runtime both depend on |
//! | [`shape`] | the shapes by which declarations of kernel functions are compared |
//! | [`skeleton_abi!`] | stops the build of a skeleton from another version |
//! | [`uapi`] | types and constants of the kernel's user-space API, named as in `include/uapi/linux` |
//!
//! Users of skeletons do not need this package: `skelgen` and `skelgen-runtime` re-export what they need.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod attr;
pub mod desc;
mod endian;
pub mod image;
pub mod kernel;
pub mod shape;
pub mod uapi;

pub use endian::Endian;
pub use kernel::{KernelVersion, NotARelease};

/// The version of [`desc`] and [`image`]. It increases whenever one of them changes.
///
/// Generated code names it with [`skeleton_abi!`], which has the same number.
pub const VERSION: u32 = 1;

/// Stops the build of a skeleton that another version of skelgen generated.
///
/// Its argument is the [`VERSION`] of the skeleton.
#[macro_export]
macro_rules! skeleton_abi {
    (1) => {};
    ($version:literal) => {
        ::core::compile_error!(::core::concat!(
            "this skeleton has version ",
            $version,
            " of skelgen's format, and this skelgen-runtime loads version 1: generate the skeleton again with the \
             skelgen of this runtime's version"
        ));
    };
}
