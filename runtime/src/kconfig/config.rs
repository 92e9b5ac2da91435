//! Where the kernel's configuration is: `/boot/config-RELEASE`, else `/proc/config.gz`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::sys::uname::uname;

/// Bytes of a configuration beyond which it is none; distributions have 300,000.
const MOST: u64 = 16 << 20;

/// What every gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A configuration, and where it was found.
pub(super) struct Config {
    pub(super) path: String,
    pub(super) text: Vec<u8>,
}

/// The configuration of the running kernel.
///
/// # Errors
///
/// Where it was looked for, and why it was not found.
pub(super) fn find() -> Result<Config, String> {
    let release = uname().release;
    first(&[&format!("/boot/config-{release}"), "/proc/config.gz"])
}

/// The first of the files that can be opened; the rest are not asked even if this one cannot be read.
fn first(paths: &[&str]) -> Result<Config, String> {
    let mut whys = String::new();
    for path in paths {
        match File::open(Path::new(path)) {
            Ok(file) => {
                let text = read(file).map_err(|why| format!("{path}: {why}"))?;
                return Ok(Config { path: (*path).to_owned(), text });
            }
            Err(error) => {
                let separator = if whys.is_empty() { "" } else { ", " };
                let _ = write!(whys, "{separator}{path}: {}", words(&error));
            }
        }
    }
    Err(whys)
}

fn read(file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| words(&error))?;
    if bytes.len() as u64 > MOST {
        return Err(format!("it has more than {MOST} bytes"));
    }
    if bytes.starts_with(&GZIP) { unpack(&bytes) } else { Ok(bytes) }
}

#[cfg(feature = "kconfig-gz")]
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    super::gzip::unpack(bytes, MOST as usize).map_err(|why| format!("it is no sound gzip file: {why}"))
}

#[cfg(not(feature = "kconfig-gz"))]
fn unpack(_: &[u8]) -> Result<Vec<u8>, String> {
    Err("it is compressed, and this program was built without the feature `kconfig-gz` of skelgen-runtime".to_owned())
}

/// The system's words, without the number.
fn words(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of these bytes for `test`.
    fn with_file(name: &str, bytes: &[u8], test: impl FnOnce(&str)) {
        let path = std::env::temp_dir().join(format!("skelgen-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        test(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn the_first_file_that_is_there_is_read() {
        with_file("config", b"CONFIG_X=y\n", |path| {
            let config = first(&["/nowhere/config", path, "/nowhere/else"]).unwrap();
            assert_eq!((config.path.as_str(), config.text.as_slice()), (path, &b"CONFIG_X=y\n"[..]));
        });
    }

    #[test]
    fn all_places_are_named_where_nothing_was_found() {
        let why = first(&["/nowhere/config", "/nowhere/config.gz"]).map(|_| ()).unwrap_err();
        let expected = "/nowhere/config: No such file or directory, /nowhere/config.gz: No such file or directory";
        assert_eq!(why, expected);
    }

    #[test]
    fn what_can_be_opened_and_not_read_is_an_error() {
        let why = first(&["/", "/nowhere"]).map(|_| ()).unwrap_err();
        assert_eq!(why, "/: Is a directory");
        with_file("large", &vec![b'#'; MOST as usize + 1], |path| {
            assert_eq!(first(&[path]).map(|_| ()).unwrap_err(), format!("{path}: it has more than {MOST} bytes"));
        });
    }

    #[test]
    fn compressed_files_are_known_by_their_beginning() {
        with_file("gzip", &[0x1f, 0x8b, 9], |path| {
            let why = first(&[path]).map(|_| ()).unwrap_err();
            let expected = if cfg!(feature = "kconfig-gz") { "no sound gzip file" } else { "the feature `kconfig-gz`" };
            assert!(why.contains(expected), "{why}");
        });
    }
}
