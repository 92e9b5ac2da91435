//! The guide's C, compiled and made into skeletons.

use std::path::{Path, PathBuf};
use std::{env, fs};

use skelgen::Builder;
use skelgen_tests::have_clang;
use skelgen_tests::markdown::{blocks, guide};
use skelgen_tests::scratch::scratch;

/// What a snippet begins with in your file, too.
const BEFORE: &str =
    "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n\n";

/// In place of the kernel's types and libbpf's header: the fixtures' own.
const HEADERS: [(&str, &str); 2] = [
    ("vmlinux.h", "#include \"vmlinux_min.h\"\n"),
    ("bpf/bpf_helpers.h", "#include \"skelgen_bpf.h\"\n#undef LICENSE\n"),
];

pub(crate) fn folder_with_headers(name: &str) -> PathBuf {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bpf")).unwrap();
    for (name, text) in HEADERS {
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

fn fixtures_headers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/include")
}

/// A program of LLVM, or as Debian calls that which the fixtures are pinned to.
pub(crate) fn llvm(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap();
    let mut files = env::split_paths(&path).flat_map(|folder| [folder.join(name), folder.join(format!("{name}-14"))]);
    files.find(|path| path.is_file())
}

#[test]
fn it_compiles_and_has_skeletons() {
    if !have_clang() {
        return;
    }
    let (folder, fixtures) = (folder_with_headers("guide"), fixtures_headers());
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
