//! What `shipping` says is done: its commands build a package, and what they make runs as the chapter says it can.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

use object::elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, FileHeader64, Machine, PT_DYNAMIC, PT_INTERP};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use skelgen_tests::markdown::{self, guide};
use skelgen_tests::packages::{self, new_package, offline, path_from, run};
use skelgen_tests::{Part, may_load, not_installed, not_run, scratch};

/// The package's name, and its program's.
const NAME: &str = "counters";
const GLIBC: &str = "x86_64-unknown-linux-gnu";

type Header = FileHeader64<object::Endianness>;

fn chapter(name: &str) -> String {
    let (_, text) = guide().into_iter().find(|(chapter, _)| chapter == name).unwrap();
    text
}

/// The blocks of a language below a heading of the chapter.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let chapter = chapter("shipping");
    let blocks = markdown::blocks(markdown::section(&chapter, heading)).into_iter();
    blocks.filter(|block| block.language == language).map(|block| block.text).collect()
}

/// The only one.
fn block(heading: &str, language: &str) -> String {
    let [block] = <[_; 1]>::try_from(blocks(heading, language)).unwrap();
    block
}

/// The package that is shipped: the derive of `generate`, with the settings of this chapter's section on size.
fn package(folder: &Path) -> PathBuf {
    let package = new_package(folder, NAME, &blocks("# Size", "toml").join("\n"));
    let object = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/counters.bpf.o");
    fs::copy(object, package.join("src/counters.bpf.o")).unwrap();
    let generate = chapter("generate");
    let by_derive = markdown::section(&generate, "# By a derive");
    let main = markdown::blocks(by_derive).into_iter().find(|block| block.language.starts_with("rust")).unwrap();
    fs::write(package.join("src/main.rs"), main.text).unwrap();
    package
}

fn target_dir() -> PathBuf {
    scratch::scratch(env!("CARGO_TARGET_TMPDIR")).join("shipping")
}

/// The program, by the commands for a target.
fn build(heading: &str, target: &str) -> PathBuf {
    let commands = blocks(heading, "sh").into_iter().find(|block| block.contains(&format!("--target {target}\n")));
    let commands = commands.unwrap();
    // What fetches a target's standard library is not for a test.
    let commands: Vec<_> = commands.lines().filter(|line| !line.starts_with("rustup ")).collect();
    let all = packages::scratch(target);
    let package = package(&all);
    // The compiler that the tests were built by.
    let cargo = PathBuf::from(env::var_os("CARGO").expect("cargo runs the tests"));
    let path = path_from(cargo.parent().unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-ec", &commands.join("\n")]).env("PATH", path);
    run(offline(&mut shell, &package, &target_dir()));
    fs::remove_dir_all(all).unwrap();
    target_dir().join(target).join("release").join(NAME)
}

/// As `Static` says first, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build("# Static", GLIBC))
}

/// For another target, if this machine has its standard library.
fn for_target(heading: &str, target: &str) -> Option<PathBuf> {
    let libraries = run(Command::new("rustc").args(["--print", "target-libdir", "--target", target]));
    if !Path::new(libraries.trim()).is_dir() {
        not_installed(format!("there is no standard library: rustup target add {target}"));
        return None;
    }
    Some(build(heading, target))
}

/// Asserts that a program asks for neither a dynamic linker nor a library.
fn is_static(program: &Path, machine: Machine) {
    let bytes = fs::read(program).unwrap();
    let header = Header::parse(&*bytes).unwrap();
    let endian = header.endian().unwrap();
    assert_eq!(header.e_machine(endian), machine);
    for segment in header.program_headers(endian, &*bytes).unwrap() {
        assert_ne!(segment.p_type(endian), PT_INTERP);
        if segment.p_type(endian) == PT_DYNAMIC {
            let entries = segment.dynamic(endian, &*bytes).unwrap().unwrap_or_default();
            assert!(entries.iter().all(|entry| entry.d_tag(endian) != DT_NEEDED));
        }
    }
}

#[test]
fn with_glibc_it_is_one_file() {
    is_static(program(), EM_X86_64);
}

#[test]
fn with_musl_it_is_one_file() {
    let Some(program) = for_target("# Static", "x86_64-unknown-linux-musl") else { return };
    is_static(&program, EM_X86_64);
    if may_load() {
        counts(&Command::new(program).output().unwrap());
    }
}

#[test]
fn for_another_architecture_it_is_one_file() {
    let Some(program) = for_target("# Another architecture", "aarch64-unknown-linux-musl") else { return };
    is_static(&program, EM_AARCH64);
}

/// Asserts that the program has counted.
fn counts(output: &Output) {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{out}{err}");
    let hits = out.lines().map(|line| line.strip_suffix(" hits").and_then(|line| line.rsplit(' ').next()));
    let hits: Vec<u64> = hits.map(|hits| hits.and_then(|hits| hits.parse().ok()).expect("a number of hits")).collect();
    assert!(hits.iter().sum::<u64>() > 0, "{out}");
}

/// Whether this process can give away what it may, and mount. If not, the running test is noted.
fn is_root() -> bool {
    let root = may_load() && run(Command::new("id").arg("-u")).trim() == "0";
    if !root {
        not_run(Part::Live, "only root can mount, and drop capabilities");
    }
    root
}

/// Capabilities as setpriv(1) wants them: these and no other.
fn only(capabilities: &[String]) -> String {
    capabilities.iter().fold("-all".to_owned(), |all, name| format!("{all},+{}", name.to_lowercase()))
}

/// Runs the program in a root file system with nothing else, after what `mounts` mounts below that.
fn run_alone(name: &str, mounts: &str, capabilities: &[String]) -> Output {
    let root = target_dir().join(name);
    let _ = fs::remove_dir_all(&root);
    for folder in ["proc", "sys"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::copy(program(), root.join(NAME)).unwrap();
    let root = root.to_str().expect("text");
    // The last word is where to.
    let mounts = mounts.lines().map(|line| {
        let (mount, folder) = line.rsplit_once(' ').unwrap();
        format!("{mount} {root}{folder}\n")
    });
    let mounts: String = mounts.collect();
    // chroot(1) needs a capability itself, which loading does not.
    let bounding = only(&[capabilities, &["SYS_CHROOT".to_owned()]].concat());
    let script = format!("{mounts}exec setpriv --bounding-set={bounding} chroot {root} /{NAME}");
    // With a mount table of its own, which ends with it.
    Command::new("unshare").args(["--mount", "--pid", "--fork", "sh", "-ec", &script]).output().unwrap()
}

#[test]
fn in_an_initramfs_it_needs_what_is_mounted_there() {
    if !is_root() {
        return;
    }
    let capabilities = capabilities();
    counts(&run_alone("initramfs", &block("# Initramfs", "sh"), &capabilities));
    let output = run_alone("nothing", "", &capabilities);
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("/sys/"), "{output:?}");
}

/// What the container is given, without `CAP_`.
fn capabilities() -> Vec<String> {
    let commands = block("# Containers", "sh");
    let words: Vec<_> = commands.split_whitespace().collect();
    words.windows(2).filter(|pair| pair[0] == "--cap-add").map(|pair| pair[1].to_owned()).collect()
}

#[test]
fn a_container_has_what_it_needs_and_nothing_else() {
    // The image's program is what the build before it makes.
    let file = block("# Containers", "dockerfile");
    let word = |instruction: &str| {
        let line = file.lines().rev().find_map(|line| line.strip_prefix(instruction));
        line.unwrap_or_else(|| panic!("no {instruction}"))
    };
    assert_eq!(format!("{}\n", word("RUN ")), blocks("# Static", "sh")[0]);
    let built = program().strip_prefix(target_dir()).unwrap();
    let built = format!("{}/target/{}", word("WORKDIR "), built.display());
    assert_eq!(word("COPY "), format!("--from=build {built} /{NAME}"));
    assert_eq!((word("FROM "), word("ENTRYPOINT ")), ("scratch", format!("[\"/{NAME}\"]").as_str()));

    // As the container's root, with what is asked for and not even with all of Docker's own.
    if !is_root() {
        return;
    }
    let commands = block("# Containers", "sh");
    let (_, volume) = commands.split_once(" -v ").unwrap();
    let (from, to) = volume.split_whitespace().next().unwrap().split_once(':').unwrap();
    let mounts = format!("mount -t proc proc /proc\nmount -t sysfs sys /sys\nmount --bind {from} {to}\n");
    let capabilities = capabilities();
    counts(&run_alone("container", &mounts, &capabilities));
    for missing in &capabilities {
        let others: Vec<_> = capabilities.iter().filter(|other| *other != missing).cloned().collect();
        let output = run_alone("container", &mounts, &others);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("this process lacks CAP_{missing}, which loading BPF needs")), "{said}");
    }
}

#[test]
fn wherever_the_capabilities_are_named_they_are_the_same() {
    let capabilities = capabilities();
    let named: Vec<_> = capabilities.iter().map(|name| format!("CAP_{name}")).collect();
    let quoted: Vec<_> = capabilities.iter().map(|name| format!("\"{name}\"")).collect();
    let (shipping, trouble, unit) = (chapter("shipping"), chapter("trouble"), unit());
    assert!(shipping.contains(&format!("`securityContext.capabilities.add: [{}]`", quoted.join(", "))));
    assert!(shipping.contains(&format!("\nLoading needs `{}`;", named.join("` and `"))));
    assert!(trouble.contains(&format!(": this process lacks {}, which loading BPF needs;", named.join(" and "))));
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(unit[key], named.join(" "));
    }
}

/// What systemd is told, by key.
fn unit() -> BTreeMap<String, String> {
    let unit = block("# Under systemd", "ini");
    let pairs = unit.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A folder with the program that users of any name can reach.
fn installed(test: &str) -> PathBuf {
    let folder = packages::scratch(test);
    fs::copy(program(), folder.join(NAME)).unwrap();
    folder
}

#[test]
fn systemd_understands_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return not_installed("there is no systemd-analyze");
    }
    let folder = installed("unit");
    let program = folder.join(NAME).display().to_string();
    let text = block("# Under systemd", "ini").replace(&unit()["ExecStart"], &program);
    let file = folder.join(format!("{NAME}.service"));
    fs::write(&file, text).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(file).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_systemd_gives_is_enough() {
    if !is_root() {
        return;
    }
    let unit = unit();
    let set = |key: &str| {
        let names: Vec<_> = unit[key].split(' ').map(|name| name.replace("CAP_", "")).collect();
        only(&names)
    };
    assert_eq!(unit["DynamicUser"], "yes");
    let folder = installed("service");
    // A user without a name, who gets no more than that: systemd.exec(5) has DynamicUser= imply NoNewPrivileges=.
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=61184", "--regid=61184", "--clear-groups", "--no-new-privs"]);
    let ambient = set("AmbientCapabilities");
    setpriv.args([format!("--inh-caps={ambient}"), format!("--ambient-caps={ambient}")]);
    setpriv.arg(format!("--bounding-set={}", set("CapabilityBoundingSet")));
    counts(&setpriv.arg(folder.join(NAME)).output().unwrap());
    fs::remove_dir_all(folder).unwrap();
}
