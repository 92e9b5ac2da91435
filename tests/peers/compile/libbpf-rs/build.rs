//! Generates the skeleton with libbpf-cargo.

use std::env;
use std::error::Error;
use std::path::PathBuf;

const OBJECT: &str = "../../../../fixtures/agent_thirty.bpf.o";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={OBJECT}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?).join("agent_thirty.skel.rs");
    Ok(libbpf_cargo::SkeletonBuilder::new().obj(OBJECT).generate(out)?)
}
