//! The errors that `trouble` quotes, each made to happen.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use skelgen_runtime::{Error, Result, Skeleton, TestRun};
use skelgen_tests::markdown::{blocks, guide};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::skeletons::maps_all::MapsAll;
use skelgen_tests::skeletons::maps_all::types::{Flow, Totals};
use skelgen_tests::skeletons::optional_maps::OptionalMaps;
use skelgen_tests::skeletons::sec_forms::SecForms;
use skelgen_tests::{is_from, may_load, not_on_this_kernel};

/// For a kernel that few have.
#[derive(Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o", min_kernel = "7.3")]
struct Newest;

const TEST: &str = "errors::the_runtimes_are_what_it_prints";

/// Blocks of text, without their last line break: those of the compiler, or the others.
fn quoted(of_rustc: bool) -> BTreeSet<String> {
    let (_, text) = guide().into_iter().find(|(chapter, _)| chapter == "trouble").unwrap();
    let texts = blocks(&text).into_iter().filter(|block| block.language == "text").map(|block| block.text);
    texts.map(|text| text.trim_end().to_owned()).filter(|text| text.starts_with("error") == of_rustc).collect()
}

/// An error without its end, where that differs from machine to machine.
fn anywhere(text: &str) -> &str {
    let ends = ["this kernel is ", "the possible CPUs are "];
    ends.iter().find_map(|end| text.split_once(end)).map_or(text, |(before, _)| before)
}

#[test]
fn the_runtimes_are_what_it_prints() -> Result<()> {
    if env::var_os("SKELGEN_UNPRIVILEGED").is_some() {
        println!("\n{}", Counters::open()?.load().unwrap_err());
        return Ok(());
    }
    if !may_load() {
        return Ok(());
    }
    let mut seen = vec![unprivileged()];
    let mut says = |error: Error| seen.push(error.to_string());

    let mut open = Counters::open()?;
    open.progs.bump.set_autoload(false);
    says(open.load()?.progs.bump.test_run(TestRun::default()).unwrap_err());
    let skel = Counters::open()?.load()?;
    says(skel.progs.bump.attach().unwrap_err());
    says(skel.maps.events.pin("/tmp/events").unwrap_err());
    says(skel.percpu.set(9999, &skel.percpu.get(0)?).unwrap_err());

    let mut open = SecForms::open()?;
    open.progs.ksyscall.set_autoload(true);
    says(open.load()?.attach().unwrap_err());

    let mut open = MapsAll::open()?;
    open.maps.pinned_by_name.clear_pin_path();
    says(open.maps.typed.reuse_map(skel.percpu.map()).unwrap_err());
    open.maps.typed.set_max_entries(1)?;
    let maps = open.load()?.maps;
    let [one, two] = [1, 2].map(|port| Flow { port, ..Flow::default() });
    maps.typed.insert(&one, &Totals::default())?;
    says(maps.typed.insert(&two, &Totals::default()).unwrap_err());

    let mut open = OptionalMaps::open()?;
    open.maps.extra.set_autocreate(false)?;
    says(open.load()?.maps.extra.get(&1).unwrap_err());

    let mut quoted = quoted(false);
    if !is_from(".percpu addressed directly") {
        says(Newest::open()?.load().unwrap_err());
    } else {
        quoted.retain(|text| !text.contains("it was generated for"));
        not_on_this_kernel("the error of a kernel before 7.3");
    }
    let [quoted, seen] = [Vec::from_iter(quoted), seen]
        .map(|texts| BTreeSet::from_iter(texts.iter().map(|text| anywhere(text).to_owned())));
    assert_eq!(quoted, seen);
    Ok(())
}

/// What a process says that may not load.
fn unprivileged() -> String {
    const NOBODY: u32 = 65534;
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", TEST, "--nocapture"]).env("SKELGEN_UNPRIVILEGED", "1").uid(NOBODY).gid(NOBODY);
    let out = command.output().expect("who may load BPF may be another user").stdout;
    let out = String::from_utf8(out).unwrap();
    out.lines().find(|line| line.starts_with("counters: ")).unwrap_or(&out).to_owned()
}

/// They are kept beside the derives' tests, under other paths and line numbers.
#[test]
fn the_compilers_are_what_it_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("macros/tests/ui");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let printed = files.filter(|path| path.extension().is_some_and(|extension| extension == "stderr"));
    let printed: String = printed.map(|path| fs::read_to_string(path).unwrap()).collect();
    let quoted = quoted(true);
    assert!(quoted.len() >= 7, "{quoted:#?}");
    for text in quoted {
        assert!(printed.contains(&format!("{text}\n")), "{text}");
    }
}
