//! The loader program in the kernel, and the image that it works on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::kfunc_addresses;
use super::lookup;
use super::outcome::{Made, Outcome};
use super::patch::Patches;
use super::untyped;
use crate::features::LICENSE;
use crate::image::{ARG_MAX, AT_ERROR, HEADER_SIZE, Header, MAGIC, OP_BPF, OP_FIND_BTF, STEP_SIZE};
use crate::layout::step_at;
use crate::open::Opened;
use crate::sys::attr::{BtfLoad, MapCreate, ProgLoad, place};
use crate::sys::bpf::{self, PROG_LOAD_ATTEMPTS, Prog, Run, object_name};
use crate::sys::mmap::Mapping;
use crate::sys::uapi::{
    BPF_BTF_LOAD, BPF_F_MMAPABLE, BPF_F_SLEEPABLE, BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY, BPF_PROG_LOAD,
    BPF_PROG_TYPE_SYSCALL,
};
use crate::sys::{Errno, fds};
use crate::{Error, Result, diagnose};

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
            .map_err(|errno| Error::new("map the loader's image into memory").errno_is(errno))?;
        let btf = match desc.loader_btf {
            [] => None,
            btf => {
                let load = |log: Option<&Mapping>| bpf::btf_load(btf, token, log);
                Some(with_log(load, "load BTF")?)
            }
        };
        let prog = Prog {
            prog_type: BPF_PROG_TYPE_SYSCALL,
            expected_attach_type: 0,
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
        let mut attempt = 1;
        let failure = loop {
            match self.run(patches, None)? {
                Outcome::Made(made) => return Ok(made),
                // A signal kept the verifier from its work.
                Outcome::Failed { errno: Errno::EAGAIN, .. } if attempt < PROG_LOAD_ATTEMPTS => attempt += 1,
                Outcome::Failed { step, errno } => {
                    let other = self.without_map_types(patches, step);
                    match other.or_else(|| self.with_symbol_at_zero(patches, step, errno)) {
                        Some(words) => patches.words(words),
                        None => break (step, errno),
                    }
                }
            }
        };
        let (mut step, mut errno) = failure;
        let mut log = None;
        if let Some(places) = self.log_places(step) {
            match self.run_with_log(patches, step, places)? {
                (Outcome::Made(made), _) => return Ok(made),
                (Outcome::Failed { step: again, errno: second }, text) => {
                    // With a log that is too short the kernel says just that.
                    if second != Errno::ENOSPC {
                        (step, errno) = (again, second);
                    }
                    log = text;
                }
            }
        }
        let refused = self.error(step, errno, log);
        if let Some(words) = self.without_kfunc_addresses(patches, &refused) {
            patches.words(words);
            return self.load(patches);
        }
        match self.without_btf(patches, step, &refused) {
            Some(words) => {
                patches.words(words);
                self.load(patches).map_err(|error| error.hint(hint_of_types(&refused)))
            }
            None => Err(refused),
        }
    }

    /// What to change for a map without types, if it is one with types that the kernel has refused.
    fn without_map_types(&self, patches: &Patches<'_, '_>, step: u32) -> Option<Vec<(u32, u32)>> {
        let image = self.opened.desc.image;
        let step = step_at(image, &self.opened.header, step).filter(|step| step.cmd == BPF_MAP_CREATE)?;
        untyped::map_words(image, &step).filter(|words| words.iter().all(|&(at, _)| !patches.has(at)))
    }

    /// What to change for a symbol that is at address 0, if it is one that was not found.
    fn with_symbol_at_zero(&self, patches: &Patches<'_, '_>, step: u32, errno: Errno) -> Option<Vec<(u32, u32)>> {
        let (image, header) = (self.opened.desc.image, &self.opened.header);
        let at = step.checked_mul(STEP_SIZE)?.checked_add(header.steps)?;
        let words = lookup::at_zero(image, &step_at(image, header, step)?, at, errno)?;
        words.iter().all(|&(at, _)| !patches.has(at)).then_some(words)
    }

    /// What to change for a load without BTF, if it is the object's BTF that the kernel has looked at and refused.
    fn without_btf(&self, patches: &Patches<'_, '_>, step: u32, refused: &Error) -> Option<Vec<(u32, u32)>> {
        let image = self.opened.desc.image;
        let step = step_at(image, &self.opened.header, step).filter(|step| step.cmd == BPF_BTF_LOAD)?;
        (step.op == OP_BPF && refused.verifier_log().is_some()).then_some(())?;
        untyped::words(image, &self.opened.header, |at| patches.is_set(at))
    }

    /// What to change for a load without addresses of kfuncs, if it is those that the kernel has refused.
    fn without_kfunc_addresses(&self, patches: &Patches<'_, '_>, refused: &Error) -> Option<Vec<(u32, u32)>> {
        refused.verifier_log().is_some_and(kfunc_addresses::are_refused).then_some(())?;
        let words = kfunc_addresses::words(self.opened.desc.image, &self.opened.header);
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
        let ran = bpf::prog_test_run(self.program.as_fd(), &mut Run::default());
        ran.map_err(|errno| diagnose::explain(Error::new("run program").subject("of the loader").errno_is(errno)))?;
        let header = Header::read(&self.memory).ok_or_else(failed)?;
        match Errno::new(header.error) {
            _ if header.error == 0 => {}
            Errno::ENOENT => return Ok(None),
            errno => return Err(failed().errno_is(errno)),
        }
        let id = self.memory.u32(OUT).filter(|&id| id != 0).ok_or_else(failed)?;
        // 0 is the kernel proper.
        let module = self.memory.u32(OUT2).map_or(0, u32::cast_signed);
        let fd = fds::adopt(&[if module > 0 { module } else { -1 }], &[]).pop().flatten();
        Ok(Some((id, fd)))
    }

    /// One run, from a fresh image.
    fn run(&self, patches: &Patches<'_, '_>, log: Option<(&LogPlaces, &Mapping)>) -> Result<Outcome> {
        let lost = || Error::new("prepare the loader's image").because("a change does not fit");
        let mut written = patches.write(&self.memory);
        if let Some((places, log)) = log {
            written = written && places.write(&self.memory, log);
        }
        if !written {
            return Err(lost());
        }
        let ran = bpf::prog_test_run(self.program.as_fd(), &mut Run::default());
        let made = fds::adopt(&patches.changed_fds(&self.memory), patches.borrowed());
        let ran =
            ran.map_err(|errno| diagnose::explain(Error::new("run program").subject("of the loader").errno_is(errno)))?;
        let header = Header::read(&self.memory).ok_or_else(lost)?;
        if header.error != 0 {
            return Ok(Outcome::Failed { step: header.step, errno: Errno::new(header.error) });
        }
        if ran.retval != 0 {
            return Ok(Outcome::Failed { step: header.step, errno: Errno::new(ran.retval.cast_signed()) });
        }
        Ok(Outcome::Made(Made { fds: made, features: header.features }))
    }

    /// One run with a log for `step`, or as many as it takes for the log to fit.
    fn run_with_log(
        &self,
        patches: &Patches<'_, '_>,
        step: u32,
        places: LogPlaces,
    ) -> Result<(Outcome, Option<String>)> {
        let mut size = FIRST_LOG;
        loop {
            let log = log_buffer(size)?;
            let outcome = self.run(patches, Some((&places, &log)))?;
            match outcome {
                Outcome::Failed { errno: Errno::ENOSPC, step: again } if again == step && size < LAST_LOG => size *= 16,
                outcome => return Ok((outcome, text(&log))),
            }
        }
    }

    /// Where the attr of `step` has its log, if its command writes one.
    fn log_places(&self, step: u32) -> Option<LogPlaces> {
        let step = step_at(self.opened.desc.image, &self.opened.header, step)?;
        if step.op != OP_BPF {
            return None;
        }
        let (level, size, buffer) = match step.cmd {
            BPF_PROG_LOAD => (place!(ProgLoad.log_level), place!(ProgLoad.log_size), place!(ProgLoad.log_buf)),
            BPF_BTF_LOAD => (place!(BtfLoad.btf_log_level), place!(BtfLoad.btf_log_size), place!(BtfLoad.btf_log_buf)),
            _ => return None,
        };
        let at = |offset: u32| step.arg.checked_add(offset).filter(|_| offset + 8 <= step.size);
        Some(LogPlaces { level: at(level)?, size: at(size)?, buffer: at(buffer)? })
    }

    fn error(&self, step: u32, errno: Errno, log: Option<String>) -> Error {
        let record = step_at(self.opened.desc.image, &self.opened.header, step);
        let named = record.and_then(|record| self.opened.desc.steps.get(record.plan as usize));
        let error = match named {
            Some(step) if step.subject.is_empty() => Error::new(step.what.to_owned()),
            Some(step) => Error::new(step.what.to_owned()).subject(step.subject),
            None => Error::new(format!("carry out step {step} of the loader")),
        };
        let mut error = error.errno_is(errno);
        if let Some(log) = &log {
            error = lookup::explain_log(error, log, self.opened.desc.steps);
        }
        let error = error.log(log);
        match record {
            Some(record) => lookup::explain(error.at_step(record.plan as usize), self.opened.desc.image, &record),
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
    /// Has the kernel write to `log`. Its address is this process's, even where the attr is the kernel's own.
    #[must_use]
    fn write(&self, image: &Mapping, log: &Mapping) -> bool {
        let Ok(size) = u32::try_from(log.len()) else { return false };
        image.write(self.level as usize, &1u32.to_ne_bytes())
            && image.write(self.size as usize, &size.to_ne_bytes())
            && image.write(self.buffer as usize, &log.address().to_ne_bytes())
    }
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
    if let Some(hint) = diagnose::too_old() {
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
