//! Programs made whole: each entry program with the functions it reaches behind it.
//!
//! Input: an [`Object`], whose functions refer to maps and to each other. Output: one [`Program`] for each of its
//! programs, in the order of their definition. The counterpart is `bpf_object__relocate` in
//! `tools/lib/bpf/libbpf.c`, whose order of functions is kept.

mod program;

use std::collections::{HashMap, HashSet};

pub use program::{CoreRelo, FuncInfo, Function, JumpTable, KsymRef, LineInfo, Program};

use crate::fds::{FdSlot, FdTable, Run};
use crate::insn::limits::MAX_INSNS;
use crate::object::{self, FuncIdx, KsymIdx, KsymKind, Object, Reloc, Target};
use crate::uapi::{
    BPF_PSEUDO_BTF_ID, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_IDX,
    BPF_PSEUDO_MAP_IDX_VALUE,
};
use crate::{Error, Result};

/// The most bytes that all programs of an object can have together. Each program has its own copy of shared functions, so
/// these bytes can be many times the object's.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// Links every program of `object`.
pub fn link(object: &Object) -> Result<Vec<Program>> {
    let fds = FdTable::default().with(Run::Maps, object.maps.len());
    let mut first_table = 0;
    let mut bytes = 0;
    let mut link = |def: &object::ProgramDef| {
        let program = Linker::new(object, fds, first_table, MAX_BYTES - bytes).program(def)?;
        first_table += program.jump_tables.len();
        bytes += program.bytes();
        Ok(program)
    };
    object.programs.iter().map(&mut link).collect()
}

/// The error for an object whose programs have more than `limit` bytes together.
pub(crate) fn too_many_bytes(limit: usize) -> Error {
    Error::too_large(format!(
        "with this program, the object's programs have more than {} MiB of instructions, func_info, line_info and \
         core_relos; each program has its own copy of shared functions: move some programs to another object",
        limit >> 20
    ))
}

struct Linker<'a> {
    object: &'a Object,
    program: Program,
    /// Where each function begins.
    starts: HashMap<FuncIdx, usize>,
    fds: FdTable,
    /// The number of the program's first jump table.
    first_table: usize,
    /// The most bytes that the program can have.
    room: usize,
    /// By function and its number there: which of the program's tables one is.
    tables: HashMap<(FuncIdx, usize), usize>,
}

impl<'a> Linker<'a> {
    fn new(object: &'a Object, fds: FdTable, first_table: usize, room: usize) -> Self {
        let program = Program {
            name: String::new(),
            functions: Vec::new(),
            insns: Vec::new(),
            func_info: Vec::new(),
            line_info: Vec::new(),
            core_relos: Vec::new(),
            ksym_refs: Vec::new(),
            jump_tables: Vec::new(),
        };
        Linker { object, program, starts: HashMap::new(), fds, first_table, room, tables: HashMap::new() }
    }

    fn program(mut self, def: &object::ProgramDef) -> Result<Program> {
        self.program.name = def.name.clone();
        let mut order = Vec::new();
        for root in std::iter::once(def.entry).chain(def.exception_callback) {
            self.append_all(root, &mut order)?;
        }
        for index in order {
            self.relocate(index)?;
        }
        self.program.check_maps()?;
        self.check_infos()?;
        Ok(self.program)
    }

    /// Appends `entry` and what it reaches, each function behind the first that refers to it, and to `order`.
    fn append_all(&mut self, entry: FuncIdx, order: &mut Vec<FuncIdx>) -> Result<()> {
        if self.starts.contains_key(&entry) {
            return Ok(());
        }
        order.push(entry);
        self.append(entry)?;
        // A function and its next reference to look at: depth first, without recursion.
        let mut path = vec![(entry, 0)];
        while let Some((index, next)) = path.pop() {
            let function = self.object.function(index)?;
            let Some(reloc) = function.relocs.get(next) else { continue };
            path.push((index, next + 1));
            if let Target::Call(callee) | Target::FuncAddr(callee) = reloc.target
                && !self.starts.contains_key(&callee)
            {
                self.append(callee)?;
                order.push(callee);
                path.push((callee, 0));
            }
        }
        Ok(())
    }

    /// The kernel takes func_info for all functions of a program, or for none, and likewise line_info. As libbpf does, this
    /// drops all func_info if the entry has none, and refuses a program whose entry has func_info that another function
    /// lacks. line_info only serves messages, so incomplete line_info is dropped.
    fn check_infos(&mut self) -> Result<()> {
        let program = &mut self.program;
        let starts = || program.functions.iter().map(|function| function.span.start);
        let lines: HashSet<usize> = program.line_info.iter().map(|line| line.insn).collect();
        if !starts().all(|start| lines.contains(&start)) {
            program.line_info.clear();
        }
        let described: HashSet<usize> = program.func_info.iter().map(|info| info.insn).collect();
        if !described.contains(&0) {
            program.func_info.clear();
            return Ok(());
        }
        let without = program.functions.iter().find(|function| !described.contains(&function.span.start));
        let Some(without) = without else { return Ok(()) };
        let what = ".BTF.ext has no func_info for it, but for other functions of the program, and the kernel refuses \
                    that: compile it with -g and without __attribute__((nodebug)); write assembly as C";
        let error = Error::unsupported(what).in_symbol(without.name.as_str());
        let mut functions = self.starts.iter().filter(|(_, start)| **start == without.span.start);
        match functions.next().and_then(|(index, _)| self.object.function(*index).ok()) {
            Some(function) => Err(error.in_section(function.section.as_str())),
            None => Err(error),
        }
    }

    fn append(&mut self, index: FuncIdx) -> Result<()> {
        let function = self.object.function(index)?;
        let program = &mut self.program;
        let start = program.insns.len();
        program.insns.extend_from_slice(&function.insns);
        let end = program.insns.len();
        if end > MAX_INSNS {
            let what = format!("with this function the program has {end} instructions, of {MAX_INSNS} at most");
            return Err(place(function, Error::too_large(what)));
        }
        let (name, global) = (function.name.clone(), function.global);
        program.functions.push(Function { index, name, span: start..end, global });
        if let Some(type_id) = function.type_id {
            program.func_info.push(FuncInfo { insn: start, type_id });
        }
        program.line_info.extend(function.lines.iter().map(|line| LineInfo {
            insn: start + line.insn,
            file: line.file,
            line: line.line,
            line_col: line.line_col,
        }));
        program.core_relos.extend(function.core_relos.iter().map(|relo| CoreRelo {
            insn: start + relo.insn,
            type_id: relo.type_id,
            access: relo.access,
            kind: relo.kind,
        }));
        self.starts.insert(index, start);
        if self.program.bytes() > self.room {
            return Err(too_many_bytes(MAX_BYTES).in_symbol(self.program.name.as_str()));
        }
        Ok(())
    }

    fn relocate(&mut self, index: FuncIdx) -> Result<()> {
        let function = self.object.function(index)?;
        for reloc in &function.relocs {
            self.apply(index, reloc).map_err(|error| place(function, error.at_insn(reloc.insn)))?;
        }
        Ok(())
    }

    fn apply(&mut self, index: FuncIdx, reloc: &Reloc) -> Result<()> {
        let slot = self.starts.get(&index).map_or(reloc.insn, |start| start + reloc.insn);
        let distance = |callee: FuncIdx| {
            let target = self.starts.get(&callee).copied().unwrap_or_default();
            // Both are below MAX_INSNS.
            (target as i64 - slot as i64 - 1) as i32
        };
        let (src, imm, high) = match reloc.target {
            Target::Call(callee) => (BPF_PSEUDO_CALL, distance(callee), None),
            Target::FuncAddr(callee) => (BPF_PSEUDO_FUNC, distance(callee), Some(0)),
            Target::Map(map) => (BPF_PSEUDO_MAP_IDX, FdSlot::from(map).imm()?, Some(0)),
            Target::JumpTable(table) => (BPF_PSEUDO_MAP_IDX_VALUE, self.jump_table(index, table)?.imm()?, Some(0)),
            Target::MapValue(map, offset) => (BPF_PSEUDO_MAP_IDX_VALUE, FdSlot::from(map).imm()?, Some(offset)),
            Target::Ksym(ksym) => self.ksym(slot, ksym),
        };
        let short = || Error::malformed("the function ends inside an instruction");
        let insn = self.program.insns.get_mut(slot).ok_or_else(short)?;
        insn.src = src;
        insn.imm = imm;
        if let Some(high) = high {
            self.program.insns.get_mut(slot + 1).ok_or_else(short)?.imm = high;
        }
        Ok(())
    }

    /// Notes that `slot` refers to `ksym`; gives its `src` and `imm`, and the upper half's of an `ld_imm64`.
    fn ksym(&mut self, slot: usize, ksym: KsymIdx) -> (u8, i32, Option<i32>) {
        self.program.ksym_refs.push(KsymRef { insn: slot, ksym });
        let index = ksym.0 as i32;
        match self.program.insns.get(slot) {
            Some(insn) if insn.is_call() => (BPF_PSEUDO_KFUNC_CALL, index, None),
            // An address alone is a plain constant.
            _ if self.object.ksyms[ksym.0].kind == KsymKind::Address => (0, 0, Some(0)),
            _ => (BPF_PSEUDO_BTF_ID, index, Some(0)),
        }
    }
}

impl Linker<'_> {
    /// The slot of a function's jump table, which becomes one of the program's.
    fn jump_table(&mut self, index: FuncIdx, table: usize) -> Result<FdSlot> {
        let next = self.program.jump_tables.len();
        let number = *self.tables.entry((index, table)).or_insert(next);
        let slot = self.fds.slot(Run::JumpTables, self.first_table + number);
        if number == next {
            let start = self.starts.get(&index).copied().unwrap_or_default();
            let table = self.object.function(index)?.jump_tables.get(table);
            let target = |&slot: &i64| u32::try_from(start as i64 + slot).ok();
            let targets = table.and_then(|table| table.targets.iter().map(target).collect());
            let targets =
                targets.ok_or_else(|| Error::malformed("its jump table leads to what is not in the program"))?;
            self.program.jump_tables.push(JumpTable { slot, targets });
        }
        Ok(slot)
    }
}

fn place(function: &object::Function, error: Error) -> Error {
    error.in_symbol(function.name.as_str()).in_section(function.section.as_str())
}
