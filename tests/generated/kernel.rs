//! The program in the running kernel, beside what is known of it from [`super::native`].

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use skelgen::Skeleton;
use skelgen::describe::Description;
use skelgen::object::{Data, DataKind, Var};
use skelgen_runtime::{Loaded, Map, Opened, PerCpuMode, PossibleCpus, TestRun};
use skelgen_tests::allowed_cpus;

use super::native::{Known, Native};
use super::source::Program;

/// How many variables were compared, all programs together.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) programs: usize,
    /// As C declares them.
    pub(crate) whole: usize,
    pub(crate) percpu: usize,
    /// Statics of which clang kept a byte.
    pub(crate) shrunk: usize,
    /// Parts of statics that clang split.
    pub(crate) pieces: usize,
    /// Parts whose place in the static only LLVM knows.
    pub(crate) left_out: usize,
}

/// One program in one mode.
pub(crate) struct Run<'a> {
    pub(crate) skeleton: &'a Skeleton,
    pub(crate) program: &'a Program,
    pub(crate) native: &'a Native,
    pub(crate) compared: &'a mut Compared,
    /// The parts of variables that the object's variables can be, by their names.
    pub(crate) parts: BTreeMap<String, Vec<Range<usize>>>,
    pub(crate) differences: Vec<String>,
}

fn possible_cpus() -> PossibleCpus {
    let list = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap();
    PossibleCpus::parse(list.trim()).unwrap()
}

/// A data section and its map.
struct Section<'a> {
    name: &'a str,
    data: &'a Data,
    map: Map,
}

impl Run<'_> {
    /// Loads the program and runs it, and compares what there is before and after each run.
    pub(crate) fn check(&mut self, mode: PerCpuMode) {
        let plan = &self.skeleton.plan;
        for map in &plan.maps {
            let Some(data) = &map.data else { continue };
            let bytes =
                if data.kind == DataKind::Bss { vec![0; map.def.value_size as usize] } else { data.bytes.clone() };
            self.values("in the object", &map.name, data, &bytes, 0);
        }
        let description = Description::of(plan, &self.skeleton.loader);
        let loaded = Opened::new(&description.object()).and_then(|mut opened| {
            opened.set_percpu_mode(mode);
            opened.load([], [], &[])
        });
        match loaded {
            Ok(loaded) => self.rounds(mode, loaded),
            Err(error) => self.differences.push(format!("{mode:?}: {error}\n{}", error.verifier_log().unwrap_or(""))),
        }
    }

    fn rounds(&mut self, mode: PerCpuMode, mut loaded: Loaded) {
        let skeleton = self.skeleton;
        let sections = skeleton.plan.maps.iter().enumerate().filter_map(|(index, map)| {
            Some(Section { name: &map.name, data: map.data.as_ref()?, map: loaded.map(index).unwrap() })
        });
        let sections: Vec<_> = sections.collect();
        let program = loaded.program(0).unwrap();
        let cpus = allowed_cpus().unwrap();
        let cpu = cpus[self.program.args[0][0] as usize % cpus.len()];
        self.sections(&format!("{mode:?}, loaded"), &sections, cpu, 0);
        for (round, args) in self.program.args.iter().enumerate() {
            let ctx = args.map(u64::to_ne_bytes).concat();
            let run = TestRun { ctx_in: &ctx, cpu: Some(cpu), ..TestRun::default() };
            let (result, expected) = (program.test_run(run).unwrap().retval, self.native.results[round]);
            if result != expected {
                self.differences.push(format!("{mode:?}, round {round}: returned {result:#x}, here {expected:#x}"));
            }
            self.sections(&format!("{mode:?}, after round {round}"), &sections, cpu, round + 1);
        }
        self.compared.programs += 1;
    }

    /// Compares all sections to the values after `round` rounds; on other CPUs than `cpu`, to the first values.
    fn sections(&mut self, when: &str, sections: &[Section<'_>], cpu: u32, round: usize) {
        for Section { name, data, map } in sections {
            let value = map.lookup(&0u32.to_ne_bytes()).unwrap().expect("an array has its only element");
            if data.kind != DataKind::PerCpu {
                self.values(when, name, data, &value, round);
                continue;
            }
            let possible = possible_cpus();
            for (at, value) in possible.iter().zip(value.chunks(map.value_size().next_multiple_of(8))) {
                let (when, round) = if at == cpu { (when.to_owned(), round) } else { (format!("{when}, CPU {at}"), 0) };
                self.values(&when, name, data, &value[..map.value_size()], round);
            }
        }
    }

    /// Compares the variables of a section to the values after `round` rounds.
    fn values(&mut self, when: &str, section: &str, data: &Data, bytes: &[u8], round: usize) {
        for var in &data.vars {
            let is = &bytes[var.offset as usize..][..var.size as usize];
            let known = &self.native.variables[var.name.split('.').next().unwrap_or_default()];
            match self.variable(section, var, is, known, round) {
                Ok(()) => {}
                Err(why) => self.differences.push(format!("{when}: {section}: {}: {why}", var.name)),
            }
        }
        let wanted = self.program.variables.iter().filter(|variable| variable.section == Some(section));
        for variable in wanted.filter(|variable| !variable.is_static) {
            if !data.vars.iter().any(|var| var.name == variable.name) {
                self.differences.push(format!("{when}: {section}: {} is missing", variable.name));
            }
        }
    }

    fn variable(&mut self, section: &str, var: &Var, is: &[u8], known: &Known, round: usize) -> Result<(), String> {
        let declared =
            self.program.variables.iter().find(|variable| var.name.split('.').next() == Some(&variable.name));
        let declared = declared.ok_or("no variable of the source")?;
        if declared.section.is_some_and(|wanted| wanted != section) {
            return Err(format!("it was to be in {:?}", declared.section));
        }
        // Which part of a static a piece is, only LLVM knows: it numbers those that code uses. What a piece held so far leaves
        // some parts that it can be.
        let is_piece = var.name.contains('.');
        let whole = 0..known.mask.len();
        let parts = if is_piece { known.pieces.clone() } else { vec![whole] };
        if parts.is_empty() {
            self.compared.left_out += 1;
            return Ok(());
        }
        let parts = self.parts.entry(var.name.clone()).or_insert(parts);
        let mut is_whole = false;
        parts.retain(|part| {
            let fits = fit(declared.is_static, is, known, part, round);
            is_whole |= fits == Some(Fit::Same);
            fits.is_some()
        });
        if parts.is_empty() {
            return Err(format!("{is:02x?}, here {:02x?}", known.values[round]));
        }
        *match (is_whole, is_piece) {
            (true, true) => &mut self.compared.pieces,
            (true, false) => &mut self.compared.whole,
            (false, _) => &mut self.compared.shrunk,
        } += 1;
        self.compared.percpu += usize::from(section.starts_with(".percpu"));
        Ok(())
    }
}

/// How a variable of the object is a part of one in C.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It has the same value.
    Same,
    /// A static with two values is a byte that says whether it has the second.
    Shrunk,
}

fn fit(is_static: bool, is: &[u8], known: &Known, part: &Range<usize>, round: usize) -> Option<Fit> {
    let masked = |value: &[u8]| -> Vec<u8> {
        value.iter().zip(&known.mask[part.clone()]).map(|(byte, mask)| byte & mask).collect()
    };
    let [first, expected] = [0, round].map(|round| masked(&known.values[round][part.clone()]));
    if is.len() == part.len() && masked(is) == expected {
        return Some(Fit::Same);
    }
    (is_static && is == [u8::from(first != expected)]).then_some(Fit::Shrunk)
}
