//! `.kconfig`: what programs want to know of the kernel that they run on, found out at load.
//!
//! `extern int CONFIG_HZ __kconfig;` has the value of the kernel's option `CONFIG_HZ`, `LINUX_KERNEL_VERSION` that of
//! the running kernel's version. Where libbpf looks, this looks, and what libbpf takes for a value is taken.
//!
//! ```text
//! config    where the kernel's configuration is
//! gzip      /proc/config.gz unpacked (feature kconfig-gz)
//! text      lines of a configuration
//! value     a value in the bytes of its variable
//! kernel    LINUX_*: what is no option
//! version   LINUX_KERNEL_VERSION
//! ```
//!
//! | option | `bool` | `char` | integer | `enum libbpf_tristate` | `char[N]` |
//! |---|---|---|---|---|---|
//! | `=y`, `=n` | 1, 0 | the letter | | `TRI_YES`, `TRI_NO` | |
//! | `=m` | | the letter | | `TRI_MODULE` | |
//! | `=250`, `=0xfa` | | the number | the number | | |
//! | `="text"` | | | | | the text, cut to N - 1 bytes |
//!
//! Anything else is an error, as is a number that does not fit. An option that is not set is not in a configuration: a
//! variable that is `__weak` then is 0, another is an error. If there is no configuration to be found at all, that is an
//! error for a weak one too, as nothing says that the option is not set.

mod config;
#[cfg(feature = "kconfig-gz")]
mod gzip;
mod kernel;
mod text;
mod value;
mod version;

use std::os::fd::BorrowedFd;

use crate::open::{OpenMap, Opened};
use crate::{Error, Result};
use value::Values;

impl Opened<'_> {
    /// Says what the kernel is configured with, in lines as in its `.config`: `CONFIG_HZ=250`. For kernels that do not
    /// tell, and for tests.
    ///
    /// These options come before those of the machine, which is asked only if the object wants others. A second call
    /// takes the place of the first. An object that wants to know nothing of the kernel takes any configuration.
    ///
    /// # Errors
    ///
    /// A line that is none of a configuration, or a value that its variable does not take.
    pub fn set_kconfig(&mut self, config: &str) -> Result<()> {
        for map in self.desc.maps {
            let Some(data) = &map.data else { continue };
            read_given(&mut Values::new(data.kconfig, map.value_size), config)
                .map_err(|error| error.object(self.desc.name))?;
        }
        self.kconfig = Some(config.into());
        Ok(())
    }
}

/// The values of `.kconfig` on this machine, by map's index; not of maps that exist already.
pub(crate) fn values(
    opened: &Opened<'_>,
    maps: &[OpenMap],
    token: Option<BorrowedFd<'_>>,
) -> Result<Vec<(usize, Vec<u8>)>> {
    let mut found = Vec::new();
    for (open, desc) in maps.iter().zip(opened.desc.maps) {
        let Some(data) = desc.data.as_ref().filter(|data| !data.kconfig.is_empty()) else { continue };
        if open.reuse.is_none() {
            let values = Values::new(data.kconfig, desc.value_size);
            found.push((open.index, resolve(values, opened.kconfig.as_deref(), token)?));
        }
    }
    Ok(found)
}

fn resolve(mut values: Values<'_>, given: Option<&str>, token: Option<BorrowedFd<'_>>) -> Result<Vec<u8>> {
    kernel::fill(&mut values, token)?;
    if let Some(config) = given {
        read_given(&mut values, config)?;
    }
    // Of what is missing, an error names what the object cannot do without.
    let Some(missing) = values.missing().min_by_key(|missing| missing.weak) else { return Ok(values.bytes) };
    let config = config::find().map_err(|why| {
        Error::new("read kernel option")
            .subject(missing.name)
            .because(format!("this kernel's configuration cannot be read: {why}"))
            .hint(
                "a kernel with CONFIG_IKCONFIG_PROC has it in /proc/config.gz (modprobe configs, if that is a module), \
                 distributions in /boot; else set_kconfig() says what the kernel is configured with",
            )
    })?;
    text::read(&mut values, &config.text, &config.path)?;
    let strong = values.missing().find(|missing| !missing.weak);
    match strong {
        None => Ok(values.bytes),
        Some(missing) => Err(Error::new("read kernel option")
            .subject(missing.name)
            .because(format!("{} does not have it", config.path))
            .hint("declared __weak it would be 0 on such kernels; or set_kconfig() gives it a value")),
    }
}

fn read_given(values: &mut Values<'_>, config: &str) -> Result<()> {
    text::read(values, config.as_bytes(), "what set_kconfig() was given")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desc::{KconfigDesc, KconfigType};

    #[test]
    fn what_is_given_is_enough_if_it_has_all() {
        let int = KconfigType::Int { signed: false };
        let desc = |name, offset, weak| KconfigDesc { name, offset, size: 4, ty: int, weak };
        let externs = [desc("CONFIG_A", 0, false), desc("LINUX_SKELGEN_KNOWS_NOT", 4, true), desc("CONFIG_B", 8, true)];
        let bytes = resolve(Values::new(&externs, 12), Some("CONFIG_A=7\nCONFIG_B=8\n"), None).unwrap();
        assert_eq!(bytes, [7u32.to_ne_bytes(), [0; 4], 8u32.to_ne_bytes()].concat());
    }

    #[test]
    fn what_is_no_option_has_to_be_known_or_weak() {
        let externs = [KconfigDesc { name: "LINUX_X", offset: 0, size: 1, ty: KconfigType::Bool, weak: false }];
        let error = resolve(Values::new(&externs, 1), None, None).unwrap_err();
        assert_eq!(error.to_string(), "find out LINUX_X: this runtime does not know it");
    }
}
