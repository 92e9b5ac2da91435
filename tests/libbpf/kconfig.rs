//! `.kconfig`: what libbpf tells programs of this kernel, and what it makes of a configuration that it is given.

use std::ffi::CString;
use std::ptr::NonNull;
use std::{ptr, slice};

use libbpf_rs::libbpf_sys::{self, bpf_object, bpf_object_open_opts};
use skelgen_runtime::Plain;
use skelgen_tests::may_load;
use skelgen_tests::random::Random;
use skelgen_tests::skeletons::kconfig::Kconfig;
use skelgen_tests::skeletons::kernel_facts::KernelFacts;

static KCONFIG: &[u8] = include_bytes!("../../fixtures/kconfig.bpf.o");
static KERNEL_FACTS: &[u8] = include_bytes!("../../fixtures/kernel_facts.bpf.o");

/// An object of libbpf's.
struct Object(NonNull<bpf_object>);

impl Object {
    fn load(object: &[u8], config: Option<&str>) -> Option<Object> {
        let config = config.map(|config| CString::new(config).unwrap());
        let opts = bpf_object_open_opts {
            sz: size_of::<bpf_object_open_opts>() as libbpf_sys::size_t,
            object_name: c"an_object".as_ptr(),
            kconfig: config.as_ref().map_or(ptr::null(), |config| config.as_ptr()),
            ..Default::default()
        };
        // SAFETY: the bytes and the texts outlive the call, and libbpf copies what it keeps.
        let opened = unsafe { libbpf_sys::bpf_object__open_mem(object.as_ptr().cast(), object.len() as _, &opts) };
        let object = Object(NonNull::new(opened).expect("libbpf opens the fixtures"));
        // SAFETY: it is open, and loaded once.
        (unsafe { libbpf_sys::bpf_object__load(object.0.as_ptr()) } == 0).then_some(object)
    }

    /// The value of `.kconfig`.
    fn kconfig(&self) -> Vec<u8> {
        // SAFETY: it is open, and the name ends with a 0.
        let map = unsafe { libbpf_sys::bpf_object__find_map_by_name(self.0.as_ptr(), c".kconfig".as_ptr()) };
        assert!(!map.is_null());
        let mut len = 0;
        // SAFETY: the map is the object's, and there is room for the length.
        let value = unsafe { libbpf_sys::bpf_map__initial_value(map, &raw mut len) };
        assert!(!value.is_null());
        // SAFETY: libbpf has so many bytes there as long as the object is open, and nothing writes constants.
        unsafe { slice::from_raw_parts(value.cast::<u8>(), len as usize) }.to_vec()
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: it is open, and nothing of it is used any more.
        unsafe { libbpf_sys::bpf_object__close(self.0.as_ptr()) };
    }
}

/// libbpf's value; `None` if it refuses to load the object.
fn libbpfs(object: &[u8], config: Option<&str>) -> Option<Vec<u8>> {
    // SAFETY: no function is one too; what it would print of refused configurations is expected.
    unsafe { libbpf_sys::libbpf_set_print(None) };
    Object::load(object, config).map(|object| object.kconfig())
}

/// Ours.
fn ours(config: Option<&str>) -> skelgen_runtime::Result<Vec<u8>> {
    let mut open = Kconfig::open()?;
    if let Some(config) = config {
        open.set_kconfig(config)?;
    }
    let skel = open.load()?;
    Ok(skel.kconfig.get().as_bytes()[..skel.kconfig.map().value_size()].to_vec())
}

#[test]
fn the_machine_says_the_same_to_both() {
    if !may_load() {
        return;
    }
    let facts = KernelFacts::open().unwrap().load().unwrap();
    let value = facts.kconfig.get().as_bytes()[..facts.kconfig.map().value_size()].to_vec();
    assert_eq!(Some(value), libbpfs(KERNEL_FACTS, None));

    // Neither loads it where there is no configuration.
    assert_eq!(ours(None).ok(), libbpfs(KCONFIG, None));
}

#[test]
fn what_is_given_means_the_same_to_both() {
    const ROUNDS: usize = 400;
    const VALUES: [&str; 30] = [
        "y",
        "n",
        "m",
        "yes",
        "m\r",
        "0",
        "1",
        "7\r",
        "-1",
        "+3",
        " 5",
        "127",
        "128",
        "-128",
        "-129",
        "255",
        "32767",
        "32768",
        "-32769",
        "0x10",
        "0X",
        "017",
        "08",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "\"\"",
        "\"text\"",
        "\"a longer text than that\"",
    ];
    /// What is to be in it for a variable of a kind to have a value.
    const OPTIONS: [(&str, &[&str]); 12] = [
        ("CONFIG_BPF", &["y", "m", "n"]),
        ("CONFIG_BPF_JIT", &["y", "7", "-128"]),
        ("CONFIG_BPF_SYSCALL", &["y", "n"]),
        ("CONFIG_CC_VERSION_TEXT", &["\"\"", "\"gcc\"", "\"clang\""]),
        ("CONFIG_DEFAULT_HOSTNAME", &["\"a\"", "\"0123456789abcdef\""]),
        ("CONFIG_HZ", &["250", "0x1f", "017"]),
        ("CONFIG_ILLEGAL_POINTER_VALUE", &["0xdead000000000000", "-1"]),
        ("CONFIG_NETFILTER_XT_MATCH_BPF", &["m"]),
        ("CONFIG_PANIC_TIMEOUT", &["-5", "32767"]),
        ("CONFIG_SKELGEN_NO_SUCH_NUMBER", &["18446744073709551615"]),
        ("CONFIG_SKELGEN_NO_SUCH_SWITCH", &["y"]),
        ("CONFIG_SKELGEN_NO_SUCH_TEXT", &["\"no\"", "\"such\""]),
    ];
    if !may_load() {
        return;
    }
    let mut random = Random::new();
    let (mut loaded, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let mut lines: Vec<String> =
            OPTIONS.iter().map(|(name, values)| format!("{name}={}", random.pick(values))).collect();
        // In most configurations, something is out of the ordinary.
        for _ in 0..random.below(3) {
            let at = random.below(lines.len());
            let (name, _) = random.pick(&OPTIONS);
            match random.below(8) {
                0 => lines[at] = name.to_owned(),
                1 => lines[at] = format!("{name}="),
                2 => lines[at] = format!("# {name} is not set"),
                _ => lines[at] = format!("{name}={}", random.pick(&VALUES)),
            }
        }
        let config = lines.join("\n") + random.pick(&["", "\n"]);
        let (ours, libbpfs) = (ours(Some(&config)), libbpfs(KCONFIG, Some(&config)));
        match (&ours, &libbpfs) {
            (Ok(ours), Some(libbpfs)) if ours == libbpfs => loaded += 1,
            (Err(_), None) => refused += 1,
            _ => panic!("ours {ours:?}\nlibbpf's {libbpfs:?}\nof:\n{config}"),
        }
    }
    assert!(loaded > ROUNDS / 4 && refused > ROUNDS / 10, "{loaded} loaded, {refused} refused");
}
