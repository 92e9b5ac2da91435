//! The C library's headers.
//!
//! For BPF, clang searches `/usr/include`, but not the folder where Debian and its derivatives keep the headers that
//! differ between architectures: `linux/bpf.h` includes `asm/types.h`, which is there. clang does search that folder for
//! programs of this machine, so [`system`] asks it.
//!
//! Three of those headers say how wide `long` is. They decide by the architecture's macros, of which the BPF target
//! defines none: glibc then takes x86-64 for 32-bit x86, includes `gnu/stubs-32.h`, which is not installed, and makes
//! `uintptr_t` 4 bytes long. [`abi`] replaces these three by headers with the BPF target's answer, which is the same on
//! every machine. Defining `__x86_64__` instead would also change what the program's own `#ifdef`s see.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::failure::Cause;
use crate::files;

/// Headers that describe the ABI, as the BPF target has it: 64-bit `long` and pointers.
const ABI: [(&str, &str); 3] = [
    // glibc lists its stub functions here; a BPF program calls no C library functions.
    ("gnu/stubs.h", "#pragma once\n"),
    ("bits/wordsize.h", "#pragma once\n#define __WORDSIZE 64\n#define __SYSCALL_WORDSIZE 64\n"),
    (
        "asm/bitsperlong.h",
        "#pragma once\n#define __BITS_PER_LONG 64\n#if __has_include(<asm-generic/bitsperlong.h>)\n\
         #include <asm-generic/bitsperlong.h>\n#endif\n",
    ),
];

/// Writes the headers that describe the BPF target's ABI to a folder beside the object. clang must search it before the
/// system's folders.
pub(super) fn abi(object: &Path) -> Result<PathBuf, Cause> {
    let folder = object.with_extension("abi");
    for (name, text) in ABI {
        write(&folder.join(name), text)?;
    }
    Ok(folder)
}

/// Writes a header, unless it is there already: an object is compiled again if a header is newer.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Cause> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| Cause::Io("make", folder.to_owned(), error))?;
    files::replace(path, text.as_bytes()).map(drop).map_err(|error| Cause::Io("write", path.to_owned(), error))
}

/// Where clang looks for headers of programs for this machine, but for its own; none if it does not tell.
pub(super) fn system(clang: &Path) -> Vec<PathBuf> {
    let asked = Command::new(clang).args(["-E", "-v", "-x", "c", "-"]).env("LC_ALL", "C").stdin(Stdio::null()).output();
    asked.map_or_else(|_| Vec::new(), |output| folders(&String::from_utf8_lossy(&output.stderr)))
}

fn folders(said: &str) -> Vec<PathBuf> {
    let list = said.lines().skip_while(|line| *line != "#include <...> search starts here:").skip(1);
    let list = list.take_while(|line| *line != "End of search list.");
    // Those of the compiler itself are found for every target.
    list.map(|line| PathBuf::from(line.trim()))
        .filter(|folder| !folder.components().any(|part| part.as_os_str() == "clang"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read() {
        let said = "clang version 14\n#include \"...\" search starts here:\n#include <...> search starts here:\n \
                    /usr/lib/llvm-14/lib/clang/14.0.6/include\n /usr/include/x86_64-linux-gnu\n /usr/include\n\
                    End of search list.\n# 1 \"<stdin>\"\n";
        assert_eq!(folders(said), ["/usr/include/x86_64-linux-gnu", "/usr/include"].map(PathBuf::from));
        assert!(folders("clang: error").is_empty());
    }
}
