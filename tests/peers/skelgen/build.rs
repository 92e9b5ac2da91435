//! Generates the skeleton with skelgen.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=PEER_OBJECT");
    let object = env::var("PEER_OBJECT").expect("PEER_OBJECT is set by the bench");
    println!("cargo::rerun-if-changed={object}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // skelgen names what it generates after the file.
    let copy = out.join("peer.bpf.o");
    std::fs::copy(&object, &copy).expect("the object can be copied");
    if let Err(error) = skelgen::Builder::new().object(&copy).generate_to_out_dir() {
        println!("cargo::error=skelgen cannot generate: {error}");
    }
}
