//! Loading whole objects into this machine's kernel.

mod common;

use std::io::Read;
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::Duration;

use common::{describe, load, map, may_load, open, prog};
use skelgen_runtime::{Errno, ImageDesc, ObjectDesc, Opened, PerCpuMode, Plain, TestRun, Update, cpus, plain};
use skelgen_tests::not_on_this_kernel;

plain! {
    /// `.percpu` of the fixture `counters`.
    struct Counters {
        hits: u64,
        errors: u32,
        last_pid: i32,
        by_class: [u64; 4],
        armed: u8,
        _pad: [u8; 7],
        first_ns: u64,
        lowest: u32,
        highest: u32,
    }
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

#[test]
fn what_is_opened_shows_no_image() {
    let desc = describe("struct_ops");
    let mut opened = Opened::new(&desc).unwrap();
    opened.set_kconfig("CONFIG_HZ=1000\n").unwrap();
    let shown = format!("{opened:?}");
    let name = format!("{:?}", desc.name);
    assert_eq!(shown, format!("Opened {{ name: {name}, mode: Auto, kconfig: Some([15 bytes]), token: Anywhere, .. }}"));

    let shown = format!("{desc:?}");
    let ImageDesc { len, bytes, repeats } = desc.image;
    let image = format!("len: {len}, bytes: [{} bytes], repeats: [{} repeats]", bytes.len(), repeats.len());
    let loader = format!("loader: [{} bytes]", desc.loader.len());
    assert!(shown.contains(&image) && shown.contains(&loader), "{shown}");
    let init = desc.maps.iter().find_map(|map| map.struct_ops).unwrap().init.len();
    assert!(shown.contains(&format!("init: [{init} bytes]")), "{shown}");
    // Members, steps and places: what is not bytes is there.
    assert!(shown.contains(&format!("{:?}", desc.steps[0])) && shown.contains(&format!("{:?}", desc.progs[0])));
}

/// The kernel's hashes of all programs, by which it tells what it loaded.
fn tags(opened: &Opened<'_>) -> Vec<String> {
    let mut loaded = opened.load([], [], &[]).unwrap();
    let tags = (0..opened.programs().len()).map(|index| {
        let program = loaded.program(index).unwrap();
        let info = format!("/proc/self/fdinfo/{}", program.fd().unwrap().as_raw_fd());
        let info = std::fs::read_to_string(info).unwrap();
        info.lines().find_map(|line| line.strip_prefix("prog_tag:")).unwrap().trim().to_owned()
    });
    tags.collect()
}

#[test]
fn functions_stored_once_are_whole_in_each_program() {
    if !may_load() {
        return;
    }
    for (fixture, mode) in
        [("agent", PerCpuMode::Auto), ("counters", PerCpuMode::Lowered), ("percpu_basic", PerCpuMode::Lowered)]
    {
        let desc = describe(fixture);
        assert!(!desc.image.repeats.is_empty(), "{fixture} has no functions that are stored once");
        let whole = desc.image.expand().unwrap();
        let whole = ObjectDesc { image: ImageDesc::whole(&whole), ..desc };
        let [at_rest, whole] = [desc, whole].map(|desc| {
            let mut opened = Opened::new(&desc).unwrap();
            opened.set_percpu_mode(mode);
            tags(&opened)
        });
        assert!(at_rest.len() > 1 && at_rest == whole, "{fixture}: {at_rest:?}, {whole:?}");
    }
}

#[test]
fn every_cpu_starts_with_the_one_value_and_keeps_its_own() {
    if !may_load() {
        return;
    }
    let opened = open("counters");
    let percpu = map(&opened, ".percpu");
    let mut value = opened.value::<Counters>(percpu).unwrap();
    assert_eq!((value.last_pid, value.armed, value.lowest), (-1, 1, u32::MAX));
    value.hits = 41;
    let mut loaded = opened.load([], [], &[(percpu, Plain::as_bytes(&*value))]).unwrap();
    let bump = loaded.program(prog(&opened, "bump")).unwrap();
    let counters = loaded.percpu::<Counters>(percpu).unwrap();

    let possible = cpus::possible().unwrap();
    assert!(counters.iter().unwrap().all(|(_, each)| each == *value));
    for (nth, cpu) in possible.iter().enumerate() {
        let args = words(&[nth as u64 + 1, 2]);
        let run = TestRun { ctx_in: &args, cpu: Some(cpu), ..TestRun::default() };
        assert_eq!(bump.test_run(run).unwrap().retval, 42 + nth as u32);
    }
    for (nth, cpu) in possible.iter().enumerate() {
        let each = counters.get(cpu).unwrap();
        assert_eq!((each.hits, each.by_class), (42 + nth as u64, [0, 0, nth as u64 + 1, 0]));
    }
    let n = possible.count() as u64;
    assert_eq!(counters.values().unwrap().fold(0, |sum, each| sum + each.hits), 41 * n + n * (n + 1) / 2);

    let last = possible.last();
    counters.set(last, &Counters { hits: 7, ..*value }).unwrap();
    assert_eq!(counters.get(last).unwrap().hits, 7);
    let values = counters.values().unwrap();
    assert_eq!(values[last].hits, 7);
    assert!(values.iter().filter(|(cpu, _)| *cpu != last).all(|(_, each)| each.hits >= 42));
    counters.set_all(&Counters::default()).unwrap();
    assert!(counters.iter().unwrap().all(|(_, each)| each == Counters::default()));

    let error = counters.get(last + 1).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "read the value of CPU {} in per-CPU map .percpu: the CPU is not possible",
            last + 1
        ))
    );
    assert!(counters.set(u32::MAX, &*value).is_err());
}

#[test]
fn variables_are_live() {
    if !may_load() {
        return;
    }
    plain! { struct Rodata { target_pid: u32, threshold: u32 } }
    let opened = open("counters");
    let [rodata, data, bss] = [".rodata", ".data", ".bss"].map(|name| map(&opened, name));
    let mut constants = opened.value::<Rodata>(rodata).unwrap();
    assert_eq!(constants.threshold, 0);
    constants.threshold = 3;
    let dropped = 5u64;
    let values = [(rodata, Plain::as_bytes(&*constants)), (bss, Plain::as_bytes(&dropped))];
    let mut loaded = opened.load([], [], &values).unwrap();
    let (rodata, data, bss) = (
        loaded.mapped_ro::<Rodata>(rodata).unwrap(),
        loaded.mapped::<u64>(data).unwrap(),
        loaded.mapped::<u64>(bss).unwrap(),
    );
    assert_eq!(rodata.get(), *constants);
    assert_eq!(rodata.read::<u32>(4).unwrap(), 3);
    assert!(rodata.read::<u32>(5).is_err());
    assert_eq!((data.get(), bss.get()), (1, 5));
    data.set(&9);
    assert_eq!(u64::from_ne_bytes(data.map().lookup(&[0; 4]).unwrap().unwrap().try_into().unwrap()), 9);
    bss.update(|dropped| *dropped += 1);
    bss.map().update(&[0; 4], &words(&[1 << 40]), Update::Any).unwrap();
    assert_eq!(bss.get(), 1 << 40);
    // Frozen: nobody writes the constants any more.
    let error = rodata.map().update(&[0; 4], &[0; 8], Update::Any).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert!(skelgen_runtime::Mapped::<Rodata>::new(rodata.map().try_clone().unwrap()).is_err());
}

#[test]
fn all_shapes_of_per_cpu_access_work_lowered() {
    if !may_load() {
        return;
    }
    let mut opened = open("percpu_basic");
    opened.set_percpu_mode(PerCpuMode::Lowered);
    let (change, untouched) = (prog(&opened, "change"), prog(&opened, "untouched"));
    let mut loaded = opened.load([], [], &[]).unwrap();
    let (change, untouched) = (loaded.program(change).unwrap(), loaded.program(untouched).unwrap());
    for cpu in cpus::possible().unwrap().iter() {
        let on = TestRun { cpu: Some(cpu), ..TestRun::default() };
        let args = words(&[5, 0]);
        assert_eq!(untouched.test_run(on).unwrap().retval, 0, "on CPU {cpu}");
        assert_eq!(change.test_run(TestRun { ctx_in: &args, ..on }).unwrap().retval, 1005);
        assert_ne!(untouched.test_run(on).unwrap().retval, 0);
    }
}

#[test]
fn an_iterator_reads_a_map() {
    if !may_load() {
        return;
    }
    plain! { struct Rodata { cpus: u32, stride: u32 } }
    let opened = open("percpu_basic");
    let (rodata, percpu) = (map(&opened, ".rodata"), map(&opened, ".percpu"));
    let cpus = cpus::width().unwrap() as u32;
    let stride = opened.maps()[percpu].value_size.next_multiple_of(8);
    let constants = Rodata { cpus, stride };
    let mut loaded = opened.load([], [], &[(rodata, Plain::as_bytes(&constants))]).unwrap();
    let sum = loaded.program(prog(&opened, "sum_total")).unwrap();
    let link = sum.attach_iter_map(&loaded.map(percpu).unwrap()).unwrap();
    for _ in 0..2 {
        let mut read = Vec::new();
        link.iter().unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, words(&[1000 * u64::from(cpus)]));
    }
    assert!(sum.attach().unwrap_err().to_string().contains("names no target"));
    assert!(sum.autoattach().unwrap().is_none());
}

#[test]
fn attached_programs_run_until_their_link_goes() {
    if !may_load() {
        return;
    }
    plain! { struct Rodata { target_pid: u32, threshold: u32 } }
    let opened = open("counters");
    let (rodata, percpu) = (map(&opened, ".rodata"), map(&opened, ".percpu"));
    let constants = Rodata { target_pid: std::process::id(), threshold: 0 };
    let mut loaded = opened.load([], [], &[(rodata, Plain::as_bytes(&constants))]).unwrap();
    let program = loaded.program(prog(&opened, "on_sys_enter")).unwrap();
    let counters = loaded.percpu::<Counters>(percpu).unwrap();
    let hits = || counters.values().unwrap().fold(0, |sum, each| sum + each.hits);
    let link = match program.attach() {
        Ok(link) => link,
        Err(error) => return not_on_this_kernel(format!("the tracepoint: {error}")),
    };
    assert!(hits() > 0);
    drop(link);
    // Runs that began on other CPUs may still end; each of these calls would count.
    let mut last = hits();
    for _ in 0..60_000 {
        sleep(Duration::from_millis(1));
        if hits() == last {
            break;
        }
        last = hits();
    }
    sleep(Duration::from_millis(1));
    assert_eq!(hits(), last, "the program still runs");
    let error = program.attach_raw_tracepoint("no_such_thing").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT));
}

#[test]
fn only_what_is_wanted_is_loaded() {
    if !may_load() {
        return;
    }
    let opened = open("counters");
    let index = prog(&opened, "on_exec");
    let mut off = opened.program(index).unwrap();
    off.set_autoload(false);
    let mut loaded = opened.load([], [off], &[]).unwrap();
    let program = loaded.program(index).unwrap();
    assert!(!program.is_loaded() && program.autoattach().unwrap().is_none());
    assert!(program.attach().unwrap_err().to_string().contains("autoload is off"));
    assert!(loaded.program(index).is_err() && loaded.map(99).is_err());
}

#[test]
fn eighty_programs_and_seventy_maps() {
    if !may_load() {
        return;
    }
    let opened = open("many");
    let mut loaded = opened.load([], [], &[]).unwrap();
    assert!(opened.maps().len() >= 70 && opened.programs().len() >= 80);
    for index in 0..opened.programs().len() {
        assert!(loaded.program(index).unwrap().is_loaded());
    }
}

#[test]
fn a_skeleton_can_be_sent() {
    fn sent<T: Send + Sync + 'static>(_: &T) {}
    if !may_load() {
        return;
    }
    let mut loaded = load("counters");
    sent(&loaded);
    sent(&open("counters"));
    sent(&loaded.program(0).unwrap());
    sent(&loaded.map(0).unwrap());
}
