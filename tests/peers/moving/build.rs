//! Generates the skeleton with libbpf-cargo.

use std::env;
use std::path::PathBuf;

const OBJECT: &str = "src/counters.bpf.o";

fn main() {
    println!("cargo::rerun-if-changed={OBJECT}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("counters.skel.rs");
    if let Err(error) = libbpf_cargo::SkeletonBuilder::new().obj(OBJECT).generate(out) {
        println!("cargo::error=libbpf-cargo cannot generate: {error:#}");
    }
}
