//! The image's records as text: a line each, pointers first, the others under the step of the plan that they carry out.

use std::fmt;

use super::assemble::Loader;
use super::image::Record;
use super::wire::{feature, op};
use crate::plan::LoadPlan;
use crate::uapi::Command;

/// The records of a loader, by the steps of its plan.
pub struct Records<'a>(pub &'a LoadPlan, pub &'a Loader);

impl fmt::Display for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.0.to_string();
        let steps: Vec<&str> = plan.lines().collect();
        let mut last = None;
        for record in self.1.records.iter().filter(|record| record.op == op::POINT) {
            writeln!(f, "          {record}")?;
        }
        for record in self.1.records.iter().filter(|record| record.op != op::POINT) {
            if last != Some(record.plan) {
                writeln!(f, "{}", steps.get(record.plan as usize).unwrap_or(&""))?;
                last = Some(record.plan);
            }
            writeln!(f, "          {record}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (arg, out) = (self.arg.0, self.out.0);
        match self.op {
            op::BPF => write!(f, "[{out:#x}] = bpf({}, {arg:#x}, {})", Command(self.cmd), self.size)?,
            op::PROBE => write!(f, "[{out:#x}] = bpf({}, {arg:#x}, {})?", Command(self.cmd), self.size)?,
            op::COPY => write!(f, "[{out:#x}] = [{arg:#x}]")?,
            op::FIND_BTF => {
                write!(f, "[{out:#x}], [{:#x}] = btf_find({arg:#x}, {}, {})", self.out2.0, self.size, self.cmd)?
            }
            op::FIND_KSYM => write!(f, "[{out:#x}] = kallsyms_lookup({arg:#x}, {})", self.size)?,
            op::CLOSE => write!(f, "close([{arg:#x}])")?,
            op::POINT => return write!(f, "[{out:#x}] = &[{arg:#x}]"),
            other => write!(f, "op {other}")?,
        }
        if self.op == op::PROBE {
            write!(f, " == {} sets {}", self.expect, Features(self.feature))?;
        }
        if self.op != op::PROBE && self.expect != 0 {
            write!(f, " or 0 for {}", self.expect)?;
        }
        if self.op == op::FIND_BTF && self.feature != 0 {
            write!(f, " shaped [{:#x}]", self.feature)?;
        }
        if self.mask != 0 {
            write!(f, " if {} of {}", Features(self.want), Features(self.mask))?;
        }
        write!(f, " unless [{:#x}]", self.unless.0)
    }
}

struct Features(u32);

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (feature::KNOWN, "KNOWN"),
            (feature::ALL_CPUS, "ALL_CPUS"),
            (feature::DIRECT, "DIRECT"),
            (feature::FORCED, "FORCED"),
        ];
        let set: Vec<&str> = names.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| *name).collect();
        f.write_str(if set.is_empty() { "none" } else { "" })?;
        f.write_str(&set.join("|"))
    }
}
