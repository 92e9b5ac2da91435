//! The plan as text: a line a step.

use std::fmt;

use super::{Image, LoadPlan, Step, When};
use crate::btf::Kind;
use crate::object::{Ksym, KsymKind, Map, MapDef, Slot};
use crate::printable;

impl fmt::Display for LoadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            // One line for each step: names from the object may contain newlines.
            let text = Text(self, step).to_string();
            writeln!(f, "{index:>4}  {}", printable(&text))?;
        }
        Ok(())
    }
}

struct Text<'a>(&'a LoadPlan, &'a Step);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.step(f, self.1)
    }
}

impl LoadPlan {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
        let name = |map| &self.map(map).name;
        match step {
            Step::LoadBtf => write!(f, "load btf        {} bytes", self.btf.len()),
            Step::FindKsym { ksym } => self.find_ksym(f, self.ksym(*ksym)),
            Step::Probe => f.write_str("probe           BPF_F_ALL_CPUS, direct per-CPU addressing"),
            Step::CreateMap { map, when } => {
                let Map { def, struct_ops, .. } = self.map(*map);
                write!(f, "create map      {} {}", name(*map), Def(def))?;
                if let Some(ops) = struct_ops {
                    write!(f, " struct_ops={}{}", ops.type_name, if ops.autocreate { "" } else { " autocreate=off" })?;
                }
                f.write_str(on(*when))
            }
            Step::CreateStandIn { stand_in } => {
                write!(f, "create map      stand-in for {}{}", self.stand_in_name(*stand_in), on(When::NotDirect))
            }
            Step::InitMap { map } => {
                write!(f, "initialise map  {} value_size={}", name(*map), self.map(*map).def.value_size)
            }
            Step::InitArena { map } => {
                let size = self.map(*map).arena.as_ref().map_or(0, |arena| arena.size);
                write!(f, "initialise map  {} variables={size}", name(*map))
            }
            Step::InitPerCpu { map } => write!(
                f,
                "initialise map  {} value_size={} flags=BPF_F_ALL_CPUS",
                name(*map),
                self.map(*map).def.value_size
            ),
            Step::FreezeMap { map } => write!(f, "freeze map      {}", name(*map)),
            Step::Populate { outer, slot, value } => {
                let value = match *value {
                    Slot::Map(inner) => name(inner),
                    Slot::Program(program) => &self.program(program).native.name,
                };
                write!(f, "populate map    {}[{slot}] = {value}", name(*outer))
            }
            Step::FindTarget { program, name, kind } => {
                let kind = match Kind::from_number(kind.0) {
                    Some(Kind::Func) => "function".to_owned(),
                    Some(Kind::Typedef) => "typedef".to_owned(),
                    Some(Kind::Struct) => "struct".to_owned(),
                    _ => format!("BTF kind {kind}"),
                };
                write!(f, "find target     {} of {} ({kind})", name, self.program(*program).native.name)
            }
            Step::CreateJumpTable { program, table } => {
                let planned = &self.program(*program).native;
                let entries = planned.jump_tables[*table].targets.len();
                write!(f, "create map      jump table {table} of {} max_entries={entries}", planned.name)
            }
            Step::InitJumpTable { program, table, image, when } => {
                let planned = self.program(*program).image(*image);
                let targets =
                    planned.jump_tables[*table].targets.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
                write!(f, "initialise map  jump table {table} of {} to {targets}{}", planned.name, on(*when))
            }
            Step::FreezeJumpTable { program, table } => {
                write!(f, "freeze map      jump table {table} of {}", self.program(*program).native.name)
            }
            Step::LoadProgram { program, image, when } => {
                let planned = self.program(*program);
                let form = planned.image(*image);
                write!(f, "load program    {} \"{}\" insns={}", form.name, planned.section, form.insns.len())?;
                if !form.core_relos.is_empty() {
                    write!(f, " core_relos={}", form.core_relos.len())?;
                }
                if planned.lowered.is_some() {
                    f.write_str(match image {
                        Image::Native => " native",
                        Image::Lowered => " lowered",
                    })?;
                }
                if !planned.autoload() {
                    f.write_str(" autoload=off")?;
                }
                f.write_str(on(*when))
            }
        }
    }

    fn find_ksym(&self, f: &mut fmt::Formatter<'_>, ksym: &Ksym) -> fmt::Result {
        let (what, kind) = match ksym.kind {
            KsymKind::Func => ("find kfunc    ", ""),
            KsymKind::Var => ("find ksym     ", " type=BTF"),
            KsymKind::Address => ("find ksym     ", " type=none"),
        };
        write!(f, "{what}  {}", ksym.name)?;
        if ksym.kernel_name() != ksym.name {
            write!(f, " as {}", ksym.kernel_name())?;
        }
        if let Some(shape) = &ksym.shape {
            write!(f, " {shape}")?;
        }
        f.write_str(kind)?;
        f.write_str(if ksym.weak { " weak" } else { "" })
    }
}

fn on(when: When) -> &'static str {
    match when {
        When::Always => "",
        When::Direct => " (where .percpu is direct)",
        When::NotDirect => " (where it is not)",
    }
}

struct Def<'a>(&'a MapDef);

impl fmt::Display for Def<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let def = self.0;
        write!(
            f,
            "type={} key_size={} value_size={} max_entries={} flags={:#x}",
            def.map_type.short(),
            def.key_size,
            def.value_size,
            def.max_entries,
            def.map_flags.0
        )
    }
}
