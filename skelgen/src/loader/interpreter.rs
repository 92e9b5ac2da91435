//! The loader program: a constant interpreter of the image's step records.
//!
//! It is the same for every object but for one number, the size of the image. The verifier checks it once, whatever
//! the number of maps and programs, and no limit of its own stands between an object and the kernel: records and file
//! descriptors live in the image, and the only jumps are its own.
//!
//! ```text
//! load:   bpf_loop(nr_steps, step); if all are done, leave the mark
//! step:   take the next record; if its conditions hold, do what its op says; on failure note the error and stop
//! ```
//!
//! The number of records that are done is kept in the image, not in a register. A failed record stays the next one, so
//! that another run goes on with it: descriptors, features and results of the records before it are in the image.
//!
//! Registers, in both functions:
//!
//! | | |
//! |---|---|
//! | r6 | the image |
//! | r7 | the record |
//! | r8 | `image + record.arg` |
//! | r9 | `image + record.out` |
//! | r1 - r5 | scratch, arguments |
//!
//! Memory: the image only. Every offset that comes out of it is masked before it is used, so that [`wire::SLACK`]
//! bytes behind it are inside the map's value.

use super::asm::{Asm, Label};
use super::wire::{self, header, op, step};
use crate::btf::{Btf, Func, FuncProto, Int, Linkage, Type, TypeId};
use crate::insn::build::Size::{B, DW, H, W};
use crate::insn::build::*;
use crate::insn::{Insn, encode_all};
use crate::uapi::*;
use crate::{Endian, Result};

/// Helpers, by their number in `enum bpf_func_id`.
mod helper {
    pub(super) const SYS_BPF: i32 = 166;
    pub(super) const BTF_FIND_BY_NAME_KIND: i32 = 167;
    pub(super) const SYS_CLOSE: i32 = 168;
    pub(super) const KALLSYMS_LOOKUP_NAME: i32 = 179;
    pub(super) const LOOP: i32 = 181;
}

const EINTR: i32 = 4;
const EAGAIN: i32 = 11;
const EINVAL: i32 = 22;

/// The loader program and what `BPF_PROG_LOAD` needs with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its instructions; `fd_array[0]` is the image's map.
    pub insns: Vec<Insn>,
    /// Its BTF: `bpf_loop` takes callbacks only from programs that have one.
    pub btf: Vec<u8>,
    /// Its `struct bpf_func_info` records.
    pub func_info: Vec<u8>,
}

impl Interpreter {
    /// The interpreter for an image in a map of `map_size` bytes, as [`wire::header::SIZE`] has them.
    pub fn new(map_size: u32, endian: Endian) -> Result<Self> {
        let mut program = Writer { asm: Asm::default(), mask: map_size.saturating_sub(wire::SLACK) as i32 - 1 };
        let run_step = program.asm.label();
        program.main(run_step);
        let step_at = program.step(run_step);
        let insns = program.asm.finish();

        let (btf, ids) = functions_btf()?;
        let mut func_info = Vec::new();
        for (insn, id) in [0, step_at].into_iter().zip(ids) {
            endian.put_u32(&mut func_info, insn as u32);
            endian.put_u32(&mut func_info, id.0);
        }
        Ok(Interpreter { insns, btf: btf.encode(endian), func_info })
    }

    /// The instructions as the kernel takes them.
    pub fn code(&self, endian: Endian) -> Vec<u8> {
        encode_all(&self.insns, endian)
    }
}

struct Writer {
    asm: Asm,
    /// The bits of an offset: the image without its slack is a power of two long.
    mask: i32,
}

impl Writer {
    fn main(&mut self, run_step: Label) {
        let end = self.asm.label();
        self.load_image();
        self.emit(load(W, R1, R6, header::NR_STEPS as i16));
        self.asm.func_addr(R2, run_step);
        self.emit(mov_imm(R3, 0));
        self.emit(mov_imm(R4, 0));
        self.emit(call(helper::LOOP));

        // if (!error && step == nr_steps) done = MAGIC
        self.emit(load(W, R1, R6, header::ERROR as i16));
        self.asm.goto_if_imm(BPF_JNE, R1, 0, end);
        self.emit(load(W, R1, R6, header::STEP as i16));
        self.emit(load(W, R2, R6, header::NR_STEPS as i16));
        self.asm.goto_if(BPF_JNE, R1, R2, end);
        self.emit(store_imm(W, R6, header::DONE as i16, wire::MAGIC as i32));
        self.asm.place(end);
        self.leave(0);
    }

    /// `long step(u32 index, void *)`, which does not look at the index: it counts from where this run began.
    fn step(&mut self, entry: Label) -> usize {
        let start = self.function(entry);
        let [next, copy, point, find, found, kallsyms, close, probed, no, failed, bad, done] =
            std::array::from_fn(|_| self.asm.label());

        // A failure before this one left its error: nothing more is done.
        self.emit(load(W, R2, R6, header::ERROR as i16));
        self.asm.goto_if_imm(BPF_JNE, R2, 0, done);
        self.emit(load(W, R1, R6, header::STEP as i16));
        self.emit(load(W, R2, R6, header::NR_STEPS as i16));
        self.asm.goto_if(BPF_JGE, R1, R2, done);
        self.record(header::STEPS, step::LEN);

        // if (features & mask != want) goto next
        self.emit(load(W, R1, R6, header::FEATURES as i16));
        self.field(B, R2, step::MASK);
        self.emit(alu(BPF_AND, R1, R2));
        self.field(B, R2, step::WANT);
        self.asm.goto_if(BPF_JNE, R1, R2, next);
        // if (*unless) goto next
        self.at(R1, step::UNLESS);
        self.emit(load(W, R1, R1, 0));
        self.asm.goto_if_imm(BPF_JNE, R1, 0, next);

        self.at(R8, step::ARG);
        self.at(R9, step::OUT);
        self.field(H, R1, step::OP);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::POINT.into(), point);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::COPY.into(), copy);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::FIND_BTF.into(), find);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::FIND_KSYM.into(), kallsyms);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::CLOSE.into(), close);

        // r0 = sys_bpf(cmd, arg, size)
        self.field(W, R1, step::CMD);
        self.emit(mov(R2, R8));
        self.size(R3, bad);
        self.emit(call(helper::SYS_BPF));
        self.field(H, R1, step::OP);
        self.asm.goto_if_imm(BPF_JEQ, R1, op::PROBE.into(), probed);
        self.asm.goto_if_imm(BPF_JSLT, R0, 0, failed);
        self.emit(store(W, R9, 0, R0));
        self.asm.goto(next);

        self.asm.place(probed);
        self.probed(no);
        self.asm.goto(next);
        // A signal is no answer: the question is asked again.
        self.asm.place(no);
        self.asm.goto_if_imm(BPF_JEQ, R0, -EAGAIN, failed);
        self.asm.goto_if_imm(BPF_JEQ, R0, -EINTR, failed);
        self.asm.goto(next);

        self.asm.place(copy);
        self.emit(load(W, R1, R8, 0));
        self.emit(store(W, R9, 0, R1));
        self.asm.goto(next);

        // A pointer is eight bytes, and stands at a multiple of eight.
        self.asm.place(point);
        self.field(W, R9, step::OUT);
        self.bound(R9, 8);
        self.emit(store(DW, R9, 0, R8));
        self.asm.goto(next);

        // r0 = btf_find_by_name_kind(arg, size, cmd, 0)
        self.asm.place(find);
        self.emit(mov(R1, R8));
        self.size(R2, bad);
        self.field(W, R3, step::CMD);
        self.emit(mov_imm(R4, 0));
        self.emit(call(helper::BTF_FIND_BY_NAME_KIND));
        self.asm.goto_if_imm(BPF_JSGT, R0, 0, found);
        self.field(W, R1, step::EXPECT);
        self.sign_extend(R1);
        self.asm.goto_if(BPF_JNE, R0, R1, failed);
        self.emit(mov_imm(R0, 0));
        self.asm.place(found);
        self.emit(store(W, R9, 0, R0));
        self.at(R1, step::OUT2);
        self.emit(alu_imm(BPF_RSH, R0, 32));
        self.emit(store(W, R1, 0, R0));
        self.asm.goto(next);

        // r0 = kallsyms_lookup_name(arg, size, 0, out), which leaves 0 at out if it fails.
        self.asm.place(kallsyms);
        self.emit(mov(R1, R8));
        self.size(R2, bad);
        self.emit(mov_imm(R3, 0));
        self.field(W, R4, step::OUT);
        self.bound(R4, 8);
        self.emit(call(helper::KALLSYMS_LOOKUP_NAME));
        self.asm.goto_if_imm(BPF_JEQ, R0, 0, next);
        self.field(W, R1, step::EXPECT);
        self.asm.goto_if_imm(BPF_JEQ, R1, 0, failed);
        self.asm.goto(next);

        // A probe that said no left nothing to close.
        self.asm.place(close);
        self.emit(load(W, R1, R8, 0));
        self.sign_extend(R1);
        self.asm.goto_if_imm(BPF_JSLT, R1, 0, next);
        self.emit(call(helper::SYS_CLOSE));
        self.emit(store_imm(W, R8, 0, -1));

        self.asm.place(next);
        self.emit(load(W, R1, R6, header::STEP as i16));
        self.emit(alu_imm(BPF_ADD, R1, 1));
        self.emit(store(W, R6, header::STEP as i16, R1));
        self.leave(0);

        self.asm.place(bad);
        self.emit(mov_imm(R0, -EINVAL));
        self.asm.place(failed);
        self.emit(store(W, R6, header::ERROR as i16, R0));
        self.asm.place(done);
        self.leave(1);
        start
    }

    /// Keeps an fd, and sets the probe's feature bits if r0 is what it expects.
    fn probed(&mut self, no: Label) {
        let decide = self.asm.label();
        self.asm.goto_if_imm(BPF_JSLT, R0, 0, decide);
        self.emit(store(W, R9, 0, R0));
        self.emit(mov_imm(R0, 0));
        self.asm.place(decide);
        self.field(W, R1, step::EXPECT);
        self.sign_extend(R1);
        self.asm.goto_if(BPF_JNE, R0, R1, no);
        self.emit(load(W, R1, R6, header::FEATURES as i16));
        self.field(W, R2, step::FEATURE);
        self.emit(alu(BPF_OR, R1, R2));
        self.emit(store(W, R6, header::FEATURES as i16, R1));
    }

    fn emit(&mut self, insn: Insn) {
        self.asm.emit(insn);
    }

    /// Opens a function: `r6 = image`.
    fn function(&mut self, entry: Label) -> usize {
        self.asm.place(entry);
        let start = self.asm.here();
        self.load_image();
        start
    }

    fn load_image(&mut self) {
        self.asm.wide(ld_imm64(R6, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0));
    }

    fn leave(&mut self, result: i32) {
        self.emit(mov_imm(R0, result));
        self.emit(exit());
    }

    /// `reg = (s32)reg`
    fn sign_extend(&mut self, reg: Reg) {
        self.emit(alu_imm(BPF_LSH, reg, 32));
        self.emit(alu_imm(BPF_ARSH, reg, 32));
    }

    /// `r7 = image + *(u32 *)(image + table) + r1 * len`
    fn record(&mut self, table: u32, len: u32) {
        self.emit(mov(R7, R1));
        self.emit(alu_imm(BPF_MUL, R7, len as i32));
        self.emit(load(W, R1, R6, table as i16));
        self.emit(add(R7, R1));
        self.bound(R7, 8);
    }

    /// `reg = image + *(u32 *)(r7 + field)`
    fn at(&mut self, reg: Reg, field: u32) {
        self.field(W, reg, field);
        self.bound(reg, 4);
    }

    /// `reg = image + (reg & mask)`, rounded down to a multiple of `align`.
    ///
    /// A mask costs the verifier less than a comparison: there is one way on, and nothing to trace back. No offset that
    /// the generator wrote is changed by it.
    fn bound(&mut self, reg: Reg, align: i32) {
        self.emit(alu_imm(BPF_AND, reg, self.mask & -align));
        self.emit(add(reg, R6));
    }

    /// `reg = *(size *)(r7 + field)`
    fn field(&mut self, size: Size, reg: Reg, field: u32) {
        self.emit(load(size, reg, R7, field as i16));
    }

    /// `reg = record.size`, from 1 to the slack.
    fn size(&mut self, reg: Reg, out_of_bounds: Label) {
        self.field(W, reg, step::SIZE);
        // Not `== 0`, of which 6.1 learns nothing.
        self.asm.goto_if_imm(BPF_JLT, reg, 1, out_of_bounds);
        self.asm.goto_if_imm(BPF_JGT, reg, wire::SLACK as i32, out_of_bounds);
    }
}

/// Types for two functions without parameters that matter: the entry is global, a callback must be static.
fn functions_btf() -> Result<(Btf, [TypeId; 2])> {
    let mut btf = Btf::default();
    let name = btf.add_str("long")?;
    let long = btf.add_type(Type::Int(Int { name, size: 8, encoding: Int::SIGNED, offset: 0, bits: 64 }));
    let proto = btf.add_type(Type::FuncProto(FuncProto { ret: long, params: Vec::new() }));
    let mut function = |name: &str, linkage| {
        let name = btf.add_str(name)?;
        Ok::<_, crate::Error>(btf.add_type(Type::Func(Func { name, proto, linkage })))
    };
    let ids = [function("load", Linkage::Global)?, function("step", Linkage::Static)?];
    Ok((btf, ids))
}
