//! Ksyms: finding them from inside the kernel, and putting what was found into the instructions that refer to them.
//!
//! ```text
//! kfunc          call: src = BPF_PSEUDO_KFUNC_CALL, imm = BTF id, off = its module's BTF in fd_array, or 0
//!                ld_imm64: as a variable
//! variable       ld_imm64: src = BPF_PSEUDO_BTF_ID, imm = BTF id, upper imm = its module's BTF, or 0
//! address        ld_imm64: src = 0, the address in both imms
//! missing, weak  ld_imm64 of 0; a call becomes that of a helper which no kernel has, so that it must not be reached
//! ```

use skelgen_abi::place;

use super::assemble::Assembler;
use super::image::{BlobOff, Record, within_slack};
use super::wire::{MISSING_KFUNC, op};
use crate::btf::Kind;
use crate::insn::{INSN_SIZE, Insn};
use crate::link::{KsymRef, Program};
use crate::object::{KsymIdx, KsymKind, ProgIdx};
use crate::uapi::{BPF_CALL, BPF_JMP, BPF_PSEUDO_KFUNC_CALL};
use crate::{Endian, Error, Result};

const ENOENT: i32 = 2;

/// Places in an instruction.
const IMM: u32 = place!(Insn.imm);
const UPPER_IMM: u32 = INSN_SIZE as u32 + IMM;

/// Where in the image stands what was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// By its type: its id and its module's BTF are words, both 0 if there is none.
    Btf { id: BlobOff, module: BlobOff, call: Option<BlobOff> },
    /// By its name: both halves of its address are words.
    Address { low: BlobOff, high: BlobOff },
}

impl Assembler<'_> {
    pub(super) fn find_ksym(&mut self, index: KsymIdx) -> Result<()> {
        let ksym = self.plan.ksym(index);
        let mut name = ksym.kernel_name().to_owned().into_bytes();
        name.push(0);
        let named = |error: Error| error.in_symbol(ksym.name.as_str());
        let size = within_slack(name.len(), "the name").map_err(named)?;
        let arg = self.image.put(&name)?;
        let unless = self.needless(self.plan.users(index))?;
        let expect = if ksym.weak { -ENOENT } else { 0 };
        let find = Record { arg, size, unless, expect, ..self.always() };
        let found = match ksym.kind {
            KsymKind::Address => {
                let out = self.image.put(&[0; 8])?;
                self.image.record(Record { op: op::FIND_KSYM, out, ..find });
                let [low, high] = match self.endian {
                    Endian::Little => [out, out.plus(4)],
                    Endian::Big => [out.plus(4), out],
                };
                Found::Address { low, high }
            }
            KsymKind::Func | KsymKind::Var => {
                let (id, module) = (self.image.word(0)?, self.modules.next());
                let is_func = ksym.kind == KsymKind::Func;
                let cmd = if is_func { Kind::Func } else { Kind::Var } as u32;
                let feature = match &ksym.shape {
                    Some(shape) => self.image.put(format!("{shape}\0").as_bytes())?.0,
                    None => 0,
                };
                self.image.record(Record { op: op::FIND_BTF, cmd, out: id, out2: module, feature, ..find });
                let call = if is_func { Some(self.kfunc_call(id, module, ksym.weak).map_err(named)?) } else { None };
                Found::Btf { id, module, call }
            }
        };
        self.ksyms.insert(index, found);
        Ok(())
    }

    /// The call of a kfunc, an instruction that the loader completes once for all callers. As it stands it calls one of a
    /// module.
    fn kfunc_call(&mut self, id: BlobOff, module: BlobOff, weak: bool) -> Result<BlobOff> {
        let slot = self.fds.slot_at(module);
        let off = i16::try_from(slot.0)
            .map_err(|_| Error::too_large(format!("its module's BTF would be descriptor {slot} of {}", i16::MAX)))?;
        let of_kernel = Insn { code: BPF_JMP | BPF_CALL, src: BPF_PSEUDO_KFUNC_CALL, ..Insn::default() };
        let missing = Insn { src: 0, imm: (MISSING_KFUNC + self.at) as i32, ..of_kernel };
        let call = self.image.put(&Insn { off, ..of_kernel }.encode(self.endian))?;
        self.copy(id, call.plus(IMM), self.always());
        let of_kernel = self.image.put(&of_kernel.encode(self.endian))?;
        self.copy(of_kernel, call, Record { unless: module, ..self.always() });
        if weak {
            let missing = self.image.put(&missing.encode(self.endian))?;
            self.copy(missing, call, Record { unless: id, ..self.always() });
            self.copy(missing.plus(IMM), call.plus(IMM), Record { unless: id, ..self.always() });
        }
        Ok(call)
    }

    /// A word that is not zero if none of `programs` is loaded.
    fn needless(&mut self, programs: Vec<ProgIdx>) -> Result<BlobOff> {
        if let [only] = programs[..] {
            return Ok(self.programs[only.0].skip);
        }
        if let Some(&word) = self.needless.get(&programs) {
            return Ok(word);
        }
        let word = self.image.word(1)?;
        for program in &programs {
            let unless = self.programs[program.0].skip;
            let zero = self.always().unless;
            self.copy(zero, word, Record { unless, ..self.always() });
        }
        self.needless.insert(programs, word);
        Ok(word)
    }

    /// Completes the instructions of `program`, which stand at `insns`.
    pub(super) fn ksym_refs(&mut self, program: &Program, insns: BlobOff, when: Record) -> Result<()> {
        for &KsymRef { insn: index, ksym } in &program.ksym_refs {
            let (Some(&found), Some(&insn)) = (self.ksyms.get(&ksym), program.insns.get(index)) else { continue };
            let at = insns.plus((index * INSN_SIZE) as u32);
            let weak = self.plan.ksym(ksym).weak;
            match found {
                Found::Btf { call: Some(call), .. } if insn.is_call() => {
                    self.copy(call, at, when);
                    self.copy(call.plus(IMM), at.plus(IMM), when);
                }
                Found::Btf { id, module, .. } => {
                    self.copy(id, at.plus(IMM), when);
                    self.copy(module, at.plus(UPPER_IMM), when);
                    if weak {
                        let constant = self.image.put(&Insn { src: 0, ..insn }.encode(self.endian))?;
                        self.copy(constant, at, Record { unless: id, ..when });
                    }
                }
                Found::Address { low, high } => {
                    self.copy(low, at.plus(IMM), when);
                    self.copy(high, at.plus(UPPER_IMM), when);
                }
            }
        }
        Ok(())
    }
}
