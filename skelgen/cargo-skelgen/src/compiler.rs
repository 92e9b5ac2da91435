//! The compiler of an object, and known problems with it.

use skelgen::Endian;
use skelgen::btf::{Btf, BtfExt};
use skelgen::object::outline::{Content, Outline};

use crate::native;

/// The compiler, from DWARF or `.comment`: `clang version 14.0.6`, `GNU C23 14.2.0`, `GCC 14.2.0`. Stripped objects have
/// neither; clang writes no `.comment`.
pub(crate) fn of(outline: &Outline<'_>) -> Option<String> {
    let sections = [".debug_str", ".comment"].into_iter().filter_map(|name| outline.section(name));
    let strings = sections.flat_map(|section| section.data.split(|&byte| byte == 0));
    strings.filter_map(|text| std::str::from_utf8(text).ok()).find_map(producer)
}

/// The compiler that a string names, if it names one.
fn producer(text: &str) -> Option<String> {
    if let Some(gcc) = text.strip_prefix("GCC: (") {
        return gcc.rsplit(' ').next().map(|version| format!("GCC {version}"));
    }
    let clang = text.find("clang version ").map(|at| &text[at..]);
    let producer = clang.or(Some(text).filter(|text| text.starts_with("GNU C")))?;
    // clang appends its source in brackets, GCC its options.
    producer.split(['(', '-']).next().map(|producer| producer.trim().to_owned())
}

/// Notes about problems that a load may meet.
pub(crate) fn notes(outline: &Outline<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if outline.endian != native::ENDIAN {
        let (its, ours) = match native::ENDIAN {
            Endian::Little => ("big", "little"),
            Endian::Big => ("little", "big"),
        };
        notes.push(format!(
            "it is for {its}-endian machines, and this one is {ours}-endian: clang's -target bpf makes it for this \
             one, bpfel and bpfeb for either"
        ));
    }
    if outline.section(".BTF").is_none_or(|section| section.data.is_empty()) {
        notes.push(
            "no types and no lines of source: compiled without -g, or stripped of .BTF; variables are bytes, and the \
             verifier's log will show instructions only (llvm-strip -g keeps both)"
                .to_owned(),
        );
    } else if has_code(outline) && !has_lines(outline) {
        notes.push(
            "no lines of source: compiled without -g, or stripped of .BTF.ext; the verifier's log will show \
             instructions only (llvm-strip -g keeps it)"
                .to_owned(),
        );
    }
    if let Some(major) = of(outline).as_deref().and_then(clang_major).filter(|&major| major < OLDEST_CLANG) {
        notes.push(format!(
            "made by clang {major}: before {OLDEST_CLANG} it describes no kernel functions and no floats in BTF, and \
             its CO-RE lacks relocations of types and enumerators or has bugs in them; try a newer one if the \
             verifier refuses a program that looks right"
        ));
    }
    if outline.section("license").is_none_or(|license| matches!(license.data, [] | [0, ..])) {
        notes.push("no license: the kernel rejects GPL-only helpers".to_owned());
    }
    notes
}

/// Whether the object has instructions; it may have only maps.
fn has_code(outline: &Outline<'_>) -> bool {
    outline.sections.iter().any(|section| section.content == Content::Code && section.size > 0)
}

/// Whether an instruction has a line of source.
fn has_lines(outline: &Outline<'_>) -> bool {
    let parsed = || {
        let btf = Btf::parse(outline.section(".BTF")?.data, outline.endian).ok()?;
        BtfExt::parse(outline.section(".BTF.ext")?.data, outline.endian, &btf).ok()
    };
    parsed().is_some_and(|ext| ext.sections().any(|(_, section)| !section.lines.is_empty()))
}

/// The first clang with everything that the kernel's own tests ask of one, attributes of types aside.
const OLDEST_CLANG: u32 = 13;

/// `clang version 14.0.6` is 14.
fn clang_major(compiler: &str) -> Option<u32> {
    let version = compiler.strip_prefix("clang version ")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_are_named() {
        let clang = "Debian clang version 14.0.6 (https://example.org)";
        assert_eq!(producer(clang).as_deref(), Some("clang version 14.0.6"));
        assert_eq!(producer("GNU C23 14.2.0 -mcpu=v4 -O2").as_deref(), Some("GNU C23 14.2.0"));
        assert_eq!(producer("GCC: (16.2.0-3+2) 16.2.0").as_deref(), Some("GCC 16.2.0"));
        assert_eq!((producer("hits"), producer("")), (None, None));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(clang_major("clang version 14.0.6"), Some(14));
        assert_eq!((clang_major("GNU C23 14.2.0"), clang_major("clang version x")), (None, None));
    }
}
