//! Hands the object to `include_bytes!`.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=PEER_OBJECT");
    let object = env::var("PEER_OBJECT").expect("PEER_OBJECT is set by the bench");
    println!("cargo::rerun-if-changed={object}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::copy(&object, out.join("peer.bpf.o")).expect("the object can be copied");
}
