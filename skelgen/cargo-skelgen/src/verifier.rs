//! Reads the verifier log from its end.
//!
//! `kernel/bpf/verifier.c` writes the log for people, and its text changes between kernels. The results are only displayed, and
//! only when they are certain.

/// The number of lines that a failure shows.
const SHOWN: usize = 12;

/// Lines that do not explain a failure: statistics and CO-RE relocations.
const CHATTER: [&str; 6] =
    ["processed ", "verification time ", "stack depth ", "max_states_per_insn ", "CO-RE relocating ", "prog '"];

/// The last relevant lines, with the source line above the first of them if the log has one.
pub(crate) fn end(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = useful(log);
    let first = lines.len().saturating_sub(SHOWN);
    let mut shown: Vec<&str> = Vec::new();
    if lines.get(first).is_some_and(|line| !is_source(line)) {
        shown.extend(lines[..first].iter().rfind(|line| is_source(line)));
    }
    shown.extend(&lines[first..]);
    shown
}

/// Whether a line of the log is one of the program's source.
pub(crate) fn is_source(line: &str) -> bool {
    line.starts_with(';')
}

/// The line that says why the program is rejected: the last relevant line.
pub(crate) fn reason(lines: &[&str]) -> Option<usize> {
    lines.iter().rposition(|line| is_useful(line)).or(lines.len().checked_sub(1))
}

/// The instruction that the log's last line is about, if any.
///
/// The message is a line or two below the instruction. Messages about the whole program are below its last `exit`, of which only
/// the return value can be wrong.
pub(crate) fn insn(log: &str) -> Option<usize> {
    let lines = useful(log);
    let (reason, before) = lines.split_last()?;
    let (line, index) = before.iter().rev().take(3).find_map(|line| Some((*line, index(line)?)))?;
    let exits = line.contains(": (95) exit");
    (!exits || reason.contains("R0") || reason.starts_with("At ")).then_some(index)
}

/// `12: (85) call bpf_probe_read#4` is 12.
fn index(line: &str) -> Option<usize> {
    let (index, rest) = line.split_once(": (")?;
    let digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let code = rest.split_once(')').is_some_and(|(code, _)| u8::from_str_radix(code, 16).is_ok());
    (digits && code).then(|| index.parse().ok())?
}

/// The relevant lines; if there are none, all lines that are not empty.
fn useful(log: &str) -> Vec<&str> {
    let useful: Vec<&str> = log.lines().filter(|line| is_useful(line)).collect();
    if useful.is_empty() { log.lines().filter(|line| !line.trim().is_empty()).collect() } else { useful }
}

fn is_useful(line: &str) -> bool {
    !line.trim().is_empty() && !CHATTER.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REJECTED: &str = "\
0: R1=ctx() R10=fp0
; struct table *table = bpf_map_lookup_elem(&tables, &key); @ verifier_reject.bpf.c:33
7: (85) call bpf_map_lookup_elem#1    ; R0=map_value(map=tables,ks=4,vs=64)
; if (!table) @ verifier_reject.bpf.c:35
8: (15) if r0 == 0x0 goto pc+4        ; R0=map_value(map=tables,ks=4,vs=64)
; return table->slots[index]; @ verifier_reject.bpf.c:37
11: (0f) r0 += r1
math between map_value pointer and register with unbounded min value is not allowed
processed 12 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

    #[test]
    fn the_reason_is_about_the_instruction_above_it() {
        assert_eq!(insn(REJECTED), Some(11));
        let with_words_between =
            "2: (79) r1 = *(u64 *)(r1 +0)\nfunc 'f' arg0 has btf_id 7\nR2 invalid mem access 'x'\n";
        assert_eq!(insn(with_words_between), Some(2));
        assert_eq!(
            insn("9: (95) exit\nAt program exit the register R0 has smin=2 should have been in [0, 1]\n"),
            Some(9)
        );
    }

    #[test]
    fn the_reason_is_found_in_the_whole_log() {
        let lines: Vec<&str> = REJECTED.lines().collect();
        assert_eq!(reason(&lines), Some(7));
        assert_eq!((reason(&["processed 0 insns"]), reason(&[])), (Some(0), None));
    }

    #[test]
    fn what_is_wrong_with_a_whole_program_is_about_none() {
        assert_eq!(insn("9: (95) exit\ncombined stack size of 2 calls is 544. Too large\n"), None);
        assert_eq!(insn("combined stack size of 2 calls is 544. Too large\n"), None);
        assert_eq!(insn("from 5 to 12: R0=1\nx: (b7) r0\n12: (zz) r0\nreason\n"), None);
        assert_eq!((insn(""), insn("\n\n")), (None, None));
    }

    #[test]
    fn the_end_begins_with_a_line_of_source() {
        assert_eq!(
            end(REJECTED).last(),
            Some(&"math between map_value pointer and register with unbounded min value is not allowed")
        );
        let long: String = (0..40).map(|index| format!("{index}: (b7) r0 = 0\n")).collect();
        let shown_of = |log: &str| end(log).iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let shown = shown_of(&format!("; x = 0; @ a.c:1\n{long}reason\n"));
        assert_eq!(
            (shown.len(), shown[0].as_str(), shown[1].as_str()),
            (SHOWN + 1, "; x = 0; @ a.c:1", "29: (b7) r0 = 0")
        );
        assert_eq!(shown_of(&format!("{long}reason\n")).len(), SHOWN);
        assert_eq!(shown_of("processed 0 insns\n"), ["processed 0 insns"]);
    }
}
