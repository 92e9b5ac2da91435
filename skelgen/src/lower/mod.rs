//! The lowered image of a program that touches `.percpu` data, for kernels that cannot address it directly.
//!
//! In: a linked [`Program`] whose references to per-CPU variables are `ld_imm64`s of a map's value. Out: a second one
//! that does the same with `bpf_map_lookup_elem`. Each function that refers to a `.percpu` section gets a prologue
//! that looks it up once and keeps the pointer on the stack; each reference is two slots before and after:
//!
//! ```text
//! count:                                   count:
//!                                            r6 = r1                       arguments that are still read,
//!                                            r7 = r2                       here r1 and r2
//!                                            *(u32 *)(r10 - 24) = 0        the key, where the pointer will be
//!                                            r2 = r10
//!                                            r2 += -24
//!                                            r1 = map[3]
//!                                            call bpf_map_lookup_elem
//!                                            if r0 != 0 goto +2
//!                                            r0 = map_value[5] + 0         the stand-in, see below
//!                                            *(u64 *)(r10 - 24) = r0       the pointer
//!                                            r1 = r6
//!                                            r2 = r7
//!   *(u64 *)(r10 - 16) = r2                  *(u64 *)(r10 - 16) = r2
//!   r3 = map_value[3] + 8                    r3 = *(u64 *)(r10 - 24)
//!                                            r3 += 8
//!   r4 = *(u64 *)(r3 + 0)                    r4 = *(u64 *)(r3 + 0)
//!   ...                                      ...
//! ```
//!
//! So jumps inside a function keep their distance, and a jump to its first instruction still goes to what was its
//! first instruction. Calls, function addresses, jump tables, `func_info`, `line_info`, CO-RE relocations and references
//! to ksyms are moved.
//!
//! # Which arguments are kept
//!
//! Too few and the function loses a value; one too many and the verifier refuses to read a register that nobody
//! wrote. Two analyses over the program decide, neither of them by the BTF prototype of a static function, which the
//! compiler may have changed since:
//!
//! - `live`: what a function reads before it writes it. A call reads what its callee does. Of helpers the number of
//!   arguments is known, of global functions the prototype holds. What is left (`bpf_trace_printk` behind its second
//!   argument, kfuncs) is read *perhaps*.
//! - `readable`: what is written at *every* call of the function, and what is at *any*.
//!
//! Kept is what is surely read and readable at any call, and what is perhaps read and readable at every call.
//!
//! # A lookup that finds nothing
//!
//! There is none, but older kernels (6.12 is one) do not know it and check that way too. It ends the entry function and global
//! functions, whose callers believe nothing of them but their type. A static function is checked with its caller, which
//! may count on what it returns or fills in: there a *stand-in*, an ordinary array of the same size that nobody reads,
//! takes the section's place and the function goes on.
//!
//! # Limits
//!
//! - Two calls of one static function, one of which leaves unwritten an argument that only the other's path reads:
//!   the kernel accepts it as it stands, and refuses it lowered. Compilers do not make this; an undefined argument of
//!   hand-written assembly could.
//! - Where the kernel forbids calling helpers it forbids the prologue: in a function that is called with a
//!   `bpf_spin_lock` held.
//! - `callx` and arguments on the stack are refused here, by name.
//! - The stack: see `frame` for what is known of it, `chain` for its limit.

mod body;
mod chain;
mod effect;
mod frame;
mod helpers;
mod live;
mod prologue;
mod readable;
mod regs;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::btf::{Btf, Type};
use crate::fds::FdSlot;
use crate::insn::Insn;
use crate::link::{Function, Program};
use crate::object::MapIdx;
use body::Body;
use prologue::{Missing, Prologue};
use regs::Regs;

/// A `.percpu` section's map, and the map that stands in for its value where a lookup might find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerCpuMap {
    /// The section's map.
    pub section: MapIdx,
    /// The slot of an ordinary array whose only value is as large as the section's, and which nobody reads.
    pub stand_in: FdSlot,
}

impl PerCpuMap {
    /// The slot of the section's map.
    fn slot(&self) -> FdSlot {
        self.section.into()
    }
}

/// The lowered image of `program`; `None` if it refers to none of the maps `percpu`, the object's `.percpu` sections.
///
/// `percpu` is in the order of the sections' maps. `btf` has the prototypes that `func_info` names. `null_return` is the
/// entry function's return value in the branch for a failed lookup, which never runs: a value that the program type
/// allows, 0 for most, 1 for some cgroup hooks.
///
/// # Errors
///
/// Names the function, and the instruction where there is one: code that is no code (a jump out of its function, a
/// torn `ld_imm64`), an instruction that cannot be moved, a stack that would pass 512 bytes.
pub fn lower(program: &Program, percpu: &[PerCpuMap], btf: &Btf, null_return: i32) -> Result<Option<Program>> {
    let sections = Sections(percpu);
    if !program.insns.iter().any(|&insn| sections.referred_to_by(insn).is_some()) {
        return Ok(None);
    }
    let bodies = body::bodies(program)?;
    let kept = kept_arguments(&bodies, &parameters(program, btf));
    let native: Vec<_> = bodies.iter().map(frame::depth).collect();
    let mut lowered = native.clone();
    let mut prologues = vec![None; bodies.len()];
    for (index, body) in bodies.iter().enumerate() {
        let used: BTreeSet<_> = body.insns.iter().filter_map(|&insn| sections.referred_to_by(insn)).collect();
        if !used.is_empty() {
            let missing = match () {
                () if index == 0 => Missing::Return(null_return),
                () if body.function.global => Missing::Return(0),
                () => {
                    let used = percpu.iter().filter(|map| used.contains(&map.section));
                    Missing::StandIn(used.map(|map| (map.section, map.stand_in)).collect())
                }
            };
            let prologue = Prologue::new(used, kept[index], native[index], missing)
                .map_err(|error| error.in_symbol(&body.function.name))?;
            lowered[index] = prologue.depth;
            prologues[index] = Some(prologue);
        }
    }
    chain::check(&bodies, &native, &lowered)?;
    rewrite::rewrite(program, &bodies, &prologues, sections).map(Some)
}

/// The hint of errors about the stack that a lookup needs.
const WITHOUT_LOOKUP: &str = "; with min_kernel 7.3 or newer it needs no lookup";

/// The maps that are `.percpu` sections.
#[derive(Clone, Copy)]
struct Sections<'a>(&'a [PerCpuMap]);

impl Sections<'_> {
    /// The section whose address `insn` loads, if it does.
    fn referred_to_by(self, insn: Insn) -> Option<MapIdx> {
        if !insn.is_map_value() {
            return None;
        }
        let slot = FdSlot::referred_to_by(insn)?;
        let index = self.0.binary_search_by_key(&slot, |known| known.slot()).ok()?;
        Some(self.0[index].section)
    }
}

/// How many parameters each function's prototype has, where it is known.
fn parameters(program: &Program, btf: &Btf) -> Vec<Option<usize>> {
    let types: BTreeMap<_, _> = program.func_info.iter().map(|info| (info.insn, info.type_id)).collect();
    let parameters = |function: &Function| {
        let prototype = btf.get(*types.get(&function.span.start)?).as_func()?.proto;
        if let Type::FuncProto(prototype) = btf.get(prototype) { Some(prototype.params.len()) } else { None }
    };
    program.functions.iter().map(parameters).collect()
}

/// The arguments of each function that a call at its very start must not lose.
fn kept_arguments(bodies: &[Body<'_>], parameters: &[Option<usize>]) -> Vec<Regs> {
    let live = live::on_entry(bodies, parameters);
    let readable = readable::on_entry(bodies, parameters);
    let kept = live.iter().zip(&readable);
    kept.map(|(live, readable)| live.surely.and(readable.ever).or(live.perhaps.and(readable.always))).collect()
}
