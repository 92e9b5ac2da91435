//! `completions` and `man`.

use std::collections::BTreeSet;
use std::fs;

use crate::{Ran, scratch, skelgen};

/// The commands, as help lists them.
fn commands() -> BTreeSet<String> {
    let help = skelgen(&["--help"]).out;
    let (_, list) = help.split_once("Commands:\n").expect("help lists the commands");
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn each_shell_learns_each_command() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let Ran { status, out, err } = skelgen(&["completions", shell]);
        assert_eq!((status, err.as_str()), (0, ""));
        for command in &commands {
            assert!(out.contains(command.as_str()), "{command} is not in {shell}'s script");
        }
    }
}

#[test]
fn there_is_a_page_for_each_command() {
    let folder = scratch("man");
    let _ = fs::remove_dir_all(&folder);
    let ran = skelgen(&["man", "-o", folder.to_str().expect("text")]);
    assert_eq!(ran, Ran { status: 0, out: String::new(), err: String::new() });
    let pages = fs::read_dir(&folder).expect("it was made");
    let pages: BTreeSet<String> =
        pages.map(|page| page.expect("an entry").file_name().into_string().unwrap()).collect();
    let expected = commands().into_iter().map(|command| format!("cargo-skelgen-{command}.1"));
    assert_eq!(pages, expected.chain(["cargo-skelgen.1".to_owned()]).collect());

    let first = skelgen(&["man"]).out;
    assert!(first.contains(".SH NAME\n") && first.contains("cargo\\-skelgen\\-load(1)"), "{first}");
    let load = fs::read_to_string(folder.join("cargo-skelgen-load.1")).expect("it was written");
    assert!(load.contains("Exit status: 0 if all objects load"), "{load}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let ran = skelgen(&["man", "-o", "counters.bpf.o"]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: counters.bpf.o: cannot write it: "), "{}", ran.err);
}
