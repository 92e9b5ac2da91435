//! The guide's C, compiled and made into skeletons.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use skelgen::{Builder, Skeleton};
use skelgen_tests::markdown::{Block, blocks, guide};
use skelgen_tests::scratch::scratch;
use skelgen_tests::{Part, have_clang, not_run, packages};

/// What a snippet begins with in your file, too.
const BEFORE: &str =
    "#include \"vmlinux.h\"\n#include <bpf/bpf_helpers.h>\n\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n\n";

/// In place of the kernel's types and libbpf's header: the fixtures' own.
const HEADERS: [(&str, &str); 2] = [
    ("vmlinux.h", "#include \"vmlinux_min.h\"\n"),
    ("bpf/bpf_helpers.h", "#include \"skelgen_bpf.h\"\n#undef LICENSE\n"),
];

fn folder_with_headers(name: &str) -> PathBuf {
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
fn llvm(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap();
    let mut files = env::split_paths(&path).flat_map(|folder| [folder.join(name), folder.join(format!("{name}-14"))]);
    files.find(|path| path.is_file())
}

#[test]
fn the_first_program_is_compiled_as_it_says() {
    if !have_clang() {
        return;
    }
    let folder = folder_with_headers("first");
    let tools = folder.join("tools");
    fs::create_dir(&tools).unwrap();
    for name in ["clang", "llvm-strip"] {
        let Some(program) = llvm(name) else { return not_run(Part::Clang, format!("there is no {name}")) };
        symlink(program, tools.join(name)).unwrap();
    }
    let (_, chapter) = guide().into_iter().find(|(chapter, _)| chapter == "first").unwrap();
    let blocks = blocks(&chapter);
    let text = |is: &dyn Fn(&Block) -> bool| &blocks.iter().find(|block| is(block)).unwrap().text;
    fs::write(folder.join("counters.bpf.c"), text(&|block| block.language == "c")).unwrap();
    let commands = text(&|block| block.language == "sh" && block.text.starts_with("clang "));
    let mut shell = Command::new("sh");
    shell.args(["-ec", commands]).env("PATH", packages::path_from(&tools)).current_dir(&folder);
    // Where else the compiler looks: the machine need not have libbpf's headers.
    let includes = env::join_paths([folder.clone(), fixtures_headers()]).unwrap();
    packages::run(shell.env("C_INCLUDE_PATH", includes));

    let object = fs::read(folder.join("counters.bpf.o")).unwrap();
    assert!(!object.windows(11).any(|name| name == b".debug_info"));
    let source = Skeleton::new("counters.bpf.o", &object).unwrap().source(&Default::default()).unwrap();
    assert!(source.contains("pub hits: u64,") && source.contains("pub target_pid: u32,"), "{source}");
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
