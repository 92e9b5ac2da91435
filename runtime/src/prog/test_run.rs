//! Running a program for a test (`BPF_PROG_TEST_RUN`).

use super::Program;
use crate::sys::Errno;
use crate::sys::bpf::{self, Run};
use crate::sys::uapi::BPF_F_TEST_RUN_ON_CPU;
use crate::{Result, diagnose};

impl Program {
    /// Runs the program once, or more often, on given input (`BPF_PROG_TEST_RUN`).
    ///
    /// ```no_run
    /// use skelgen_runtime::TestRun;
    /// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
    /// # fn main() -> skelgen_runtime::Result<()> {
    /// # let skel = Counters::open()?.load()?;
    /// let args = [5u64, 1].map(u64::to_ne_bytes).concat();    // a raw tracepoint's arguments are words
    /// let run = skel.progs.bump.test_run(TestRun { ctx_in: &args, cpu: Some(0), ..TestRun::default() })?;
    /// assert_eq!(run.retval, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A signal that this thread handles ends several repetitions early, with `EINTR`. What the program did until then
    /// stays done, and the kernel does not say how often it ran. A run without repetition is not interrupted.
    ///
    /// # Errors
    ///
    /// It was not loaded, its type cannot be run so, or not with this input; [`Errno::EINTR`] after a signal.
    pub fn test_run(&self, run: TestRun<'_>) -> Result<TestRunOutput> {
        let mut ctx = run.ctx_in.to_vec();
        let mut ctx_out = vec![0; run.ctx_out_size];
        let mut data_out = vec![0; run.data_out_size];
        let on_cpu = if run.cpu.is_some() { BPF_F_TEST_RUN_ON_CPU } else { 0 };
        let ran = bpf::prog_test_run(
            self.fd()?,
            &mut Run {
                data_in: run.data_in,
                data_out: &mut data_out,
                ctx_in: &mut ctx,
                ctx_out: &mut ctx_out,
                repeat: run.repeat,
                flags: run.flags | on_cpu,
                cpu: run.cpu.unwrap_or(0),
            },
        )
        .map_err(|errno| {
            let error = diagnose::refused(self.failed("test run program"), errno);
            match (errno, run.cpu) {
                (Errno::ENXIO, Some(cpu)) => error.because(format!("there is no CPU {cpu}, or it is offline")),
                _ => error,
            }
        })?;
        if ran.cut {
            return Err(self.failed("test run program").errno_is(Errno::ENOSPC).because(format!(
                "its output of {} bytes of data and {} of context does not fit {} and {}",
                ran.data_size, ran.ctx_size, run.data_out_size, run.ctx_out_size
            )));
        }
        data_out.truncate(ran.data_size);
        ctx_out.truncate(ran.ctx_size);
        let ctx_out = if run.ctx_out_size == 0 { ctx } else { ctx_out };
        Ok(TestRunOutput { retval: ran.retval, duration: ran.duration, data_out, ctx_out })
    }
}

/// What a program is run on; by default nothing, once, on whatever CPU this is. See [`Program::test_run`].
#[derive(Clone, Copy, Debug, Default)]
pub struct TestRun<'a> {
    /// The context, as its type has it: arguments of a raw tracepoint, `struct __sk_buff`, ...
    pub ctx_in: &'a [u8],
    /// The packet.
    pub data_in: &'a [u8],
    /// Room for the context that comes back; 0 if none is wanted.
    pub ctx_out_size: usize,
    /// Room for the packet that comes back; 0 if none is wanted.
    pub data_out_size: usize,
    /// The CPU to run on; raw tracepoints only.
    pub cpu: Option<u32>,
    /// `BPF_F_TEST_*`, besides the one that `cpu` means.
    pub flags: u32,
    /// How often; 0 is once.
    pub repeat: u32,
}

/// What a run of a program gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRunOutput {
    /// What the program returned.
    pub retval: u32,
    /// Nanoseconds that one repetition took, as far as the program's type tells.
    pub duration: u32,
    /// The packet as it is now.
    pub data_out: Vec<u8>,
    /// The context as it is now; without [`TestRun::ctx_out_size`] the one that went in, which a `syscall` program
    /// may have changed.
    pub ctx_out: Vec<u8>,
}
