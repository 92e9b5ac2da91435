//! Objects that cannot be loaded: each is refused with an error that says what is wrong and where, and none makes the
//! generator panic or hang.

mod corrupted;
mod patched;
mod refused;

use skelgen::emit::Options;
use skelgen::{Result, Skeleton};

/// Everything that the generator does with an object.
fn generate(name: &str, object: &[u8]) -> Result<String> {
    Skeleton::new(&format!("{name}.bpf.o"), object)?.source(&Options::default())
}

/// The error's words.
fn refusal(name: &str, object: &[u8]) -> String {
    match generate(name, object) {
        Ok(_) => panic!("{name} is not refused"),
        Err(error) => error.to_string(),
    }
}
