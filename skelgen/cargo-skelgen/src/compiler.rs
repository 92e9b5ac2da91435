//! Who made an object, and what that means for it.

use skelgen::Endian;
use skelgen::btf::{Btf, BtfExt};
use skelgen::object::outline::Outline;

use crate::native;

/// The compiler, as DWARF names it: `clang version 14.0.6`. Objects that were stripped of it do not say.
pub(crate) fn of(outline: &Outline<'_>) -> Option<String> {
    let strings = outline.section(".debug_str")?.data;
    let strings = strings.split(|&byte| byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
    let mut producers = strings.filter_map(|text| {
        let clang = text.find("clang version ").map(|at| &text[at..]);
        clang.or(Some(text).filter(|text| text.starts_with("GNU C")))
    });
    // What follows in brackets is where it was built from; GCC lists its options.
    let producer = producers.next()?.split(['(', '-']).next()?.trim();
    Some(producer.to_owned())
}

/// What is worth knowing before it fails.
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
    if !has_lines(outline) {
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
        notes.push("no license: the kernel refuses helpers that are for GPL programs only".to_owned());
    }
    notes
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
    fn versions_are_read() {
        assert_eq!(clang_major("clang version 14.0.6"), Some(14));
        assert_eq!((clang_major("GNU C23 14.2.0"), clang_major("clang version x")), (None, None));
    }
}
