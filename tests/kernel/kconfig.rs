//! `.kconfig`: what programs are told of the kernel, held against what the kernel says of itself.

use std::fs;
use std::path::Path;

use miniz_oxide::inflate::decompress_to_vec;
use skelgen_runtime::uapi::{BPF_F_MMAPABLE, BPF_F_RDONLY_PROG};
use skelgen_runtime::{Errno, Error, Map, Plain, Update};
use skelgen_tests::may_load;
use skelgen_tests::skeletons::kconfig::types::LibbpfTristate;
use skelgen_tests::skeletons::kconfig::{Kconfig, LoadedKconfig, OpenKconfig};
use skelgen_tests::skeletons::kconfig_missing::KconfigMissing;
use skelgen_tests::skeletons::kernel_facts::KernelFacts;

use crate::cpus::run_on;
use crate::info::map_info;

/// All options that the fixture must have.
const GIVEN: &str = "\
# CONFIG_NETFILTER_XT_MATCH_BPF is not set
CONFIG_BPF=m
CONFIG_BPF_JIT=y
CONFIG_BPF_SYSCALL=y
CONFIG_CC_VERSION_TEXT=\"gcc 1\"
CONFIG_DEFAULT_HOSTNAME=\"given\"
CONFIG_HZ=0x12345678
CONFIG_ILLEGAL_POINTER_VALUE=0xdead000000000000
CONFIG_PANIC_TIMEOUT=-5
CONFIG_SKELGEN_NO_SUCH_NUMBER=7
CONFIG_SKELGEN_NO_SUCH_SWITCH=y
";

/// With this, nothing is left to ask the machine for.
const GIVEN_REST: &str = "CONFIG_NETFILTER_XT_MATCH_BPF=n\nCONFIG_SKELGEN_NO_SUCH_TEXT=\"\"\n";

fn proc(name: &str) -> String {
    fs::read_to_string(format!("/proc/sys/kernel/{name}")).expect("/proc is mounted").trim_end().to_owned()
}

/// The running kernel's configuration, which not every machine has.
fn config() -> Option<String> {
    let boot = fs::read_to_string(format!("/boot/config-{}", proc("osrelease"))).ok();
    boot.or_else(|| {
        let file = fs::read("/proc/config.gz").ok()?;
        // The header of a file without name or comment has ten bytes.
        assert_eq!(file[..4], [0x1f, 0x8b, 8, 0]);
        Some(String::from_utf8(decompress_to_vec(&file[10..]).unwrap()).unwrap())
    })
}

/// What is behind the option's `=`.
fn option<'c>(config: &'c str, name: &str) -> Option<&'c str> {
    config.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// A number as it stands in a configuration; 0 if it does not.
fn number(config: &str, name: &str) -> u64 {
    let Some(text) = option(config, name) else { return 0 };
    let hex = text.strip_prefix("0x");
    hex.map_or_else(|| text.parse::<i64>().unwrap().cast_unsigned(), |hex| u64::from_str_radix(hex, 16).unwrap())
}

/// The version that the kernel was made from, in the words of distributions that do not say so in the release.
fn version() -> u32 {
    let (release, version) = (proc("osrelease"), proc("version"));
    let signature = fs::read_to_string("/proc/version_signature").unwrap_or_default();
    let debian = version.split_once("Debian ").map(|(_, version)| version);
    let text = signature.split(' ').nth(2).or(debian).unwrap_or(&release);
    let numbers: Vec<u32> = text.split(|c: char| !c.is_ascii_digit()).take(3).map(|n| n.parse().unwrap()).collect();
    numbers[0] << 16 | numbers[1] << 8 | numbers[2].min(255)
}

fn text<const N: usize>(chars: &[u8; N]) -> &str {
    std::str::from_utf8(chars.split(|&char| char == 0).next().unwrap()).unwrap()
}

/// With the whole of `config` given, whatever machine this is.
fn open_given(config: &str) -> OpenKconfig {
    let mut open = Kconfig::open().unwrap();
    open.set_kconfig(config).unwrap();
    open
}

fn load_given() -> LoadedKconfig {
    open_given(&format!("{GIVEN}{GIVEN_REST}")).load().unwrap()
}

#[test]
fn what_is_no_option_is_told_of_every_kernel() {
    if !may_load() {
        return;
    }
    let skel = KernelFacts::open().unwrap().load().unwrap();
    let facts = skel.kconfig.get();
    assert_eq!(facts.LINUX_KERNEL_VERSION.cast_unsigned(), version());
    // Since 5.15, and skeletons need more.
    assert!(facts.LINUX_HAS_BPF_COOKIE.get());
    assert_eq!(facts.LINUX_SKELGEN_KNOWS_NO_SUCH_THING, 0);
    let kprobes = Path::new("/sys/bus/event_source/devices/kprobe/type").exists();
    let symbols = fs::read_to_string("/proc/kallsyms").unwrap();
    let wrapped = symbols.lines().any(|line| line.ends_with(" __x64_sys_bpf") || line.ends_with(" __arm64_sys_bpf"));
    assert_eq!(facts.LINUX_HAS_SYSCALL_WRAPPER, (kprobes && wrapped).into());

    assert_eq!(run_on(0, &skel.progs.facts, [0; 2]), version() >> 16);
    assert_eq!(run_on(0, &skel.progs.branches, [0; 2]), 1);
    let seen = skel.bss.get();
    assert_eq!((seen.version, seen.has_bpf_cookie.get(), seen.unknown), (version().into(), true, 0));
    assert_eq!(seen.has_syscall_wrapper, facts.LINUX_HAS_SYSCALL_WRAPPER);
}

#[test]
fn options_are_those_that_this_kernel_is_configured_with() {
    if !may_load() {
        return;
    }
    let Some(config) = config() else {
        // Debian's kernels without their package, say.
        let error = Kconfig::open().unwrap().load().map(drop).unwrap_err();
        return assert_words(
            &error,
            &["kconfig: read kernel option CONFIG_", "cannot be read: /boot/config-", "/proc/config.gz"],
        );
    };
    let skel = Kconfig::open().unwrap().load().unwrap();
    let options = skel.kconfig.get();
    assert_eq!(u64::from(options.CONFIG_HZ), number(&config, "CONFIG_HZ"));
    assert!(options.CONFIG_BPF_SYSCALL.get() && options.CONFIG_HZ > 0);
    assert_eq!(options.CONFIG_BPF, LibbpfTristate::TRI_YES);
    assert_eq!(options.CONFIG_BPF_JIT, option(&config, "CONFIG_BPF_JIT").map_or(0, |jit| jit.as_bytes()[0]));
    assert_eq!(options.CONFIG_PANIC_TIMEOUT as i64, number(&config, "CONFIG_PANIC_TIMEOUT").cast_signed());
    assert_eq!(options.CONFIG_ILLEGAL_POINTER_VALUE, number(&config, "CONFIG_ILLEGAL_POINTER_VALUE"));
    let module = match option(&config, "CONFIG_NETFILTER_XT_MATCH_BPF") {
        Some("m") => LibbpfTristate::TRI_MODULE,
        Some("y") => LibbpfTristate::TRI_YES,
        _ => LibbpfTristate::TRI_NO,
    };
    assert_eq!(options.CONFIG_NETFILTER_XT_MATCH_BPF, module);
    let hostname = option(&config, "CONFIG_DEFAULT_HOSTNAME").unwrap();
    assert_eq!(text(&options.CONFIG_DEFAULT_HOSTNAME), &hostname[1..hostname.len() - 1]);
    // Cut to what there is room for.
    assert_eq!(text(&options.CONFIG_CC_VERSION_TEXT), &option(&config, "CONFIG_CC_VERSION_TEXT").unwrap()[1..4]);
    assert_eq!(options.CONFIG_SKELGEN_NO_SUCH_NUMBER, 0);
    assert_eq!(options.CONFIG_SKELGEN_NO_SUCH_TEXT, [0; 3]);
    assert!(!options.CONFIG_SKELGEN_NO_SUCH_SWITCH.get());
    assert_eq!(options.LINUX_KERNEL_VERSION.cast_unsigned(), version());

    run_on(0, &skel.progs.options, [0; 2]);
    let seen = skel.bss.get();
    assert_eq!((seen.hz, seen.missing), (options.CONFIG_HZ, 0));
    assert_eq!(seen.hostname_length as usize, hostname.len() - 2);
}

#[test]
fn what_is_given_comes_before_what_the_machine_says() {
    if !may_load() {
        return;
    }
    let skel = load_given();
    let options = skel.kconfig.get();
    assert_eq!((options.CONFIG_HZ, options.CONFIG_PANIC_TIMEOUT), (0x1234_5678, -5));
    assert_eq!((options.CONFIG_BPF, options.CONFIG_BPF_JIT), (LibbpfTristate::TRI_MODULE, b'y'));
    assert_eq!(options.CONFIG_NETFILTER_XT_MATCH_BPF, LibbpfTristate::TRI_NO);
    assert_eq!((text(&options.CONFIG_DEFAULT_HOSTNAME), &options.CONFIG_CC_VERSION_TEXT), ("given", b"gcc\0"));
    assert!(options.CONFIG_BPF_SYSCALL.get() && options.CONFIG_SKELGEN_NO_SUCH_SWITCH.get());
    assert_eq!(options.LINUX_KERNEL_VERSION.cast_unsigned(), version());

    // y and m, and the letter y.
    assert_eq!(run_on(0, &skel.progs.options, [0; 2]), 1 + 2 + 10);
    let seen = skel.bss.get();
    assert_eq!((seen.hz, seen.hostname_length, seen.missing), (0x1234_5678, 5, 1 + 7));
    assert_eq!(run_on(0, &skel.progs.numbers, [0; 2]), 0xdead - 5 + u32::from(b'g'));
}

#[test]
fn the_machine_is_asked_for_what_is_not_given() {
    if !may_load() {
        return;
    }
    let mut open = open_given("CONFIG_HZ=1\n");
    // The second call takes the first one's place.
    open.set_kconfig(GIVEN).unwrap();
    match (open.load(), config()) {
        (Ok(skel), Some(config)) => {
            let options = skel.kconfig.get();
            assert_eq!(options.CONFIG_HZ, 0x1234_5678);
            let module = option(&config, "CONFIG_NETFILTER_XT_MATCH_BPF").is_some();
            assert_eq!(options.CONFIG_NETFILTER_XT_MATCH_BPF != LibbpfTristate::TRI_NO, module);
        }
        // Nothing says that what is left is not set.
        (Err(error), None) => {
            assert_words(
                &error,
                &["read kernel option CONFIG_NETFILTER_XT_MATCH_BPF", "cannot be read", "set_kconfig()"],
            );
        }
        (loaded, config) => panic!("{loaded:?} with a configuration: {}", config.is_some()),
    }
}

#[test]
fn what_is_given_is_checked_at_once() {
    let mut open = Kconfig::open().unwrap();
    let given = "kconfig: read kernel option CONFIG_";
    for (config, expected) in [
        ("CONFIG_HZ=y", "HZ: line 1 of what set_kconfig() was given: it is `y`, the variable an integer"),
        ("\n\nCONFIG_X", "X: line 3 of what set_kconfig() was given: there is no `=`"),
        (
            "CONFIG_BPF=3",
            "BPF: line 1 of what set_kconfig() was given: `3` is an integer, the variable a tristate, which is y, n or m",
        ),
    ] {
        assert_eq!(open.set_kconfig(config).unwrap_err().to_string(), format!("{given}{expected}"));
    }
}

#[test]
fn a_strong_option_has_to_be_there() {
    if !may_load() {
        return;
    }
    let error = KconfigMissing::open().unwrap().load().map(drop).unwrap_err();
    let why = if config().is_some() { "does not have it" } else { "cannot be read" };
    assert_words(&error, &["read kernel option CONFIG_SKELGEN_NO_SUCH_OPTION: ", why, "hint: "]);
    let mut open = KconfigMissing::open().unwrap();
    open.set_kconfig("CONFIG_SKELGEN_NO_SUCH_OPTION=41\nCONFIG_BPF=y\n").unwrap();
    assert_eq!(run_on(0, &open.load().unwrap().progs.reads_option, [0; 2]), 42);
}

#[test]
fn its_map_is_frozen_however_long_it_is() {
    if !may_load() {
        return;
    }
    let usual = load_given();
    let mut open = open_given(&format!("{GIVEN}{GIVEN_REST}"));
    open.maps.kconfig.set_value_size(8192).unwrap();
    let longer = open.load().unwrap();
    assert_eq!(longer.kconfig.get().as_bytes(), usual.kconfig.get().as_bytes());
    assert_eq!(run_on(0, &longer.progs.options, [0; 2]), 1 + 2 + 10);

    for (map, value_size) in [(usual.kconfig.map(), 60), (longer.kconfig.map(), 8192)] {
        let info = map_info(map);
        assert_eq!((info.name(), info.map_flags), ("kconfig.kconfig", BPF_F_MMAPABLE | BPF_F_RDONLY_PROG));
        // The section ends in an array, which has the new length in the map's type.
        assert_eq!((info.value_size, info.btf_value_type_id != 0), (value_size, true));
        assert_frozen(map);
    }
}

fn assert_frozen(map: &Map) {
    let error = map.update(&[0; 4], &vec![0; map.value_size()], Update::Any).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
}

#[test]
fn a_map_that_is_lent_keeps_its_values() {
    if !may_load() {
        return;
    }
    let lender = load_given();
    let mut open = Kconfig::open().unwrap();
    open.maps.kconfig.reuse_map(lender.kconfig.map()).unwrap();
    // Nobody asks the machine.
    let borrower = open.load().unwrap();
    assert_eq!(map_info(borrower.kconfig.map()).id, map_info(lender.kconfig.map()).id);
    run_on(0, &borrower.progs.options, [0; 2]);
    assert_eq!(borrower.bss.get().hz, 0x1234_5678);
}

fn assert_words(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text} should have {words:?}");
}
