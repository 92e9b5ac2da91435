//! A load that fails leaves no descriptor behind. Alone in its process, which is counted as a whole.

mod common;

use std::fs;

use common::{may_load, open};
use skelgen_runtime::{Errno, PerCpuMode, features};

/// Descriptors of this process that are of BPF.
fn bpf_fds() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().contains("bpf") || link.to_string_lossy().contains("btf")).count()
}

#[test]
fn a_refused_program_is_named_with_its_log_and_leaves_nothing() {
    if !may_load() {
        return;
    }
    let before = bpf_fds();
    let error = open("bad/verifier_reject").load([], [], &[]).unwrap_err();
    assert_eq!(error.operation(), "load program");
    assert!(error.subject_name().is_some());
    let log = error.verifier_log().unwrap();
    assert!(log.contains("processed "), "{log}");
    let shown = error.to_string();
    assert!(shown.contains("\n  | ") && !shown.contains("processed "), "{shown}");
    assert_eq!(bpf_fds(), before);

    if !features::probe().unwrap().direct {
        let mut opened = open("counters");
        opened.set_percpu_mode(PerCpuMode::Native);
        let error = opened.load([], [], &[]).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EINVAL));
        assert_eq!(bpf_fds(), before, "{error}");
    }
}
