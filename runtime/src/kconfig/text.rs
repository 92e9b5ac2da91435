//! Lines of a configuration: `CONFIG_HZ=250`.

use super::value::{Values, shown};
use crate::{Error, Result};

/// Takes the values that `config` has and that are not known yet. `source` is where it comes from.
///
/// # Errors
///
/// An option without a value, asked for or not, or one that its variable cannot have.
pub(super) fn read(values: &mut Values<'_>, config: &[u8], source: &str) -> Result<()> {
    let failed = |name: &[u8], line: usize, why: String| {
        Error::new("read kernel option").subject(shown(name)).because(format!("line {line} of {source}: {why}"))
    };
    for (line, text) in (1..).zip(config.split(|&byte| byte == b'\n')) {
        // Comments, empty lines, and "# CONFIG_X is not set".
        if !text.starts_with(b"CONFIG_") {
            continue;
        }
        let equals = text.iter().position(|&byte| byte == b'=');
        let (name, value) = match equals.map(|at| (&text[..at], &text[at + 1..])) {
            Some((name, [])) => return Err(failed(name, line, "it has no value".to_owned())),
            Some(option) => option,
            None => return Err(failed(text, line, "there is no `=`".to_owned())),
        };
        if let Some(index) = values.unknown(name) {
            values.set(index, value).map_err(|why| failed(name, line, why))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use skelgen_tests::random::Random;

    use super::*;
    use crate::desc::{KconfigDesc, KconfigType};

    const EXTERNS: [KconfigDesc<'static>; 5] = {
        const fn desc(name: &'static str, offset: u32, size: u32, ty: KconfigType) -> KconfigDesc<'static> {
            KconfigDesc { name, offset, size, ty, weak: true }
        }
        [
            desc("CONFIG_HZ", 0, 4, KconfigType::Int { signed: false }),
            desc("CONFIG_BPF", 4, 1, KconfigType::Bool),
            desc("CONFIG_C", 5, 1, KconfigType::Char { signed: true }),
            desc("CONFIG_NAME", 6, 6, KconfigType::String),
            desc("CONFIG_TRI", 12, 4, KconfigType::Tristate),
        ]
    };

    fn parse(config: &[u8]) -> Result<(Vec<u8>, Vec<&'static str>)> {
        let mut values = Values::new(&EXTERNS, 16);
        read(&mut values, config, "here")?;
        let missing = values.missing().map(|desc| desc.name).collect();
        Ok((values.bytes, missing))
    }

    #[test]
    fn lines_give_the_variables_of_their_names_values() {
        let config = "# Linux/x86\n\n  CONFIG_HZ=1\nOTHER\nCONFIG_HZ_250=y\nCONFIG_HZ=250\n# CONFIG_BPF is not set\n\
                      CONFIG_NAME=\"a=b\"\nCONFIG_TRI=m";
        let (bytes, missing) = parse(config.as_bytes()).unwrap();
        assert_eq!(bytes, [&250u32.to_ne_bytes()[..], &[0, 0], b"a=b\0\0\0", &2u32.to_ne_bytes()].concat());
        assert_eq!(missing, ["CONFIG_BPF", "CONFIG_C"]);
    }

    #[test]
    fn the_first_value_counts() {
        assert_eq!(parse(b"CONFIG_HZ=1\nCONFIG_HZ=2\nCONFIG_HZ=nonsense\n").unwrap().0[..4], 1u32.to_ne_bytes());
    }

    #[test]
    fn errors_name_option_line_and_source() {
        let table = [
            ("CONFIG_HZ=y", "CONFIG_HZ: line 1 of here: it is `y`, the variable an integer"),
            ("\nCONFIG_HZ=", "CONFIG_HZ: line 2 of here: it has no value"),
            ("CONFIG_OTHER=", "CONFIG_OTHER: line 1 of here: it has no value"),
            ("CONFIG_OTHER", "CONFIG_OTHER: line 1 of here: there is no `=`"),
            ("CONFIG_HZ=4294967296", "CONFIG_HZ: line 1 of here: 4294967296 does not fit unsigned 32 bits"),
        ];
        for (config, expected) in table {
            let error = parse(config.as_bytes()).unwrap_err().to_string();
            assert_eq!(error, format!("read kernel option {expected}"));
        }
    }

    /// Lines of what lines are made of, whole and broken.
    #[test]
    fn any_bytes_are_read_or_refused() {
        const PARTS: [&[u8]; 24] = [
            b"CONFIG_HZ",
            b"CONFIG_BPF",
            b"CONFIG_C",
            b"CONFIG_NAME",
            b"CONFIG_TRI",
            b"CONFIG_",
            b"=",
            b"=",
            b"=",
            b"\n",
            b"\n",
            b"y",
            b"n",
            b"m",
            b"\"",
            b"\"",
            b"-",
            b"0x",
            b"0",
            b"9223372036854775808",
            b"# ",
            b"\0",
            b"\xff\xfe",
            b"77",
        ];
        let mut random = Random::new();
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let parts = random.below(12);
            let config: Vec<u8> = (0..parts).flat_map(|_| random.pick(&PARTS)).copied().collect();
            match parse(&config) {
                Ok((bytes, _)) => {
                    assert!(bytes[4] <= 1 && bytes[11] == 0 && bytes[12] <= 2, "{config:?}");
                    read += 1;
                }
                Err(error) => {
                    assert!(error.to_string().starts_with("read kernel option CONFIG_"), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused");
    }
}
