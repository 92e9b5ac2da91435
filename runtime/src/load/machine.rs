//! The loader program in the kernel, and the image that it works on.
//!
//! The image says how many steps are done, so every run goes on where the one before it stopped: after a signal, with a
//! log, or after a change for what the kernel refused. Each load makes progress however often signals come, because a step
//! that they keep interrupting gets a run of its own with signals blocked ([`signals`](crate::sys::signals)). A load is
//! successful only if the loader program left its mark at the end.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::core_types;
use super::kfunc_addresses;
use super::lookup;
use super::outcome::{Made, Outcome};
use super::patch::Patches;
use super::untyped;
use crate::image::{
    ARG_MAX, AT_DONE, AT_ERROR, AT_NR_STEPS, HEADER_SIZE, Header, MAGIC, OP_BPF, OP_FIND_BTF, OP_POINT, STEP_SIZE, Step,
};
use crate::kernel::program::LICENSE;
use crate::layout::step_at;
use crate::open::Opened;
use crate::sys::attr::{MapCreate, place};
use crate::sys::bpf::{self, Prog, Run};
use crate::sys::mmap::Mapping;
use crate::sys::signals::Patience;
use crate::sys::uapi::{
    AttachType, BPF_BTF_LOAD, BPF_F_MMAPABLE, BPF_F_SLEEPABLE, BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY, BPF_PROG_LOAD,
    BPF_PROG_TYPE_SYSCALL, Command, object_name,
};
use crate::sys::{Errno, fds};
use crate::{Error, Result, diagnose, kernel};

/// Bytes of the verifier's log to start with; what is not written costs nothing.
pub(super) const FIRST_LOG: usize = 1 << 20;
/// Bytes of log beyond which no more is asked for.
const LAST_LOG: usize = 1 << 28;

pub(super) struct Machine<'a> {
    opened: &'a Opened<'a>,
    memory: Mapping,
    program: OwnedFd,
}

impl<'a> Machine<'a> {
    /// Makes the image's map and loads the loader program.
    pub(super) fn new(opened: &'a Opened<'_>, token: Option<BorrowedFd<'_>>) -> Result<Machine<'a>> {
        let desc = &opened.desc;
        let attr = MapCreate {
            map_type: BPF_MAP_TYPE_ARRAY,
            key_size: 4,
            value_size: opened.header.size,
            max_entries: 1,
            map_flags: BPF_F_MMAPABLE,
            map_name: object_name("skel_image"),
            ..Default::default()
        };
        let map = bpf::map_create(attr, token, None)
            .map_err(|errno| diagnose::explain(Error::new("create map").subject("of the loader").errno_is(errno)))?;
        let memory = Mapping::of_map(map.as_fd(), opened.header.size as usize, true)
            .map_err(|errno| diagnose::refused(Error::new("map into memory").subject("of the loader"), errno))?;
        let btf = match desc.loader_btf {
            [] => None,
            btf => {
                let load = |log: Option<&Mapping>| bpf::btf_load(btf, token, log);
                Some(with_log(load, "load BTF")?)
            }
        };
        let prog = Prog {
            prog_type: BPF_PROG_TYPE_SYSCALL,
            expected_attach_type: AttachType(0),
            flags: BPF_F_SLEEPABLE,
            name: "skel_loader",
            license: LICENSE,
            insns: desc.loader,
            btf: btf.as_ref().map(AsFd::as_fd),
            func_info: desc.loader_func_info,
            fd_array: &[map.as_fd()],
            token,
            log: None,
        };
        let program = with_log(|log| bpf::prog_load(&Prog { log, ..prog }), "load program")?;
        Ok(Machine { opened, memory, program })
    }

    /// Runs the loader until it has made everything, or the reason why it cannot is known.
    pub(super) fn load(&self, patches: &mut Patches<'_, '_>) -> Result<Made> {
        if !patches.write(&self.memory) {
            return Err(does_not_fit());
        }
        let result = self.run_all(patches);
        // What was made before a failure is closed.
        let fds = fds::adopt(&patches.changed_fds(&self.memory), patches.borrowed());
        result.map(|features| Made { fds, features })
    }

    /// Carries out all steps, and changes those that this kernel refuses in one form and takes in another. Each turn ends
    /// in a later step than the one before, or with a change that was not there; so there is a last one.
    fn run_all(&self, patches: &mut Patches<'_, '_>) -> Result<u32> {
        let mut hint = None;
        let mut outcome = self.run(self.opened.header.nr_steps)?;
        loop {
            let (step, errno) = match outcome {
                Outcome::Done { features } => return Ok(features),
                Outcome::Failed { step, errno } => (step, errno),
            };
            let other = self.without_map_types(patches, step);
            if let Some(words) = other.or_else(|| self.with_symbol_at_zero(patches, step, errno)) {
                outcome = self.run_with(patches, words)?;
                continue;
            }
            let refused = match self.log_places(step) {
                Some(places) => match self.run_with_log(places, step)? {
                    // With a log that is too short the kernel says just that.
                    (Outcome::Failed { step: again, errno: Errno::ENOSPC }, log) if again == step => {
                        self.error(step, errno, log)
                    }
                    (Outcome::Failed { step: again, errno }, log) if again == step => self.error(step, errno, log),
                    (further, _) => {
                        outcome = further;
                        continue;
                    }
                },
                None => self.error(step, errno, None),
            };
            let other = self.without_kfunc_addresses(patches, &refused);
            let words = match other.or_else(|| self.with_core_types(patches, &refused)) {
                Some(words) => words,
                None => match self.without_btf(patches, step, &refused) {
                    Some(words) => {
                        hint = Some(hint_of_types(&refused));
                        words
                    }
                    None => return Err(hint.into_iter().fold(refused, Error::hint)),
                },
            };
            outcome = self.run_with(patches, words)?;
        }
    }

    /// Changes the image and goes on with the step that failed.
    fn run_with(&self, patches: &mut Patches<'_, '_>, words: Vec<(u32, u32)>) -> Result<Outcome> {
        for &(at, word) in &words {
            self.write(at, word)?;
        }
        patches.words(words);
        self.run(self.opened.header.nr_steps)
    }

    /// What to change for a map without types, if it is one with types that the kernel has refused.
    fn without_map_types(&self, patches: &Patches<'_, '_>, step: u32) -> Option<Vec<(u32, u32)>> {
        let image = self.opened.image();
        let step = step_at(image, &self.opened.header, step).filter(|step| step.cmd == BPF_MAP_CREATE.0)?;
        untyped::map_words(image, &step).filter(|words| words.iter().all(|&(at, _)| !patches.has(at)))
    }

    /// What to change for a symbol that is at address 0, if it is one that was not found.
    fn with_symbol_at_zero(&self, patches: &Patches<'_, '_>, step: u32, errno: Errno) -> Option<Vec<(u32, u32)>> {
        let (image, header) = (self.opened.image(), &self.opened.header);
        let at = step.checked_mul(STEP_SIZE)?.checked_add(header.steps)?;
        let words = lookup::at_zero(image, &step_at(image, header, step)?, at, errno)?;
        words.iter().all(|&(at, _)| !patches.has(at)).then_some(words)
    }

    /// What to change for a load without BTF, if it is the object's BTF that the kernel has looked at and refused.
    fn without_btf(&self, patches: &Patches<'_, '_>, step: u32, refused: &Error) -> Option<Vec<(u32, u32)>> {
        let image = self.opened.image();
        let step = step_at(image, &self.opened.header, step).filter(|step| step.cmd == BPF_BTF_LOAD.0)?;
        (step.op == OP_BPF && refused.verifier_log().is_some()).then_some(())?;
        untyped::words(image, &self.opened.header, |at| patches.is_set(at))
    }

    /// What to change for a load with CO-RE relocations of types resolved here, if the kernel has refused one. What then
    /// goes wrong with the kernel's types leaves it at that.
    fn with_core_types(&self, patches: &Patches<'_, '_>, refused: &Error) -> Option<Vec<(u32, u32)>> {
        refused.verifier_log().is_some_and(core_types::is_refused).then_some(())?;
        let words = core_types::words(self.opened, patches).ok()?;
        (!words.is_empty() && words.iter().all(|&(at, _)| !patches.has(at))).then_some(words)
    }

    /// What to change for a load without addresses of kfuncs, if it is those that the kernel has refused.
    fn without_kfunc_addresses(&self, patches: &Patches<'_, '_>, refused: &Error) -> Option<Vec<(u32, u32)>> {
        refused.verifier_log().is_some_and(kfunc_addresses::are_refused).then_some(())?;
        let words = kfunc_addresses::words(self.opened.image(), &self.opened.header);
        (!words.is_empty() && words.iter().all(|&(at, _)| !patches.has(at))).then_some(words)
    }

    /// The id of the type called `name`, of the kernel or of the module whose BTF comes with it; `None` if neither has it.
    /// Asks the loader program, with an image that has this one step.
    pub(super) fn find_btf(&self, name: &str, kind: u32) -> Result<Option<(u32, Option<OwnedFd>)>> {
        const OUT: u32 = HEADER_SIZE + STEP_SIZE;
        const OUT2: u32 = OUT + 8;
        const NAME: u32 = OUT2 + 8;
        let failed = || Error::new("find the attach target of program");
        let mut words = [0u32; (NAME / 4) as usize];
        words[0] = MAGIC;
        words[1] = self.opened.header.size;
        (words[5], words[6]) = (1, HEADER_SIZE);
        let step = &mut words[(HEADER_SIZE / 4) as usize..];
        let [low, high] = OP_FIND_BTF.to_ne_bytes();
        step[0] = u32::from_ne_bytes([low, high, 0, 0]);
        // `unless`: a word of the header that is 0, as the errors are.
        step[1] = AT_ERROR;
        // The kernel has no name that long.
        let Some(size) = u32::try_from(name.len() + 1).ok().filter(|&size| size <= ARG_MAX) else { return Ok(None) };
        step[2..7].copy_from_slice(&[kind, NAME, size, OUT, OUT2]);
        let mut image: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        image.extend_from_slice(name.as_bytes());
        image.push(0);
        if !self.memory.write(0, &image) {
            return Err(failed());
        }
        match self.run(1)? {
            Outcome::Done { .. } => {}
            Outcome::Failed { errno: Errno::ENOENT, .. } => return Ok(None),
            Outcome::Failed { errno, .. } => return Err(diagnose::explain(failed().errno_is(errno))),
        }
        let id = self.memory.u32(OUT).filter(|&id| id != 0).ok_or_else(failed)?;
        // 0 is the kernel proper.
        let module = self.memory.u32(OUT2).map_or(0, u32::cast_signed);
        let fd = fds::adopt(&[if module > 0 { module } else { -1 }], &[]).pop().flatten();
        Ok(Some((id, fd)))
    }

    /// Does the steps before number `end` that are not done, in as many runs as signals make of it.
    fn run(&self, end: u32) -> Result<Outcome> {
        let failed = || Error::new("run program").subject("of the loader");
        let mut patience = Patience::default();
        loop {
            let next = self.header()?.step;
            let blocked = patience.block();
            // Signals wait for one step at most.
            let until = if blocked.is_some() { next.saturating_add(1).min(end) } else { end };
            for (at, word) in [(AT_NR_STEPS, until), (AT_ERROR, 0), (AT_DONE, 0)] {
                self.write(at, word)?;
            }
            let ran = bpf::prog_test_run(self.program.as_fd(), &mut Run::default());
            drop(blocked);
            let Header { error, step, done, features, .. } = self.header()?;
            let interrupted = match ran {
                Err(errno) if errno.is_interruption() => Err(diagnose::explain(failed().errno_is(errno))),
                Err(errno) => return Err(diagnose::explain(failed().errno_is(errno))),
                Ok(_) if error != 0 && Errno::new(error).is_interruption() => {
                    Ok(Outcome::Failed { step, errno: Errno::new(error) })
                }
                Ok(_) if error != 0 => return Ok(Outcome::Failed { step, errno: Errno::new(error) }),
                Ok(_) if done != MAGIC || step != until => return Err(failed().because("it did not run to its end")),
                Ok(_) if until == end => return Ok(Outcome::Done { features }),
                Ok(_) => {
                    patience = Patience::default();
                    continue;
                }
            };
            if step > next {
                patience = Patience::default();
            }
            if !patience.again() {
                return interrupted;
            }
        }
    }

    fn header(&self) -> Result<Header> {
        Header::read(&self.memory).ok_or_else(does_not_fit)
    }

    fn write(&self, at: u32, word: u32) -> Result<()> {
        if self.memory.write(at as usize, &word.to_ne_bytes()) { Ok(()) } else { Err(does_not_fit()) }
    }

    /// Goes on from `step` with a log for it, as often as it takes for the log to fit.
    fn run_with_log(&self, places: LogPlaces, step: u32) -> Result<(Outcome, Option<String>)> {
        let mut size = FIRST_LOG;
        loop {
            let log = log_buffer(size)?;
            places.write(&self.memory, Some(&log))?;
            let outcome = self.run(self.opened.header.nr_steps);
            // The step may be carried out once more, when the log is gone.
            places.write(&self.memory, None)?;
            match outcome? {
                Outcome::Failed { errno: Errno::ENOSPC, step: again } if again == step && size < LAST_LOG => size *= 16,
                outcome => return Ok((outcome, text(&log))),
            }
        }
    }

    /// Where the attr of `step` has its log, if its command writes one.
    fn log_places(&self, step: u32) -> Option<LogPlaces> {
        let step = step_at(self.opened.image(), &self.opened.header, step)?;
        if step.op != OP_BPF {
            return None;
        }
        let (level, size, buffer) = match Command(step.cmd) {
            BPF_PROG_LOAD => (place!(ProgLoad.log_level), place!(ProgLoad.log_size), place!(ProgLoad.log_buf)),
            BPF_BTF_LOAD => (place!(BtfLoad.btf_log_level), place!(BtfLoad.btf_log_size), place!(BtfLoad.btf_log_buf)),
            _ => return None,
        };
        let at = |offset: u32| step.arg.checked_add(offset).filter(|_| offset + 8 <= step.size);
        Some(LogPlaces { level: at(level)?, size: at(size)?, buffer: at(buffer)? })
    }

    /// The license of the program that `record` loads; empty if it has none.
    fn license(&self, record: Option<Step>) -> &str {
        let image = self.opened.image();
        let license = record.and_then(|record| {
            let place = record.arg.checked_add(place!(ProgLoad.license))?;
            let point = self.opened.header.steps(image).find(|step| step.op == OP_POINT && step.out == place)?;
            let text = image.get(point.arg as usize..)?.split(|&byte| byte == 0).next()?;
            std::str::from_utf8(text).ok()
        });
        license.unwrap_or_default()
    }

    fn error(&self, step: u32, errno: Errno, log: Option<String>) -> Error {
        let record = step_at(self.opened.image(), &self.opened.header, step);
        let named = record.and_then(|record| self.opened.desc.steps.get(record.plan as usize));
        let error = match named {
            Some(step) if step.subject.is_empty() => Error::new(step.what.to_owned()),
            Some(step) => Error::new(step.what.to_owned()).subject(step.subject),
            None => Error::new(format!("carry out step {step} of the loader")),
        };
        let mut error = error.errno_is(errno);
        if let Some(log) = &log {
            error = lookup::explain_log(error, log, self.license(record), &self.opened.desc);
        }
        let error = error.log(log);
        match record {
            Some(record) => {
                lookup::explain(error.at_step(record.plan as usize), self.opened.image(), &self.memory, &record)
            }
            None => diagnose::explain(error),
        }
    }
}

/// Places of `log_level`, `log_size` and `log_buf` in the image.
struct LogPlaces {
    level: u32,
    size: u32,
    buffer: u32,
}

impl LogPlaces {
    /// Has the kernel write to `log`, or to nothing. Its address is this process's, even where the attr is the kernel's own.
    fn write(&self, image: &Mapping, log: Option<&Mapping>) -> Result<()> {
        let size = u32::try_from(log.map_or(0, Mapping::len)).map_err(|_| does_not_fit())?;
        let written = image.write(self.level as usize, &u32::from(log.is_some()).to_ne_bytes())
            && image.write(self.size as usize, &size.to_ne_bytes())
            && image.write(self.buffer as usize, &log.map_or(0, Mapping::address).to_ne_bytes());
        if written { Ok(()) } else { Err(does_not_fit()) }
    }
}

fn does_not_fit() -> Error {
    Error::new("prepare the loader's image").because("a change does not fit")
}

/// Does what the loader itself needs: again with a log if it fails.
fn with_log(load: impl Fn(Option<&Mapping>) -> Result<OwnedFd, Errno>, what: &'static str) -> Result<OwnedFd> {
    let errno = match load(None) {
        Ok(fd) => return Ok(fd),
        Err(errno) => errno,
    };
    let log = log_buffer(FIRST_LOG * 16)?;
    if let Ok(fd) = load(Some(&log)) {
        return Ok(fd);
    }
    let mut error = Error::new(what).subject("of the loader").errno_is(errno);
    // Without CAP_PERFMON the verifier takes the loader for a program that calls what it may not.
    if let Some(lacking) = diagnose::lacking() {
        return Err(error.because(lacking));
    }
    error = error.log(text(&log));
    if let Some(hint) = kernel::too_old() {
        error = error.hint(hint);
    }
    Err(diagnose::explain(error))
}

/// Why there were no types, for what then failed.
fn hint_of_types(refused: &Error) -> String {
    let log = refused.verifier_log().unwrap_or_default();
    let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    format!("the kernel refused the object's BTF, so that it was loaded without: {}", last.trim())
}

pub(super) fn log_buffer(size: usize) -> Result<Mapping> {
    Mapping::anonymous(size).map_err(|errno| Error::new("make room for the verifier's log").errno_is(errno))
}

/// What the kernel wrote to a log, up to its final 0; `None` if nothing.
pub(super) fn text(log: &Mapping) -> Option<String> {
    let mut bytes = Vec::new();
    let mut page = [0; 4096];
    while bytes.len() < log.len() {
        let len = page.len().min(log.len() - bytes.len());
        let read = log.read(bytes.len(), &mut page[..len]);
        let end = page[..len].iter().position(|&byte| byte == 0);
        bytes.extend_from_slice(&page[..end.unwrap_or(len)]);
        if end.is_some() || !read {
            break;
        }
    }
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}
