//! The C library's headers.
//!
//! For BPF clang looks into `/usr/include`, but not where Debian and its kin keep what differs from machine to machine:
//! `linux/bpf.h` includes `asm/types.h`, and there is none. It does look there for programs of this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
