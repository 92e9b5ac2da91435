//! The skeleton, its links and a thread, in one struct.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use skelgen_runtime::{Result, RingBuf};

use crate::config::Config;
pub(crate) use execs::types::Exec;
use execs::types::PercpuBudget;
use execs::{Execs, ExecsLinks, LoadedExecs};

include!(concat!(env!("OUT_DIR"), "/execs.skel.rs"));

/// `EVERYBODY` of execs.bpf.c.
const EVERYBODY: u32 = u32::MAX;

/// How long the reader sleeps before it looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs until it is stopped, or dropped. It has no lifetime, and can be kept anywhere.
pub(crate) struct Daemon {
    skel: LoadedExecs,
    links: ExecsLinks,
    stop: Arc<AtomicBool>,
    reader: JoinHandle<Result<()>>,
}

/// What became of the programs that were run, on all CPUs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    seen: u64,
    sent: u64,
    over_limit: u64,
    lost: u64,
}

impl Daemon {
    /// Loads and attaches; `report` gets each record, in a thread of its own.
    pub(crate) fn start(config: &Config, report: impl FnMut(&Exec) + Send + 'static) -> Result<Daemon> {
        let mut open = Execs::open()?;
        open.data.only_uid = config.uid.unwrap_or(EVERYBODY);
        // One value, with which every CPU begins.
        open.percpu_budget.left = config.per_second;
        let skel = open.load()?;

        let ring = RingBuf::new(&skel.maps.execs)?;
        let stop = Arc::new(AtomicBool::new(false));
        let links = skel.attach()?;
        let reader = thread::spawn({
            let stop = stop.clone();
            move || read(ring, &stop, report)
        });
        Ok(Daemon { skel, links, stop, reader })
    }

    /// Takes another configuration. The programs stay attached, and miss nothing.
    pub(crate) fn configure(&self, config: &Config) -> Result<()> {
        // Memory that is shared with the programs: they see it at once.
        self.skel.data.update(|data| data.only_uid = config.uid.unwrap_or(EVERYBODY));
        self.refill(config)
    }

    /// Lets every CPU send as many records again as the configuration says: one command, however many CPUs there are.
    pub(crate) fn refill(&self, config: &Config) -> Result<()> {
        self.skel.percpu_budget.set_all(&PercpuBudget { left: config.per_second })
    }

    /// Whether the reader has ended by itself: [`stop`](Self::stop) says why.
    pub(crate) fn has_failed(&self) -> bool {
        self.reader.is_finished()
    }

    /// Ends it: first the programs, then the reader, when it has read what they sent.
    pub(crate) fn stop(self) -> io::Result<Counts> {
        drop(self.links);
        self.stop.store(true, Ordering::Release);
        self.reader.join().map_err(|_| io::Error::other("the reader panicked"))??;
        let all = self.skel.percpu.values()?;
        Ok(Counts {
            seen: all.sum_of(|cpu| cpu.seen),
            sent: all.sum_of(|cpu| cpu.sent),
            over_limit: all.sum_of(|cpu| cpu.over_limit),
            lost: all.sum_of(|cpu| cpu.lost),
        })
    }
}

/// Gives each record to `report`, until it is to stop and none is left.
fn read(mut ring: RingBuf<Exec>, stop: &AtomicBool, mut report: impl FnMut(&Exec)) -> Result<()> {
    loop {
        // Before the records: what was sent before the stop is read after it.
        let last = stop.load(Ordering::Acquire);
        while let Some(exec) = ring.pop()? {
            report(&exec);
        }
        if last {
            return Ok(());
        }
        ring.wait(PATIENCE)?;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { seen, sent, over_limit, lost } = self;
        write!(f, "{seen} programs run, {sent} reported, {over_limit} over the limit, {lost} found no room")
    }
}
