//! Which arguments a function may read before it writes them: backward, through the functions of a program.

use super::body::{Body, Call};
use super::helpers;
use super::regs::Regs;

/// What a function reads of `r1` to `r5` as they were on entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// By an instruction, or by a call whose arguments are known.
    pub(super) surely: Regs,
    /// Those, and what a call may read whose arguments are not known.
    pub(super) perhaps: Regs,
}

/// What each function reads of its arguments.
pub(super) fn on_entry(bodies: &[Body<'_>], parameters: &[Option<usize>]) -> Vec<Live> {
    let callers = callers(bodies);
    let before: Vec<_> = bodies.iter().map(Body::predecessors).collect();
    let mut live = vec![Live::default(); bodies.len()];
    // Each function at least once; again only when one that it calls turns out to read more.
    let mut work: Vec<usize> = (0..bodies.len()).collect();
    while let Some(function) = work.pop() {
        let body = &bodies[function];
        let reads = |call: Call| reads_of_call(call, bodies, &live, parameters);
        let found = Live {
            surely: first_step(body, &before[function], |call| reads(call).surely),
            perhaps: first_step(body, &before[function], |call| reads(call).perhaps),
        };
        if live[function] != found {
            live[function] = found;
            work.extend(&callers[function]);
        }
    }
    live
}

fn callers(bodies: &[Body<'_>]) -> Vec<Vec<usize>> {
    let mut callers = vec![Vec::new(); bodies.len()];
    for (function, body) in bodies.iter().enumerate() {
        for (_, step) in body.steps() {
            if let Some(Call::Function(callee)) = step.call
                && callers[callee].last() != Some(&function)
            {
                callers[callee].push(function);
            }
        }
    }
    callers
}

fn reads_of_call(call: Call, bodies: &[Body<'_>], live: &[Live], parameters: &[Option<usize>]) -> Live {
    match call {
        Call::Helper(id) => {
            let (surely, perhaps) = helpers::reads(id);
            Live { surely, perhaps: surely.or(perhaps) }
        }
        Call::Kfunc => Live { surely: Regs::NONE, perhaps: Regs::ARGS },
        // The verifier wants every argument of a global function, read or not.
        Call::Function(callee) if bodies[callee].function.global => {
            let params = Regs::first_args(parameters[callee].unwrap_or(0));
            Live { surely: live[callee].surely.or(params), perhaps: live[callee].perhaps.or(params) }
        }
        Call::Function(callee) => live[callee],
    }
}

/// What is live before the first step of `body`.
fn first_step(body: &Body<'_>, before: &[Vec<usize>], reads_of_call: impl Fn(Call) -> Regs) -> Regs {
    let mut live = vec![Regs::NONE; body.steps.len()];
    // The last step is taken first: most of a function is then looked at once.
    let mut work: Vec<usize> = body.steps().map(|(at, _)| at).collect();
    while let Some(at) = work.pop() {
        let Some(step) = &body.steps[at] else { continue };
        let after = body.successors(step).fold(Regs::NONE, |regs, to| regs.or(live[to]));
        let called = step.call.map_or(Regs::NONE, &reads_of_call);
        let found = after.without(step.kills).or(step.reads).or(called).and(Regs::ARGS);
        if live[at] != found {
            live[at] = found;
            work.extend(&before[at]);
        }
    }
    live.first().copied().unwrap_or_default()
}
