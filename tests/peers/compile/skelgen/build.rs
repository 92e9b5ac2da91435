//! Generates the skeleton with skelgen.

fn main() -> Result<(), skelgen::BuildError> {
    skelgen::Builder::new().object("../../../../fixtures/agent_thirty.bpf.o").generate_to_out_dir()
}
