//! The stack of a chain of calls, as the verifier adds it up.
//!
//! The kernel's counterpart is `check_max_stack_depth` in `kernel/bpf/verifier.c`. Kernels before 6.8 and kernels without a
//! JIT round each frame up to 32 bytes; later kernels round to 16, and since 6.13 some frames have a private stack. A
//! lowered program must load on all of them, so its frames are rounded to 32 bytes. Native frames are rounded to 16:
//! lowering must not break a chain that fits on the most lenient kernel.

use super::WITHOUT_LOOKUP;
use super::body::{Body, Call};
use super::helpers::{TAIL_CALL, TIMER_SET_CALLBACK};
use crate::insn::limits::MAX_BPF_STACK;
use crate::{Error, Result};

/// Frames are rounded up to a multiple of this, on the most lenient and on the strictest kernels.
const FINE: u32 = 16;
const COARSE: u32 = 32;

/// What the frames above a function with a tail call may use.
const MAX_ABOVE_TAIL_CALL: u32 = 256;

/// Refuses the chains of calls that fit with frames of `native` bytes and do not with frames of `lowered` bytes.
///
/// Chains that never fitted are left to the kernel: its count can be lower, as it skips dead code and frames with a private
/// stack.
pub(super) fn check(bodies: &[Body<'_>], native: &[u32], lowered: &[u32]) -> Result<()> {
    let callees: Vec<_> = bodies.iter().map(callees).collect();
    let order = callers_first(&callees);
    let native: Vec<u32> = native.iter().map(|frame| frame.next_multiple_of(FINE)).collect();
    let lowered: Vec<u32> = lowered.iter().map(|frame| frame.max(&1).next_multiple_of(COARSE)).collect();
    let before = above(&order, &callees, &native);
    let after = above(&order, &callees, &lowered);
    for &function in &order {
        let body = &bodies[function];
        let limit = |what: &str, above: u32, limit: u32| {
            let words = format!(
                "{what} needs {above} bytes of stack with the lookup of per-CPU data, and the kernel's limit is {limit}\
                 {WITHOUT_LOOKUP}"
            );
            Err(Error::too_large(words).in_symbol(&body.function.name))
        };
        let total = |above: &[u32], frames: &[u32]| above[function].saturating_add(frames[function]);
        if total(&before, &native) <= MAX_BPF_STACK && total(&after, &lowered) > MAX_BPF_STACK {
            return limit("the call chain down to it", total(&after, &lowered), MAX_BPF_STACK);
        }
        let tail_calls = body.steps().any(|(_, step)| step.call == Some(Call::Helper(TAIL_CALL)));
        if function != 0
            && tail_calls
            && before[function] < MAX_ABOVE_TAIL_CALL
            && after[function] >= MAX_ABOVE_TAIL_CALL
        {
            return limit("makes a tail call, and the call chain above it", after[function], MAX_ABOVE_TAIL_CALL - 1);
        }
    }
    Ok(())
}

/// The functions whose frames lie below that of `body`: those it calls, and the callbacks it passes on.
///
/// Not a callback that goes straight to a timer: it runs later, on a stack of its own.
fn callees(body: &Body<'_>) -> Vec<usize> {
    let mut callees = Vec::new();
    let mut following_call = None;
    for (_, step) in body.steps().rev() {
        if let Some(Call::Function(callee)) = step.call {
            callees.push(callee);
        }
        if following_call != Some(Call::Helper(TIMER_SET_CALLBACK)) {
            callees.extend(step.address);
        }
        following_call = step.call.or(following_call);
    }
    callees.sort_unstable();
    callees.dedup();
    callees
}

/// The functions, each before those it calls. Of a cycle, which the kernel refuses, one call is left out.
fn callers_first(callees: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; callees.len()];
    let mut finished = Vec::with_capacity(callees.len());
    for root in 0..callees.len() {
        // Functions under way, each with the number of its callees that are done.
        let mut path = Vec::new();
        if !std::mem::replace(&mut seen[root], true) {
            path.push((root, 0));
        }
        while let Some((function, done)) = path.last_mut() {
            match callees[*function].get(*done) {
                Some(&callee) => {
                    *done += 1;
                    if !std::mem::replace(&mut seen[callee], true) {
                        path.push((callee, 0));
                    }
                }
                None => {
                    finished.push(*function);
                    path.pop();
                }
            }
        }
    }
    finished.reverse();
    finished
}

/// For each function the most that the frames above its own take.
fn above(order: &[usize], callees: &[Vec<usize>], frames: &[u32]) -> Vec<u32> {
    let mut above = vec![0u32; callees.len()];
    for &function in order {
        let below = above[function].saturating_add(frames[function]);
        for &callee in &callees[function] {
            above[callee] = above[callee].max(below);
        }
    }
    above
}
