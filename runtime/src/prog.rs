//! Programs: running them for a test, and attaching them.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use crate::by_hand;
use crate::desc::Attach;
use crate::diagnose;
use crate::link::Link;
use crate::map::pin;
use crate::sys::Errno;
use crate::sys::bpf::{self, IterOver, Run};
use crate::sys::uapi::{BPF_F_TEST_RUN_ON_CPU, BPF_XDP};
use crate::{Error, Result};

/// A program of a loaded skeleton; in the kernel, unless it was not to be loaded.
///
/// The skeleton's `attach` attaches those whose section names a target; here each is attached by itself.
///
/// ```no_run
/// # #[derive(skelgen_runtime::Skeleton)] #[skeleton(object = "../fixtures/counters.bpf.o")] struct Counters;
/// # fn main() -> skelgen_runtime::Result<()> {
/// # let skel = Counters::open()?.load()?;
/// let on_exec = skel.progs.on_exec.attach()?;             // to what its section names
/// let bump = skel.progs.bump.attach_raw_tracepoint("sys_exit")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    pub(crate) fd: Option<OwnedFd>,
    pub(crate) name: Box<str>,
    pub(crate) section: Box<str>,
    pub(crate) prog_type: u32,
    pub(crate) expected_attach_type: u32,
    pub(crate) attach: Attach<'static>,
    pub(crate) autoattach: bool,
}

impl Program {
    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ELF section's name, which says what the program is for.
    #[must_use]
    pub fn section(&self) -> &str {
        &self.section
    }

    /// `enum bpf_prog_type`.
    #[must_use]
    pub fn prog_type(&self) -> u32 {
        self.prog_type
    }

    /// Whether it is in the kernel.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.fd.is_some()
    }

    /// The descriptor.
    ///
    /// # Errors
    ///
    /// The program was not loaded: autoload was off.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        match &self.fd {
            Some(fd) => Ok(fd.as_fd()),
            None => Err(self.failed("use program").because("it was not loaded: its autoload is off")),
        }
    }

    /// Gives the program a name in a BPF file system, which keeps it when this process ends (`BPF_OBJ_PIN`).
    ///
    /// # Errors
    ///
    /// It was not loaded, there is something at `path`, or that is not in a BPF file system.
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin(self.fd()?, path.as_ref())
    }

    pub(crate) fn failed(&self, operation: &'static str) -> Error {
        Error::new(operation).subject(&*self.name)
    }

    pub(crate) fn attached(&self, result: Result<OwnedFd, Errno>) -> Result<Link> {
        match result {
            Ok(fd) => Ok(Link::new(fd, &self.name)),
            Err(errno) => Err(diagnose::explain(self.failed("attach program").errno_is(errno))),
        }
    }

    /// Attaches the program to what its section names.
    ///
    /// # Errors
    ///
    /// The section names no target, the target is not there, or this runtime does not attach programs of its kind; the hint
    /// then names the method to call instead, if there is one.
    pub fn attach(&self) -> Result<Link> {
        match &self.attach {
            Attach::RawTracepoint { name } => self.attach_raw_tracepoint(name),
            Attach::Tracing => self.attached(bpf::raw_tracepoint_open(None, self.fd()?)),
            Attach::Iter => self.attached(bpf::link_create_iter(self.fd()?, IterOver::All)),
            Attach::Tracepoint { category, name } => self.attach_tracepoint(category, name),
            Attach::Kprobe { function, offset, ret: false } => self.attach_kprobe(function, *offset),
            Attach::Kprobe { function, ret: true, .. } => self.attach_kretprobe(function),
            Attach::TracingMulti { pattern: Some(pattern), .. } => self.attach_functions(pattern),
            Attach::Usdt { probe: Some(probe) } => {
                Err(self.not_attached(format!("skelgen does not look for the probe {probe}")))
            }
            Attach::Manual | Attach::TracingMulti { pattern: None, .. } | Attach::Usdt { probe: None } => {
                Err(self.not_attached(format!("its section {:?} names no target", self.section)))
            }
            Attach::Unsupported { why } => Err(self.not_attached(why.as_ref())),
        }
    }

    /// The error of [`attach`](Self::attach) for a program that another method attaches, or none.
    fn not_attached(&self, why: impl Into<String>) -> Error {
        let hint = by_hand::hint(&self.section, self.prog_type, self.expected_attach_type);
        self.failed("attach program").because(why).hint(hint)
    }

    /// Attaches the program as part of the whole skeleton: nothing, if it was not loaded, is not to be attached, or
    /// needs a target that its section does not name.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). The hint also says how to leave the program out.
    pub fn autoattach(&self) -> Result<Option<Link>> {
        if !self.autoattach || self.fd.is_none() || self.attach.needs_target() {
            return Ok(None);
        }
        self.attach().map(Some).map_err(|error| {
            let leave_out = "to attach the others, call set_autoattach(false) on this one before the load";
            let hint = error.hint_text().map_or_else(|| leave_out.to_owned(), |hint| format!("{hint}; {leave_out}"));
            error.replace_hint(hint)
        })
    }

    /// Attaches all of `programs` as parts of one skeleton, see [`autoattach`](Self::autoattach).
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). Those attached before are detached again.
    pub fn autoattach_all<const N: usize>(programs: [&Program; N]) -> Result<[Option<Link>; N]> {
        let mut links = [const { None }; N];
        for (link, program) in links.iter_mut().zip(programs) {
            *link = program.autoattach()?;
        }
        Ok(links)
    }

    /// Attaches a `raw_tp` program (`BPF_RAW_TRACEPOINT_OPEN`).
    ///
    /// # Errors
    ///
    /// There is no tracepoint of that name, without its category, or the program is of another type.
    pub fn attach_raw_tracepoint(&self, name: &str) -> Result<Link> {
        let c_name = CString::new(name).map_err(|_| self.failed("attach program").because("a name has a byte 0"))?;
        self.attached(bpf::raw_tracepoint_open(Some(&c_name), self.fd()?)).map_err(|error| match error.errno() {
            Some(Errno::ENOENT) => {
                error.because(format!("the kernel and its loaded modules have no raw tracepoint `{name}`"))
            }
            _ => error,
        })
    }

    /// Attaches an XDP program to a network interface (`BPF_LINK_CREATE`); `flags` are `XDP_FLAGS_*`, or 0.
    ///
    /// # Errors
    ///
    /// There is no such interface, or it runs another program.
    pub fn attach_xdp(&self, interface: u32, flags: u32) -> Result<Link> {
        self.attached(bpf::link_create(self.fd()?, interface, BPF_XDP, flags, 0))
    }

    /// Attaches a program to a cgroup, given as its directory, opened (`BPF_LINK_CREATE`).
    ///
    /// # Errors
    ///
    /// It is not a directory of cgroup version 2, or the program is of another type.
    pub fn attach_cgroup(&self, cgroup: impl AsFd) -> Result<Link> {
        let target = cgroup.as_fd().as_raw_fd().cast_unsigned();
        self.attached(bpf::link_create(self.fd()?, target, self.expected_attach_type, 0, 0))
    }

    /// Attaches a program to a network interface's traffic (`BPF_LINK_CREATE`), as `tcx` and `netkit` are.
    ///
    /// # Errors
    ///
    /// There is no such interface, the program is of another type, or the kernel older than 6.6.
    pub fn attach_interface(&self, interface: u32) -> Result<Link> {
        self.attached(bpf::link_create(self.fd()?, interface, self.expected_attach_type, 0, 0))
    }

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
