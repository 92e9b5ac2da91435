//! Every object loaded with libbpf and with skelgen, in guests.
//!
//! Not on the running kernel: some objects are there for what once brought kernels down, and may still do so with this
//! one. And only where they are asked for, as all of them take some ten minutes for each kernel.

use std::collections::BTreeMap;
use std::env;

use skelgen_tests::cells::{Cells, NO_TESTMOD, guests_load, say};
use skelgen_tests::lists::{self, Entry};
use skelgen_tests::not_run::note;
use skelgen_tests::{Part, TESTMOD, not_run};

use crate::conform::{Conform, Record};
use crate::objects;

/// Names the cells to load them in: `7.3:2`, whose kernel the objects are of, or others.
const VARIABLE: &str = "SKELGEN_LOADS";

/// Of how many objects one is loaded; all, if it is not said.
const EVERY: &str = "SKELGEN_LOADS_EVERY";

/// The kernel whose objects they are, which alone has all that they are about.
const SERIES: &str = "7.3";

/// Outcomes that need no reason.
const FINE: [&str; 2] = ["same", "same-refusal"];

#[test]
fn what_loads_with_libbpf_loads_to_the_same() {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    if wanted.is_empty() {
        return note("selftests loads", &format!("not asked for: {VARIABLE}=7.3:2 does, and takes some ten minutes"));
    }
    let every =
        env::var(EVERY).map_or(1, |every| every.parse().expect("of how many objects one is loaded is a number"));
    let objects: Vec<_> = match objects::all() {
        Ok(objects) => objects.into_iter().step_by(every).collect(),
        Err(why) => return not_run(Part::Selftests, why),
    };
    let conform = match Conform::build() {
        Ok(conform) => conform,
        Err(why) => return not_run(Part::Libbpf, why),
    };
    let mut judge = Judge::new(objects.len(), every == 1);
    let cells = Cells::named(&wanted);
    match cells.can_run() {
        Ok(()) => {
            for (series, cpus) in cells.each() {
                if series == SERIES && !guests_load(&series, TESTMOD) {
                    not_run(Part::Selftests, format!("its guests lack the module {TESTMOD}: {NO_TESTMOD}"));
                    continue;
                }
                judge.take(&series, &conform.run_in_guests(&objects, &series, &cpus));
            }
        }
        Err(why) => not_run(Part::Qemu, why),
    }
    judge.end();
}

/// Holds what came of the loads against the lists.
struct Judge {
    objects: usize,
    /// Whether these are all that there are.
    whole: bool,
    /// Kernels, outcome, pattern, reason.
    differences: Vec<Entry>,
    /// What the generator refuses: `generate` sees to it that all of these are needed.
    refused: Vec<Entry>,
    kernels: Vec<String>,
    wrong: Vec<String>,
}

impl Judge {
    fn new(objects: usize, whole: bool) -> Judge {
        let [differences, refused] = [("selftests/differences.txt", 2), ("selftests/refused.txt", 0)]
            .map(|(name, keys)| lists::read(name, keys));
        Judge { objects, whole, differences, refused, kernels: Vec::new(), wrong: Vec::new() }
    }

    /// Tells what came of all objects on one kernel.
    fn take(&mut self, kernel: &str, records: &[Record]) {
        self.kernels.push(kernel.to_owned());
        if records.len() != self.objects {
            self.wrong.push(format!("{kernel}: {} objects, and {} outcomes", self.objects, records.len()));
        }
        let mut outcomes = BTreeMap::<&str, usize>::new();
        let mut reasons = BTreeMap::<String, usize>::new();
        for record in records {
            *outcomes.entry(&record.outcome).or_default() += 1;
            if FINE.contains(&&*record.outcome) {
                continue;
            }
            // All lines of one object for one reason are one.
            let mut of_object = Vec::new();
            for line in self.lines(record) {
                match self.reason(kernel, record, &line) {
                    Some(reason) => of_object.push(format!("{}: {reason}", record.outcome)),
                    None => self.wrong.push(format!("{kernel}: {}: {line}", record.outcome)),
                }
            }
            of_object.sort();
            of_object.dedup();
            of_object.into_iter().for_each(|reason| *reasons.entry(reason).or_default() += 1);
        }
        say(&format!("\nLinux {kernel}, {} objects:\n", records.len()));
        outcomes.iter().for_each(|(outcome, count)| say(&format!("{count:6}  {outcome}\n")));
        say("of which are explained:\n");
        reasons.iter().for_each(|(reason, count)| say(&format!("{count:6}  {reason}\n")));
    }

    /// What has to be explained of a record. Of two refusals, each by itself explains why they are not the same.
    fn lines(&self, record: &Record) -> Vec<String> {
        let line = |detail: &String| format!("{} {detail}", record.object);
        if record.outcome == "other-refusal" {
            return vec![line(&record.details.join(" / "))];
        }
        record.details.iter().map(line).collect()
    }

    fn reason(&self, kernel: &str, record: &Record, line: &str) -> Option<String> {
        let applies = |entry: &&Entry| {
            let [kernels, outcome] = &entry.keys[..] else { return false };
            (kernels == "*" || kernels.split(' ').any(|one| one == kernel)) && *outcome == record.outcome
        };
        let known = self.differences.iter().filter(applies).find(|entry| entry.explains(line));
        let refused = || {
            let (_, why) = line.split_once("skelgen: open: ")?;
            let (_, why) = why.split_once(": ")?;
            self.refused.iter().find(|entry| entry.explains(why))
        };
        known.or_else(refused).map(|entry| entry.reason.clone())
    }

    /// # Panics
    ///
    /// Something is not explained, or an explanation not needed.
    fn end(mut self) {
        let ran = |kernels: &str| {
            self.whole && (kernels == "*" || kernels.split(' ').all(|one| self.kernels.iter().any(|k| k == one)))
        };
        let stale = self.differences.iter().filter(|entry| entry.seen() == 0 && ran(&entry.keys[0]));
        let stale = stale.map(|entry| format!("no longer needed in differences.txt: {}", entry.line()));
        self.wrong.extend(stale.collect::<Vec<_>>());
        assert!(self.wrong.is_empty(), "{} are not explained:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}
