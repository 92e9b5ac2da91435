//! Objects that cannot be loaded: each is refused with an error that says what is wrong and where, and none makes the
//! generator panic or hang.

mod corrupted;
mod hostile;
mod patched;
mod refused;
mod source_lines;

use skelgen::emit::Options;
use skelgen::{Result, Skeleton};

/// Everything that the generator does with an object.
fn generate(name: &str, object: &[u8]) -> Result<String> {
    Skeleton::new(&format!("{name}.bpf.o"), object)?.source(&Options::default())
}

/// The error's sentence. What stands below it, the line of the source, is [`source_lines`]' to test.
fn refusal(name: &str, object: &[u8]) -> String {
    match generate(name, object) {
        Ok(_) => panic!("{name} is not refused"),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}
