//! Output that is held to files in `goldens/`. `SKELGEN_BLESS=1` writes them anew.

use std::path::Path;
use std::{env, fs};

use similar::TextDiff;

/// Compares `text` with the file `name`.
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/goldens").join(name);
    if env::var_os("SKELGEN_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(&path, text).expect("the goldens can be written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let diff = TextDiff::from_lines(golden.as_str(), text);
    let diff = diff.unified_diff().header(&format!("goldens/{name}"), "now").to_string();
    assert!(golden == text, "if it is to be so, SKELGEN_BLESS=1 writes it to the goldens:\n{diff}");
}
