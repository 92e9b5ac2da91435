//! What came of one loader's work on one object.

use std::io;

use crate::snapshot::Snapshot;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Loaded(Snapshot),
    Refused(Refusal),
    /// The process did not live to tell.
    Died(String),
}

/// How far it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The object was read.
    Open,
    /// The kernel was asked.
    Load,
}

/// What was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) stage: Stage,
    /// The map or program, as in `prog on_exec`; empty if it is neither.
    pub(crate) subject: String,
    /// What the kernel said; 0 if it is the loader that refuses, with a number of its own.
    pub(crate) errno: i32,
    /// Whether the verifier said why.
    pub(crate) verified: bool,
    /// The verifier's last line, or the loader's own reason.
    pub(crate) words: String,
}

impl Outcome {
    pub(crate) fn of_snapshot(snapshot: io::Result<Snapshot>) -> Outcome {
        match snapshot {
            Ok(snapshot) => Outcome::Loaded(snapshot),
            Err(error) => Outcome::Died(format!("loaded, but then: {error}")),
        }
    }

    /// For [`from_text`](Self::from_text), in another process.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Outcome::Loaded(snapshot) => format!("loaded\n{}", snapshot.to_text()),
            Outcome::Refused(Refusal { stage, subject, errno, verified, words }) => {
                let words = words.replace(['\n', '\t'], " ");
                format!("refused\t{}\t{errno}\t{subject}\t{verified}\t{words}\n", stage.word())
            }
            Outcome::Died(how) => format!("died\t{}\n", how.replace('\n', " ")),
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Outcome> {
        let (first, rest) = text.split_once('\n')?;
        let fields: Vec<_> = first.split('\t').collect();
        match fields[..] {
            ["loaded"] => Some(Outcome::Loaded(Snapshot::from_text(rest))),
            ["refused", stage, errno, subject, verified, words] => Some(Outcome::Refused(Refusal {
                stage: if stage == Stage::Open.word() { Stage::Open } else { Stage::Load },
                subject: subject.to_owned(),
                errno: errno.parse().ok()?,
                verified: verified == "true",
                words: words.to_owned(),
            })),
            ["died", how] => Some(Outcome::Died(how.to_owned())),
            _ => None,
        }
    }
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::Load => "load",
        }
    }
}

impl Refusal {
    pub(crate) fn describe(&self) -> String {
        let Refusal { stage, subject, errno, words, .. } = self;
        let errno = if *errno == 0 { String::new() } else { format!("{}: ", io::Error::from_raw_os_error(*errno)) };
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        format!("{}: {subject}{errno}{words}", stage.word())
    }
}
