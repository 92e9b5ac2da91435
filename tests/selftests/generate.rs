//! Every object through the generator: it writes Rust or says why not, and never falls or hangs.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use skelgen::Skeleton;
use skelgen::emit::Options;
use skelgen_tests::cells::say;
use skelgen_tests::not_run::{may_take_minutes, not_run};
use skelgen_tests::{Part, lists};

use crate::conform::Conform;
use crate::objects;

/// How long nothing may be done before something hangs. The longest takes a few seconds.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_generator_writes_rust_or_says_why_not() {
    let objects = match objects::all() {
        Ok(objects) => objects,
        Err(why) => return not_run(Part::Selftests, why),
    };
    if !may_take_minutes(Part::Selftests) {
        return;
    }
    let conform = match Conform::build() {
        Ok(conform) => conform,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    let generated = generate_all(&objects);
    let opened = conform.opens(&objects);
    let list = lists::read("selftests/refused.txt", 0);

    let mut written = 0;
    let mut wrong = Vec::new();
    // By reason: refused, and of them opened by libbpf.
    let mut reasons = BTreeMap::<String, [usize; 2]>::new();
    for (object, outcome) in &generated {
        let opens = opened.get(object).unwrap_or_else(|| panic!("nothing is known of libbpf and {object}"));
        match outcome {
            Generated::Written => written += 1,
            Generated::Wrong(how) => wrong.push(format!("{object}: {how}")),
            Generated::Refused(why) => {
                let entry = if *opens { list.iter().find(|entry| entry.explains(why)) } else { None };
                let reason = entry.map_or_else(|| general(why), |entry| entry.reason.clone());
                let counts = reasons.entry(reason).or_default();
                counts[0] += 1;
                counts[1] += usize::from(*opens);
                if *opens && entry.is_none() {
                    wrong.push(format!("{object}: refused, and not in refused.txt: {why}"));
                }
            }
        }
    }
    let stale = list.iter().filter(|entry| entry.seen() == 0);
    wrong.extend(stale.map(|entry| format!("no longer needed in refused.txt: {}", entry.line())));

    let opens = opened.values().filter(|opens| **opens).count();
    say(&format!("\n{} objects: Rust for {written}; libbpf opens {opens}\n", objects.len()));
    say(" refused  and opened by libbpf\n");
    for (reason, [refused, opens]) in &reasons {
        say(&format!("{refused:8} {opens:4}  {reason}\n"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the generator came to.
enum Generated {
    Written,
    Refused(String),
    /// It fell, or wrote one thing and then another.
    Wrong(String),
}

/// By the objects' names. Workers take one object after another.
fn generate_all(objects: &[PathBuf]) -> BTreeMap<String, Generated> {
    let all: Arc<[PathBuf]> = objects.into();
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..thread::available_parallelism().map_or(1, |n| n.get()) {
        let (all, next, sender) = (Arc::clone(&all), Arc::clone(&next), sender.clone());
        thread::spawn(move || {
            while let Some(object) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                // The receiver is gone once something hangs.
                let _ = sender.send((objects::name(object), generate_twice(object)));
            }
        });
    }
    drop(sender);
    let mut generated = BTreeMap::new();
    while generated.len() < objects.len() {
        let Ok((name, outcome)) = receiver.recv_timeout(LIMIT) else {
            let names = objects.iter().map(|object| objects::name(object));
            let missing: Vec<_> = names.filter(|name| !generated.contains_key(name)).take(4).collect();
            panic!("nothing was done for {} s; of what is left, the first: {}", LIMIT.as_secs(), missing.join(", "));
        };
        generated.insert(name, outcome);
    }
    generated
}

fn generate_twice(object: &Path) -> Generated {
    let [first, second] = [(); 2].map(|()| catch_unwind(|| generate(object)));
    match (first, second) {
        (Ok(first), Ok(second)) if first != second => Generated::Wrong("generated twice, and not the same".to_owned()),
        (Ok(Ok(_)), Ok(_)) => Generated::Written,
        (Ok(Err(why)), Ok(_)) => Generated::Refused(why),
        _ => Generated::Wrong("the generator panicked".to_owned()),
    }
}

/// The object's Rust, which `prettyplease` has had to parse; or the generator's sentence, without the object's name and
/// the line of C.
pub(crate) fn generate(object: &Path) -> Result<String, String> {
    let bytes = fs::read(object).expect("it was found");
    let file_name = object.file_name().unwrap_or_default().to_string_lossy();
    let source = Skeleton::new(&file_name, &bytes).and_then(|skeleton| skeleton.source(&Options::default()));
    source.map_err(|error| {
        let words = error.to_string();
        let sentence = words.lines().next().unwrap_or_default();
        sentence.trim_start_matches(&*format!("{file_name}: ")).to_owned()
    })
}

/// A reason without the names in it, and without the place, so that objects can be counted by it.
fn general(why: &str) -> String {
    // What follows is the source's line.
    let reason = why.lines().next().unwrap_or(why);
    let reason = reason.rsplit(": ").next().unwrap_or(reason);
    let parts = reason.split('`').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "…" });
    parts.collect::<Vec<_>>().join("`")
}
