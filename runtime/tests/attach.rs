//! Programs of each kind, attached to what their sections name.

mod common;

use common::{load, map, may_load, open, prog};
use skelgen_runtime::{Errno, Link};
use skelgen_tests::not_on_this_kernel;

/// Attaches each program, and says how many those are and how many of them ran; a kernel that lacks what one hooks into is told aloud, any other failure is one.
fn attach_each(fixture: &str, lacking: &[&str]) -> (usize, usize) {
    let opened = open(fixture);
    let mut loaded = match opened.load([], [], &[]) {
        // Not even root may attach to functions of a kernel that is built or locked down so.
        Err(error) if error.errno() == Some(Errno::EPERM) => {
            not_on_this_kernel(format!("programs at functions: {error}"));
            let at_functions = ["fentry/", "fexit/", "fmod_ret/", "lsm/"];
            let off = opened.programs().iter().enumerate().filter_map(|(index, desc)| {
                let mut program = opened.program(index).unwrap();
                program.set_autoload(!at_functions.iter().any(|kind| desc.section.starts_with(kind)));
                (!program.autoload()).then_some(program)
            });
            opened.load([], off.collect::<Vec<_>>(), &[]).unwrap()
        }
        loaded => loaded.unwrap(),
    };
    let mut links: Vec<Link> = Vec::new();
    for desc in opened.programs() {
        let program = loaded.program(prog(&opened, desc.name)).unwrap();
        match program.autoattach() {
            Ok(link) => links.extend(link),
            Err(error) if lacking.iter().any(|lack| error.hint_text().is_some_and(|hint| hint.contains(lack))) => {
                not_on_this_kernel(format!("{}: {error}", desc.section));
            }
            Err(error) => panic!("{error}"),
        }
    }
    // Something for them to see.
    for _ in 0..10 {
        std::thread::sleep(std::time::Duration::from_millis(1));
        std::fs::read("/proc/self/stat").unwrap();
    }
    let bss = loaded.map(map(&opened, ".bss")).unwrap();
    let counters = bss.lookup(&[0; 4]).unwrap().unwrap();
    let ran = counters.chunks_exact(8).filter(|counter| counter.iter().any(|&byte| byte != 0)).count();
    (links.len(), ran)
}

#[test]
fn programs_of_tracing_attach() {
    if may_load() {
        let (attached, ran) = attach_each("attach_all", &[]);
        // The tracepoints run whatever happens, iterators and the functions of test runs when asked to.
        assert!(attached >= 4 && ran >= 2, "{attached} attached, {ran} ran");
    }
}

#[test]
fn programs_of_perf_events_attach() {
    if may_load() {
        let (attached, ran) = attach_each("attach_perf", &["no kprobes", "tracefs mounted"]);
        assert_eq!(ran, attached);
    }
}

#[test]
fn a_target_that_is_not_there_is_named() {
    if !may_load() {
        return;
    }
    let (opened, mut loaded) = (open("attach_perf"), load("attach_perf"));
    let mut program = |name| loaded.program(prog(&opened, name)).unwrap();
    let (tracepoint, kprobe) = (program("on_tracepoint"), program("on_kprobe"));
    let error = tracepoint.attach_tracepoint("no_such", "thing").unwrap_err().to_string();
    assert!(error.contains("tracepoint no_such/thing: ENOENT"), "{error}");
    assert!(tracepoint.attach_tracepoint("../..", "x").is_err());
    let error = kprobe.attach_kprobe("no_such_function_anywhere", 0).unwrap_err().to_string();
    assert!(error.contains("no_such_function_anywhere"), "{error}");
}
