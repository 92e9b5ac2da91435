//! What can be changed while the daemon runs.

use std::path::Path;
use std::{fs, io};

/// Whose programs are reported, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Only this user's programs.
    pub(crate) uid: Option<u32>,
    /// The most records that one CPU sends in a second.
    pub(crate) per_second: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { uid: None, per_second: 1000 }
    }
}

impl Config {
    /// The configuration in a file, or the usual one if there is none.
    pub(crate) fn read(file: Option<&Path>) -> io::Result<Config> {
        let Some(file) = file else { return Ok(Config::default()) };
        let wrong = |why: String| io::Error::other(format!("{}: {why}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        Config::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("this is neither `uid = NUMBER` nor `per_second = NUMBER`: {line}");
            let (name, value) = line.split_once('=').ok_or_else(wrong)?;
            match name.trim() {
                "uid" => config.uid = Some(value.trim().parse().map_err(|_| wrong())?),
                "per_second" => config.per_second = value.trim().parse().map_err(|_| wrong())?,
                _ => return Err(wrong()),
            }
        }
        Ok(config)
    }
}
