//! Which arguments a function can read when it is entered: forward, through the functions of a program.
//!
//! The kernel copies `r1` to `r5` to the callee as they stand; one that was never written, or not since the last
//! call, may not even be copied to another register. The counterpart is `NOT_INIT` in `kernel/bpf/verifier.c`.

use super::body::{Body, Call};
use super::regs::Regs;

/// What of `r1` to `r5` can be read at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Readable {
    /// On every way there.
    pub(super) always: Regs,
    /// On at least one.
    pub(super) ever: Regs,
}

impl Readable {
    const NOTHING: Readable = Readable { always: Regs::NONE, ever: Regs::NONE };

    /// What the kernel itself passes: as many arguments as the prototype has, if that is known.
    fn from_kernel(params: Option<usize>) -> Readable {
        match params.map(Regs::first_args) {
            Some(args) => Readable { always: args, ever: args },
            None => Readable { always: Regs::NONE, ever: Regs::ARGS },
        }
    }

    fn join(self, other: Readable) -> Readable {
        Readable { always: self.always.and(other.always), ever: self.ever.or(other.ever) }
    }

    fn map(self, f: impl Fn(Regs) -> Regs) -> Readable {
        Readable { always: f(self.always), ever: f(self.ever) }
    }
}

/// What each function can read when it is entered.
pub(super) fn on_entry(bodies: &[Body<'_>], parameters: &[Option<usize>]) -> Vec<Readable> {
    let mut entries = vec![None; bodies.len()];
    let mut work = Vec::new();
    for function in entered_by_the_kernel(bodies) {
        let params = parameters[function];
        // An entry program has its context, whatever it calls it.
        let params = if function == 0 { params.or(Some(1)) } else { params };
        widen(&mut entries[function], Readable::from_kernel(params), function, &mut work);
    }
    while let Some(function) = work.pop() {
        let Some(entry) = entries[function] else { continue };
        for (callee, passed) in passed_by(&bodies[function], entry) {
            // A global function is checked once, by its prototype, whoever calls it.
            if callee != 0 && !bodies[callee].function.global {
                widen(&mut entries[callee], passed, callee, &mut work);
            }
        }
    }
    entries.into_iter().map(|entry| entry.unwrap_or(Readable::NOTHING)).collect()
}

/// The entry program, the global functions, and those whose address is taken: callbacks.
fn entered_by_the_kernel(bodies: &[Body<'_>]) -> impl Iterator<Item = usize> {
    let mut entered: Vec<bool> = bodies.iter().map(|body| body.function.global).collect();
    if let Some(main) = entered.first_mut() {
        *main = true;
    }
    for callback in bodies.iter().flat_map(|body| body.steps()).filter_map(|(_, step)| step.address) {
        entered[callback] = true;
    }
    entered.into_iter().enumerate().filter_map(|(function, entered)| entered.then_some(function))
}

/// What each call of a function of the program passes, given what can be read on entry.
fn passed_by(body: &Body<'_>, entry: Readable) -> Vec<(usize, Readable)> {
    let mut at_step = vec![None; body.steps.len()];
    let mut work = Vec::new();
    widen(&mut at_step[0], entry, 0, &mut work);
    while let Some(at) = work.pop() {
        let (Some(step), Some(before)) = (&body.steps[at], at_step[at]) else { continue };
        let after = before.map(|regs| regs.without(step.kills).or(step.defines).and(Regs::ARGS));
        for to in body.successors(step) {
            widen(&mut at_step[to], after, to, &mut work);
        }
    }
    let call = |(at, step): (usize, &super::body::Step)| match step.call {
        Some(Call::Function(callee)) => Some((callee, at_step[at]?)),
        _ => None,
    };
    body.steps().filter_map(call).collect()
}

/// Joins `more` to what is known at `node`, which is looked at again if that changed it.
fn widen(known: &mut Option<Readable>, more: Readable, node: usize, work: &mut Vec<usize>) {
    let joined = known.map_or(more, |known| known.join(more));
    if *known != Some(joined) {
        *known = Some(joined);
        work.push(node);
    }
}
