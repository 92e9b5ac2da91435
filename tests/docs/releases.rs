//! What the documents say of releases of Linux comes from the runtime's tables, `skelgen_runtime::kernel`.

use std::fmt::Write;
use std::fs;

use skelgen_runtime::kernel::{Feature, KernelVersion, OLDEST, OLDEST_TESTED, features, quirks};
use skelgen_tests::machine::since;
use skelgen_tests::markdown;

use crate::{is_up_to_date, root};

/// `| 6.9 | ...`, oldest first.
fn table_of_features() -> String {
    let mut table = "| since | feature | | without it | declared in |\n|---|---|---|---|---|\n".to_owned();
    let mut rows: Vec<_> = features().collect();
    rows.sort_by_key(|feature| feature.since);
    for Feature { name, kind, since, documented, without, needs, .. } in rows {
        let name = if name.contains(' ') { (*name).to_owned() } else { format!("`{name}`") };
        let needs = needs.map(|needs| format!(", with {needs}")).unwrap_or_default();
        let (kind, without) = (kind.name(), without.unwrap_or_default());
        writeln!(table, "| {since} | {name}{needs} | {kind} | {without} | `{documented}` |").unwrap();
    }
    table
}

fn table_of_quirks() -> String {
    let mut table =
        "| kernels | what they do | how skelgen recognises it | what skelgen does |\n|---|---|---|---|\n".to_owned();
    for quirk in quirks() {
        writeln!(table, "| {} | {} | {} | {} |", quirk.affected, quirk.what, quirk.recognised, quirk.done).unwrap();
    }
    table
}

/// `document` with `table` between the comment that names it and the next.
fn with_table(document: &str, name: &str, table: &str) -> String {
    let (before, rest) = document.split_once(&format!("<!-- {name}: ")).expect("the chapter has a place for it");
    let (comment, rest) = rest.split_once('\n').expect("the comment ends its line");
    let (_, after) = rest.split_once("<!-- end -->").expect("the place ends");
    format!("{before}<!-- {name}: {comment}\n{table}<!-- end -->{after}")
}

#[test]
fn tables_of_releases_are_up_to_date() {
    let path = root().join("runtime/guide/releases.md");
    let chapter = fs::read_to_string(&path).unwrap();
    let chapter = with_table(&chapter, "features", &table_of_features());
    let chapter = with_table(&chapter, "quirks", &table_of_quirks());
    assert!(is_up_to_date(&path, &chapter), "run SKELGEN_BLESS=1 cargo test -p skelgen-tests --test docs, twice");
}

#[test]
fn quirks_name_files_that_exist() {
    for quirk in quirks() {
        assert!(root().join(quirk.place).exists(), "{quirk:?}");
    }
}

/// What a sentence's number is the release of.
#[derive(Clone, Copy)]
enum Of {
    /// A feature, by its name in the table.
    Feature(&'static str),
    /// The oldest kernel that the loader runs on.
    Oldest,
    /// The oldest kernel that is tested.
    OldestTested,
    /// A kernel on which something was measured, or that an example has.
    This(&'static str),
}

const CPU_FLAGS: Of = Of::Feature("BPF_F_CPU, BPF_F_ALL_CPUS");
const DIRECT: Of = Of::Feature(".percpu addressed directly");
const MEMCG: Of = Of::Feature("maps without RLIMIT_MEMLOCK");
const CORE: Of = Of::Feature("CO-RE relocations by the kernel");

/// Each `Linux 7.3` in the README and the guide, with what it is about; `{}` is the release.
const SENTENCES: [(&str, &str, Of); 32] = [
    ("README", "Linux {} lets BPF programs address them directly", DIRECT),
    ("README", "once in a fresh process, on Linux {}:", Of::This("6.18")),
    ("README", "skelgen copies 64 bytes on Linux {} and later", CPU_FLAGS),
    ("README", "- Linux {} or later.", Of::OldestTested),
    ("README", "The loader itself needs Linux {} (", Of::Oldest),
    ("README", "Before Linux {} the kernel cannot write one CPU's value alone", CPU_FLAGS),
    ("README", "Before Linux {} a function needs 8 more bytes of stack", DIRECT),
    ("cost", "once in a fresh process, on Linux {}.", Of::This("6.18")),
    ("cost", "Before Linux {} each section with a non-zero initial value", CPU_FLAGS),
    ("cost", "loads this object on Linux {}.", Of::This("6.18")),
    ("cost", "`BPF_F_ALL_CPUS` (Linux {})", CPU_FLAGS),
    ("cost", "**skelgen**, Linux {} or later", CPU_FLAGS),
    ("cost", "on Linux {} and 7.1 the kernel does not clear", CPU_FLAGS),
    ("cost", "with 64-byte values on Linux {}.", Of::This("7.3")),
    ("cost", "Linux {}, where all three copy all values", Of::This("6.12")),
    ("data", "reserves a map for one program (Linux {})", Of::Feature("exclusive maps")),
    ("data", "An arena (Linux {})", Of::Feature("BPF_MAP_TYPE_ARENA")),
    ("glossary", "as the compiler produced it, for Linux {} and later", DIRECT),
    ("kernel", "Linux {}), so user space reads no BTF", CORE),
    ("kernel", "`fentry.multi`, `fexit.multi` (Linux {})", Of::Feature("BPF_TRACE_FENTRY_MULTI")),
    ("moving", "`.percpu` needs the bpftool of Linux {}.", DIRECT),
    ("moving", "loads `.percpu` before Linux {}.", DIRECT),
    ("percpu", "command on Linux {} and later", CPU_FLAGS),
    ("percpu", "Before Linux {} the kernel cannot write one CPU's value alone", CPU_FLAGS),
    ("percpu", "shows all elements. This needs Linux {};", DIRECT),
    ("percpu", "Linux {} lets programs address `.percpu` directly", DIRECT),
    ("releases", "skelgen is tested on Linux {} and later", Of::OldestTested),
    ("shipping", "use a BPF token instead (Linux {})", Of::Feature("BPF tokens")),
    ("shipping", "since Linux {} the kernel charges maps", MEMCG),
    ("testing", "On Linux {} and later a skeleton loads the native form", DIRECT),
    ("trouble", "irrelevant since Linux {}.", MEMCG),
    ("trouble", "or require Linux {} with `min_kernel`", DIRECT),
];

/// The same in what commands and errors print, and where it depends on the example.
const PRINTED: [(&str, &str, Of); 5] = [
    ("kernel", "// a kfunc, since {}", Of::Feature("bpf_rcu_read_lock")),
    ("shipping", "oldest kernel: Linux {}", Of::OldestTested),
    ("trouble", "it was generated for Linux {} and newer", Of::This("7.3")),
    ("trouble", "the skeleton loads from Linux {} on", Of::OldestTested),
    ("trouble", "*Skeletons need Linux {} or newer*", Of::Oldest),
];

fn release(of: Of) -> KernelVersion {
    match of {
        Of::Feature(name) => since(name),
        Of::Oldest => OLDEST,
        Of::OldestTested => OLDEST_TESTED,
        Of::This(release) => KernelVersion::of_release(release).unwrap(),
    }
}

/// Without the tables, which are generated, and with one space between words.
fn documents() -> Vec<(String, String)> {
    let readme = ("README".to_owned(), fs::read_to_string(root().join("README.md")).unwrap());
    let documents = markdown::guide().into_iter().chain([readme]);
    documents.map(|(name, text)| (name, text.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

#[test]
fn releases_in_sentences_are_the_tables() {
    let mut documents = documents();
    for (document, sentence, of) in SENTENCES.into_iter().chain(PRINTED) {
        let (_, text) = documents.iter_mut().find(|(name, _)| name == document).expect(document);
        let sentence = sentence.replace("{}", &release(of).to_string());
        assert!(text.contains(&sentence), "{document} does not say: {sentence}");
        *text = text.replace(&sentence, "");
    }
    for (document, text) in documents {
        let rest = text.split("Linux ").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let rest: Vec<_> = rest.map(|rest| rest.chars().take(40).collect::<String>()).collect();
        assert!(rest.is_empty(), "{document}: add `Linux {}` to SENTENCES", rest.join("`, `Linux "));
    }
}

/// The columns of the chapter's table are the releases at which a kernel does something else.
#[test]
fn columns_of_the_per_cpu_chapter_are_the_tables() {
    let (flags, direct) = (release(CPU_FLAGS), release(DIRECT));
    let last = KernelVersion::new(direct.major, direct.minor - 1);
    let columns = format!("| | {OLDEST_TESTED} to 6.19 | {flags} to {last} | {direct} and later |");
    let percpu = fs::read_to_string(root().join("runtime/guide/percpu.md")).unwrap();
    assert!(percpu.lines().any(|line| line == columns), "{columns}");
}
