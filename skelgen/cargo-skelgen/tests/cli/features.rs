//! `features`, of the running kernel.

use serde_json::Value;
use skelgen_tests::{fixtures, may_load};

use crate::{Ran, json, skelgen};

/// The document, and the status.
fn document(args: &[&str]) -> (i32, Value) {
    let Ran { status, out, err } = skelgen(&[&["features", "--json"], args].concat());
    assert_eq!(err, "", "{args:?}");
    let document = json::parse(&out);
    json::is_documented("features", &document);
    (status, document)
}

/// What an object needs under this name.
fn need<'a>(document: &'a Value, what: &str, name: &str) -> &'a Value {
    let needs = document["object"]["needs"].as_array().expect("an array");
    let found = needs.iter().find(|need| need["what"] == what && (name.is_empty() || need["name"] == name));
    found.unwrap_or_else(|| panic!("no {what} {name} in {needs:#?}"))
}

#[test]
fn what_is_said_of_the_machine_is_so() {
    let (status, document) = document(&[]);
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux has it");
    assert_eq!(document["kernel"]["release"], release.trim());
    let cpus = skelgen_runtime::cpus::possible().expect("sysfs is there").count();
    assert_eq!(document["possible_cpus"]["count"], cpus);
    assert_eq!(document["object"], Value::Null);
    assert_eq!(status == 0, document["loader"]["ok"] == true);
}

#[test]
fn a_privileged_process_can_load_and_knows_how() {
    if !may_load() {
        return;
    }
    let (status, document) = document(&[]);
    assert_eq!((status, &document["loader"]), (0, &serde_json::json!({ "ok": true })));
    let features = skelgen_runtime::features::probe().expect("this process may load");
    assert_eq!((&document["all_cpus"], &document["direct"]), (&features.all_cpus.into(), &features.direct.into()));
}

#[test]
fn an_objects_needs_are_told_with_their_kernels() {
    if !may_load() {
        return;
    }
    let (status, document) = document(&["counters.bpf.o"]);
    let object = &document["object"];
    assert_eq!((status, &object["loads"], &object["minimum_kernel"]), (0, &true.into(), &"6.1".into()));
    let direct = document["direct"] == true;
    assert_eq!(object["image"], if direct { "native" } else { "lowered" });
    let percpu = need(&document, ".percpu addressed directly", "");
    assert_eq!((&percpu["since"], &percpu["required"]), (&"7.3".into(), &false.into()));
    let ringbuf = need(&document, "map type", "ringbuf");
    assert_eq!((&ringbuf["here"], &ringbuf["since"]), (&true.into(), &Value::Null));
    assert_eq!(ringbuf["for"], serde_json::json!(["events"]));

    let text = skelgen(&["features", "counters.bpf.o"]).out;
    let image = if direct { "native" } else { "lowered" };
    assert!(text.lines().next().is_some_and(|line| line.ends_with(&format!(": loads, {image} image"))), "{text}");
    assert!(text.ends_with("  oldest kernel: Linux 6.1\n"), "{text}");
}

#[test]
fn what_is_asked_of_types_is_found_in_the_kernels() {
    if !may_load() {
        return;
    }
    let (_, document) = document(&["agent.bpf.o"]);
    assert_eq!(need(&document, "kernel BTF", "")["here"], true);
    let target = need(&document, "attach target", "bpf_iter_task");
    assert_eq!((&target["here"], &target["required"]), (&true.into(), &true.into()));
}

#[test]
fn an_object_that_cannot_load_here_ends_with_1() {
    let other = if cfg!(target_endian = "little") { "counters_be.bpf.o" } else { "counters.bpf.o" };
    let (status, document) = document(&[other]);
    assert_eq!((status, &document["object"]["loads"]), (1, &false.into()));
    assert_eq!(need(&document, "the other byte order", "")["here"], false);
    let text = skelgen(&["features", other]);
    assert!(text.status == 1 && text.out.contains(": does not load\n"), "{}", text.out);

    let nowhere = skelgen(&["features", "nowhere.bpf.o"]);
    assert_eq!((nowhere.status, nowhere.out.as_str()), (1, ""));
    assert!(nowhere.err.starts_with("error: nowhere.bpf.o: cannot read it: "), "{}", nowhere.err);
}

#[test]
fn programs_that_nobody_loads_are_not_required() {
    let (_, document) = document(&["sec_forms.bpf.o"]);
    let multi = need(&document, "attach type", "trace_fentry_multi");
    assert_eq!((&multi["since"], &multi["required"]), (&"7.2".into(), &false.into()));
    assert_eq!(document["object"]["minimum_kernel"], "6.1");
}

/// The test target `kernel` compares the two in the guests of the matrix.
#[test]
fn features_and_load_agree() {
    if !may_load() {
        return;
    }
    let (mut loaded, mut refused) = (0, 0);
    let names = fixtures::names().into_iter().chain(fixtures::bad_names()).chain(fixtures::other_names());
    for object in names.map(|name| format!("{name}.bpf.o")) {
        let load = skelgen(&["load", "--json", &object]);
        let line = json::parse(&load.out);
        if line["stage"] == "generate" {
            continue;
        }
        let (status, document) = document(&[&object]);
        let said = &document["object"];
        assert_eq!((status, &said["loads"], &said["error"]), (load.status, &line["ok"], &line["error"]), "{object}");
        let needs = said["needs"].as_array().expect("an array");
        let missing = |need: &&Value| need["required"] == true && need["here"] == false;
        if load.status == 0 {
            assert!(!needs.iter().any(|need| missing(&need)), "{object}: {needs:#?}");
        }
        *if load.status == 0 { &mut loaded } else { &mut refused } += 1;
    }
    assert!(loaded > 50 && refused > 3, "{loaded}, {refused}");
}

#[test]
fn a_refused_object_is_explained() {
    let (_, unknown) = document(&["unknown_section.bpf.o"]);
    let untyped = need(&unknown, "program type", "unspec");
    assert_eq!((&untyped["here"], &untyped["required"]), (&false.into(), &true.into()));
    if !may_load() {
        return;
    }
    let ran = skelgen(&["features", "bad/verifier_reject.bpf.o"]);
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(ran.status, 1);
    assert!(lines[0].ends_with(": does not load"), "{}", ran.out);
    assert!(lines[1].starts_with("  load program unbounded: E"), "{}", ran.out);
    assert_eq!(lines[2], "  --> fixtures/bad/verifier_reject.bpf.c:37:9 (insn 11)");
}

#[test]
fn symbols_of_the_kernel_are_looked_up() {
    if !may_load() {
        return;
    }
    let (_, kfuncs) = document(&["kfuncs.bpf.o"]);
    let missing = need(&kfuncs, "kfunc", "skelgen_no_such_strong_kfunc");
    // Only a program that nobody loads calls it.
    assert_eq!((&missing["here"], &missing["required"]), (&false.into(), &false.into()));
    assert_eq!(missing["for"], serde_json::json!(["strong"]));
    let (_, ksyms) = document(&["ksyms.bpf.o"]);
    let schedule = need(&ksyms, "ksym", "schedule");
    assert_eq!((&schedule["here"], &schedule["required"]), (&true.into(), &true.into()));
    let (_, kconfig) = document(&["kconfig.bpf.o"]);
    let options = need(&kconfig, "kernel configuration", "")["for"].as_array().expect("an array");
    assert!(options.contains(&"CONFIG_HZ".into()) && !options.contains(&"LINUX_KERNEL_VERSION".into()), "{options:?}");
}
