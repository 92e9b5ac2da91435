//! `gen` and the builder lead to the same, to the byte. (`skelgen-macros` tests that the derive does.)

use std::fs;
use std::path::Path;

use crate::{FIXTURES, scratch, skelgen};

#[test]
fn gen_writes_what_the_builder_does() {
    let file = scratch("by_builder.rs");
    let mut same = 0;
    for entry in fs::read_dir(FIXTURES).expect("fixtures are checked in") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        if !name.ends_with(".bpf.o") {
            continue;
        }
        let built = skelgen::Builder::new().object(Path::new(FIXTURES).join(&name)).generate(&file);
        let generated = skelgen(&["gen", &name]);
        assert_eq!(generated.status == 0, built.is_ok(), "{name}: {}", generated.err);
        if built.is_ok() {
            // Not assert_eq, which would print both.
            assert!(fs::read_to_string(&file).expect("it was written") == generated.out, "{name}");
            same += 1;
        }
    }
    assert!(same > 15, "{same}");
}
