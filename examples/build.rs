//! Makes the skeletons of `counters` and `daemon`. `histogram` has a derive instead.

use skelgen::{BuildError, Builder};

fn main() -> Result<(), BuildError> {
    Builder::new().object("../fixtures/counters.bpf.o").generate_to_out_dir()?;
    // No map of the object has the ring buffer's records as its type, so they are asked for.
    Builder::new().object("daemon/execs.bpf.o").add_type("exec").generate_to_out_dir()
}
