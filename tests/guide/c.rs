//! The guide's C, compiled and made into skeletons.

use std::fs;
use std::path::Path;

use skelgen::Builder;
use skelgen_tests::have_clang;
use skelgen_tests::markdown::{blocks, guide};

/// What a snippet begins with in your file, too.
const BEFORE: &str =
    "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n\n";

/// In place of the kernel's types and libbpf's header: the fixtures' own.
const HEADERS: [(&str, &str); 2] = [
    ("vmlinux.h", "#include \"vmlinux_min.h\"\n"),
    ("bpf/bpf_helpers.h", "#include \"skelgen_bpf.h\"\n#undef LICENSE\n"),
];

#[test]
fn it_compiles_and_has_skeletons() {
    if !have_clang() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bpf")).unwrap();
    for (name, text) in HEADERS {
        fs::write(folder.join(name), text).unwrap();
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/include");
    for (chapter, text) in guide() {
        let snippets = blocks(&text).into_iter().filter(|block| block.language == "c");
        for (number, block) in snippets.enumerate() {
            let source = folder.join(format!("{chapter}_{number}.bpf.c"));
            let before = if block.text.contains("#include") { "" } else { BEFORE };
            fs::write(&source, format!("{before}{}", block.text)).unwrap();
            let builder = Builder::new().source(&source).include(&folder).include(&fixtures).flag("-Werror");
            builder.out_dir(&folder).generate_to_out_dir().unwrap_or_else(|error| panic!("{}{error}", block.text));
        }
    }
}
