//! What older verifiers do not know, asked with programs that only newer ones accept.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::maps::{array, create};
use super::program::{self, call, exit, insn, mov};
use crate::sys::Errno;
use crate::sys::uapi::*;
use crate::{Error, Result};

/// `BPF_FUNC_map_lookup_elem`, `BPF_FUNC_get_prandom_u32`.
const LOOKUP: i32 = 1;
const RANDOM: i32 = 7;

/// `*(u64 *)(r10 + off) = 0`
fn store_zero(off: i16) -> [u8; 8] {
    insn(0x7a, 10, 0, off, 0)
}

/// `r0 = map_lookup_elem(map, &0)`, with the key in the 4 bytes at the top of the stack.
fn lookup_first(map: BorrowedFd<'_>) -> [[u8; 8]; 6] {
    [
        // *(u32 *)(r10 - 4) = 0
        insn(0x62, 10, 0, -4, 0),
        // r2 = r10 - 4
        insn(0xbf, 2, 10, 0, 0),
        insn(0x07, 2, 0, 0, -4),
        // r1 = map
        insn(LD_IMM64, 1, BPF_PSEUDO_MAP_FD, 0, map.as_raw_fd()),
        insn(0, 0, 0, 0, 0),
        call(LOOKUP),
    ]
}

/// `if rN == 0 goto +off`
fn skip_if_zero(reg: u8, off: i16) -> [u8; 8] {
    insn(0x15, reg, 0, off, 0)
}

/// Whether the verifier refuses what these instructions do.
fn refuses(insns: &[[u8; 8]]) -> Result<Option<bool>> {
    match program::load(BPF_PROG_TYPE_SOCKET_FILTER, AttachType::default(), insns, None) {
        Ok(_) => Ok(Some(false)),
        Err(Errno::EACCES | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENOTSUPP) => Ok(Some(true)),
        Err(errno) => Err(Error::new("load program").subject("of a quirk's probe").errno_is(errno)),
    }
}

/// Whether the verifier accepts these instructions, and the JIT compiles them.
fn accepts(insns: &[[u8; 8]]) -> Result<bool> {
    Ok(refuses(insns)? == Some(false))
}

/// `r0 = (s8)r0`, of the instructions that clang emits with `-mcpu=v4`.
pub(super) fn extends_signs() -> Result<bool> {
    accepts(&[mov(0, 1), insn(0xbf, 0, 0, 8, 0), exit()])
}

/// `may_goto +1`
pub(super) fn has_may_goto() -> Result<bool> {
    accepts(&[mov(0, 0), insn(0xe5, 0, 0, 1, 0), mov(0, 1), exit()])
}

/// `r0 = load_acquire((u64 *)(r10 - 8))`
pub(super) fn loads_in_order() -> Result<bool> {
    accepts(&[store_zero(-8), insn(0xdb, 0, 10, -8, BPF_LOAD_ACQ), exit()])
}

fn map() -> Result<std::os::fd::OwnedFd> {
    create(array()).map_err(|errno| Error::new("create map").subject("of a quirk's probe").errno_is(errno))
}

/// Reads what a lookup of an array's only element gives, without a look at whether it is NULL.
pub(super) fn checks_lookups_that_cannot_fail() -> Result<Option<bool>> {
    let map = map()?;
    // r0 = *(u32 *)(r0 + 0)
    let read = [insn(0x61, 0, 0, 0, 0), mov(0, 0), exit()];
    refuses(&[&lookup_first(map.as_fd())[..], &read].concat())
}

/// Reads one byte below a random place in a map's value that is not the first.
pub(super) fn learns_nothing_of_not_zero() -> Result<Option<bool>> {
    let map = map()?;
    // r6 = r0; r6 &= 3; if r6 == 0 goto the end
    let place = [call(RANDOM), insn(0xbf, 6, 0, 0, 0), insn(0x57, 6, 0, 0, 3), skip_if_zero(6, 9)];
    // if r0 == 0 goto the end; r0 += r6; r0 = *(u8 *)(r0 - 1)
    let read = [skip_if_zero(0, 2), insn(0x0f, 0, 6, 0, 0), insn(0x71, 0, 0, -1, 0), mov(0, 0), exit()];
    refuses(&[&place[..], &lookup_first(map.as_fd()), &read].concat())
}

/// Calls a function with a frame of 8 bytes below one of 488, which only together and rounded to 16 are in the limit.
pub(super) fn rounds_frames_to_32() -> Result<Option<bool>> {
    let caller = [store_zero(-488), insn(CALL, 0, BPF_PSEUDO_CALL, 0, 2), mov(0, 0), exit()];
    let callee = [store_zero(-8), mov(0, 0), exit()];
    refuses(&[&caller[..], &callee].concat())
}
