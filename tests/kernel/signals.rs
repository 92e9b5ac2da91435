//! Signals that arrive faster than a load takes, and seccomp filters that answer bpf(2) in place of the kernel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, mem, ptr, thread};

use skelgen_abi::uapi::BPF_BTF_LOAD;
use skelgen_runtime::{Errno, Error, Map, TestRun};
use skelgen_tests::skeletons::agent_percpu::AgentPercpu;
use skelgen_tests::skeletons::agent_thirty::AgentThirty;
use skelgen_tests::skeletons::arg_ctx::{ArgCtx, LoadedArgCtx};
use skelgen_tests::skeletons::counters::Counters;
use skelgen_tests::{in_own_process, may_load, open_fds};

/// Commands of bpf(2).
const MAP_CREATE: u32 = 0;
const PROG_LOAD: u32 = 5;
const OBJ_GET: u32 = 7;
const PROG_TEST_RUN: u32 = 10;
const BTF_LOAD: u32 = BPF_BTF_LOAD.0;

/// From `include/uapi/asm-generic/siginfo.h`.
const SIGEV_THREAD_ID: libc::c_int = 4;

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Sends SIGALRM to the thread that made it, until it is dropped.
struct Alarms(libc::timer_t);

impl Alarms {
    fn every(interval: Duration) -> Alarms {
        // SAFETY: all zeroes is an empty mask, no flags, and the default action.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
        // SAFETY: the handler does nothing but count, which is safe in a signal handler.
        assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut()) }, 0);
        // SAFETY: all zeroes is a valid value of each member.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGALRM;
        // SAFETY: it takes nothing.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let mut timer = ptr::null_mut();
        // SAFETY: `event` is read and `timer` written during the call.
        assert_eq!(unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) }, 0);
        let time = libc::timespec {
            tv_sec: interval.as_secs() as libc::time_t,
            tv_nsec: interval.subsec_nanos() as libc::c_long,
        };
        let times = libc::itimerspec { it_interval: time, it_value: time };
        // SAFETY: the timer was made above; `times` is read during the call.
        assert_eq!(unsafe { libc::timer_settime(timer, 0, &raw const times, ptr::null_mut()) }, 0);
        HANDLED.store(0, Ordering::Relaxed);
        Alarms(timer)
    }

    fn handled(&self) -> u64 {
        HANDLED.load(Ordering::Relaxed)
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        // SAFETY: `every` made the timer, which nothing else deletes.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Loads for a second while signals arrive, and checks that no file descriptor leaks. The number of loads is not fixed: a load
/// takes a millisecond natively and a second in a guest.
fn loads_under_signals(interval: Duration, load: impl Fn() -> Result<(), Error>) {
    let before = open_fds();
    let alarms = Alarms::every(interval);
    let start = Instant::now();
    let mut loads = 0;
    while start.elapsed() < Duration::from_secs(1) || alarms.handled() == 0 {
        load().unwrap_or_else(|error| panic!("load {loads}, a signal every {interval:?}: {error}"));
        loads += 1;
    }
    drop(alarms);
    println!("a signal every {interval:?}: {loads} loads");
    assert_eq!(open_fds(), before);
}

#[test]
fn a_load_makes_progress_however_often_signals_come() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        for millis in [1, 10, 20] {
            let interval = Duration::from_millis(millis);
            loads_under_signals(interval, || AgentPercpu::open()?.load().map(drop));
            loads_under_signals(interval, || AgentThirty::open()?.load().map(drop));
        }
    });
}

/// Makes bpf(2) with this command return `errno`, or 0, to this thread from now on.
fn answer(command: u32, errno: i32) {
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let ret = (libc::BPF_RET | libc::BPF_K) as u16;
    let insn = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // The low half of the first argument.
    let argument = mem::offset_of!(libc::seccomp_data, args) as u32 + if cfg!(target_endian = "big") { 4 } else { 0 };
    let mut filter = [
        insn(load, 0, 0, mem::offset_of!(libc::seccomp_data, nr) as u32),
        insn(equal, 0, 3, libc::SYS_bpf as u32),
        insn(load, 0, 0, argument),
        insn(equal, 0, 1, command),
        insn(ret, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        insn(ret, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: it takes numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the program is there, as long as it says, until the call has copied it.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// The error of a load in a thread with this filter.
fn refused(command: u32, errno: i32) -> Error {
    thread::spawn(move || {
        answer(command, errno);
        Counters::open().unwrap().load().map(drop).expect_err("the kernel never ran the command")
    })
    .join()
    .unwrap()
}

#[test]
fn endless_interruptions_end_with_an_error() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        for command in [MAP_CREATE, PROG_LOAD, PROG_TEST_RUN] {
            for errno in [Errno::EINTR, Errno::EAGAIN] {
                let error = refused(command, errno.number());
                assert_eq!(error.errno(), Some(errno), "command {command}: {error}");
            }
        }
        assert_eq!(open_fds(), before);
    });
}

/// Whichever command a filter or a security module denies, the error names what was being done, and to what.
#[test]
fn what_is_not_permitted_is_named() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        for (command, operation) in [
            (MAP_CREATE, "create map of the loader"),
            (BTF_LOAD, "load BTF of the loader"),
            (PROG_LOAD, "load program of the loader"),
            (PROG_TEST_RUN, "run program of the loader"),
        ] {
            let error = refused(command, Errno::EPERM.number());
            let shown = error.to_string();
            let expected = format!("counters: {operation}: EPERM: Operation not permitted");
            assert!(shown.starts_with(&expected), "{shown}");
            let hint = error.hint_text().unwrap_or_default();
            assert!(hint.contains("seccomp filter denies bpf(2)"), "{shown}");
        }
        assert_eq!(open_fds(), before);
    });
}

/// The same of what a loaded skeleton is asked for.
#[test]
fn what_is_not_permitted_of_a_loaded_object_is_named() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let denied = |command, ask: fn(&LoadedArgCtx) -> Error| {
            let denied = thread::spawn(move || {
                let skel = ArgCtx::open().unwrap().load().unwrap();
                answer(command, Errno::EPERM.number());
                ask(&skel).to_string()
            });
            denied.join().unwrap()
        };
        let shown = denied(PROG_TEST_RUN, |skel| {
            skel.progs.on_socket.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap_err()
        });
        assert!(shown.starts_with("test run program on_socket: EPERM: "), "{shown}");
        assert!(shown.contains("hint: a seccomp filter or a security module may forbid it"), "{shown}");
        let shown = denied(OBJ_GET, |_| Map::pinned("/sys/fs/bpf/skelgen_nothing").unwrap_err());
        assert!(shown.starts_with("open pinned map /sys/fs/bpf/skelgen_nothing: EPERM: "), "{shown}");
        assert!(shown.contains("hint: a seccomp filter or a security module may forbid it"), "{shown}");
    });
}

#[test]
fn a_load_whose_loader_never_ran_fails() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let before = open_fds();
        let error = refused(PROG_TEST_RUN, Errno::ENOSPC.number());
        assert_eq!((error.operation(), error.errno()), ("run program", Some(Errno::ENOSPC)), "{error}");
        let error = refused(PROG_TEST_RUN, 0);
        let why = "it did not run to its end";
        assert_eq!((error.operation(), error.errno(), error.reason()), ("run program", None, Some(why)), "{error}");
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn a_signal_ends_a_test_run() {
    if !may_load() {
        return;
    }
    in_own_process(|| {
        let skel = ArgCtx::open().unwrap().load().unwrap();
        let run = TestRun { data_in: &[0; 64], repeat: u32::MAX, ..TestRun::default() };
        // So many runs take far longer than a second.
        let alarms = Alarms::every(Duration::from_secs(1));
        let error = skel.progs.on_socket.test_run(run).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EINTR), "{error}");
        assert!(alarms.handled() > 0);
        drop(alarms);
        // A single run is not interrupted.
        let _alarms = Alarms::every(Duration::from_millis(1));
        for _ in 0..1000 {
            skel.progs.on_socket.test_run(TestRun { data_in: &[0; 64], ..TestRun::default() }).unwrap();
        }
    });
}
