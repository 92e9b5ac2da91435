//! Views of a terminal, from what `cargo skelgen` prints.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use skelgen_tests::static_build::cargo;
use skelgen_tests::{kernel_version, may_load};

use super::svg::{MONO, escaped};
use crate::root;

/// The width of a character and the height of a line, in pixels.
const CELL: (f64, f64) = (7.8, 18.0);
const MARGIN: f64 = 16.0;
/// Longer lines are cut.
const COLUMNS: usize = 104;

/// Colours of SGR codes, on the dark background.
const STYLE: &str = "\
text { font: 13px FONT; fill: #e6edf3; white-space: pre; }
.screen { fill: #0d1117; stroke: #3d444d; }
.s1 { font-weight: bold; }
.s2 { fill: #9198a1; }
.s31 { fill: #ff7b72; }
.s32 { fill: #7ee787; }
.s33 { fill: #e3b341; }
.s34 { fill: #79c0ff; }
.s35 { fill: #d2a8ff; }
.s36 { fill: #76e3ea; }
";

/// A piece of a line in one style.
struct Run {
    column: usize,
    codes: Vec<u8>,
    text: String,
}

/// The runs of a line with SGR escape sequences.
fn runs(line: &str) -> Vec<Run> {
    let (mut runs, mut codes, mut column) = (Vec::new(), Vec::new(), 0);
    for (index, piece) in line.split('\u{1b}').enumerate() {
        let text = if index == 0 {
            piece
        } else {
            let (sequence, text) = piece.split_once('m').expect("only SGR sequences are printed");
            for code in sequence.trim_start_matches('[').split(';') {
                match code.parse().expect("a number") {
                    0 => codes.clear(),
                    code => codes.push(code),
                }
            }
            text
        };
        let room = COLUMNS.saturating_sub(column);
        let mut shown: String = text.chars().take(room).collect();
        if text.chars().count() > room && room > 0 {
            shown.pop();
            shown.push('…');
        }
        // Not every reader of SVG keeps spaces, so words have places of their own where there is more than one.
        for word in shown.split_inclusive("  ") {
            let text = word.trim();
            let indent = word.chars().take_while(|letter| *letter == ' ').count();
            if !text.is_empty() {
                runs.push(Run { column: column + indent, codes: codes.clone(), text: text.to_owned() });
            }
            column += word.chars().count();
        }
    }
    runs
}

/// A screen with a command and what it printed.
fn picture(command: &str, output: &str) -> String {
    let prompt = format!("\u{1b}[32m$\u{1b}[0m {command}");
    let lines: Vec<_> = [prompt.as_str()].into_iter().chain(output.lines()).map(runs).collect();
    let columns = lines.iter().filter_map(|line| line.last()).map(|run| run.column + run.text.chars().count()).max();
    let width = (columns.unwrap_or_default() as f64).mul_add(CELL.0, 2.0 * MARGIN).ceil();
    let height = (lines.len() as f64).mul_add(CELL.1, 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{}</title>\n<style>\n{}</style>\n\
         <rect class=\"screen\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        escaped(command),
        STYLE.replace("FONT", MONO),
        width - 1.0,
        height - 1.0
    );
    for (number, line) in lines.iter().enumerate() {
        let y = (number as f64).mul_add(CELL.1, MARGIN + 13.0);
        if line.is_empty() {
            continue;
        }
        write!(svg, "<text y=\"{y}\" xml:space=\"preserve\">").unwrap();
        for run in line {
            // Each run has its place, so that columns stay aligned with any font.
            let x = (run.column as f64).mul_add(CELL.0, MARGIN);
            let classes: Vec<_> = run.codes.iter().map(|code| format!("s{code}")).collect();
            write!(svg, "<tspan x=\"{x:.1}\" class=\"{}\">{}</tspan>", classes.join(" "), escaped(&run.text)).unwrap();
        }
        svg += "</text>\n";
    }
    svg + "</svg>\n"
}

/// What `cargo skelgen` prints in colour, in the folder of the fixtures.
fn printed(arguments: &str) -> String {
    let mut command = cargo();
    command.args(["run", "--quiet", "--offline", "--package", "cargo-skelgen", "--manifest-path"]);
    command.arg(root().join("Cargo.toml")).args(["--", "skelgen"]).args(arguments.split(' ')).arg("--color=always");
    let output = command.current_dir(root().join("fixtures")).output().expect("cargo can be started");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("it prints text");
    assert!(text.lines().count() > 5, "{text}");
    text
}

/// The sections of `inspect` that a README has room for.
pub(crate) fn inspect() -> String {
    let output = printed("inspect counters.bpf.o");
    let blocks: Vec<_> = output.split("\n\n").collect();
    let is_shown = |block: &str| ["Data .percpu", "Programs", "Loader"].iter().any(|name| block.contains(name));
    let shown: Vec<_> = blocks[1..].iter().filter(|block| is_shown(block)).copied().collect();
    assert_eq!(shown.len(), 3, "{output}");
    picture("cargo skelgen inspect counters.bpf.o", &format!("{}\n...\n\n{}", blocks[0], shown.join("\n\n")))
}

const VERIFIER: &str = "load bad/verifier_reject.bpf.o";

/// What the command printed on one kernel: its version, and the text.
fn log_file() -> PathBuf {
    root().join("tests/docs/pictures/verifier.txt")
}

/// Kernel addresses differ from load to load.
fn without_addresses(text: &str) -> String {
    let mut pieces = text.split("0xffff");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_hexdigit).count();
        let elided = digits == 12 && !piece.starts_with("ffff");
        // As wide as the digits.
        shown += if elided { "0xffff…           " } else { "0xffff" };
        shown += if elided { &piece[digits..] } else { piece };
    }
    shown
}

/// Compares the log with what this kernel says, where the kernel is the log's; else only what all kernels say. Needs the
/// privilege to load.
pub(crate) fn verifier_log_is_current() {
    if !may_load() {
        return;
    }
    let (major, minor) = kernel_version();
    let now = format!("{major}.{minor}\n{}", without_addresses(&printed(VERIFIER)));
    if env::var_os("SKELGEN_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(log_file(), &now).unwrap();
    }
    let log = fs::read_to_string(log_file()).unwrap();
    if log.lines().next() == now.lines().next() {
        assert_eq!(log, now, "run SKELGEN_BLESS=1 cargo test -p skelgen-tests --test docs");
    } else {
        let everywhere = |text: &str| {
            let lines =
                text.lines().skip(1).filter(|line| !line.starts_with("  | ") || line.contains("unbounded min value"));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(everywhere(&log), everywhere(&now));
    }
}

pub(crate) fn verifier() -> String {
    let log = fs::read_to_string(log_file()).unwrap();
    let (_, output) = log.split_once('\n').expect("a version, and the text");
    picture(&format!("cargo skelgen {VERIFIER}"), output)
}
