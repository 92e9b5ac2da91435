//! What the image holds of `.percpu` sections: one value, and one update that gives it to all CPUs. And that generator
//! and runtime agree on the image's layout.

use object::{Object, ObjectSection};
use skelgen::emit::Options;
use skelgen::loader::Record;
use skelgen::loader::wire::{self, header};
use skelgen::object::MapIdx;
use skelgen::plan::{PlanOptions, Step};
use skelgen::uapi::{BPF_F_ALL_CPUS, BPF_MAP_UPDATE_ELEM};
use skelgen::{Endian, KernelVersion, Skeleton};
use skelgen_abi::place;
use skelgen_runtime::{ImageDesc, image};
use skelgen_tests::fixtures;

/// The fixtures that have a skeleton and a `.percpu` section.
fn percpu_fixtures() -> Vec<(String, Skeleton)> {
    let skeletons = fixtures::names().into_iter().filter_map(|name| {
        let skeleton = Skeleton::new(&format!("{name}.bpf.o"), &fixtures::bytes(&name)).ok()?;
        (!skeleton.object.percpu_maps().is_empty()).then_some((name, skeleton))
    });
    let skeletons: Vec<_> = skeletons.collect();
    for expected in ["agent_percpu", "counters", "counters_be", "percpu_basic", "percpu_shapes"] {
        assert!(skeletons.iter().any(|(name, _)| name == expected), "{expected}");
    }
    skeletons
}

#[test]
fn the_plan_gives_each_section_its_value_once() {
    for (name, skeleton) in percpu_fixtures() {
        for map in skeleton.object.percpu_maps() {
            let steps = skeleton.plan.steps.iter();
            let fills: Vec<_> = steps.filter(|step| fills(step, map)).collect();
            assert_eq!(fills, [&Step::InitPerCpu { map }], "{name}");
        }
    }
}

/// Whether a step writes to the map.
fn fills(step: &Step, wanted: MapIdx) -> bool {
    match step {
        Step::InitMap { map } | Step::InitPerCpu { map } | Step::Populate { outer: map, .. } => *map == wanted,
        _ => false,
    }
}

#[test]
fn the_loader_gives_each_section_its_value_once() {
    for (name, skeleton) in percpu_fixtures() {
        let image = Image::of(&skeleton);
        for map in skeleton.object.percpu_maps() {
            let init = skeleton.loader.maps[map.0].init.clone().expect("sections have values");
            assert_eq!(init.len() as u32, skeleton.plan.maps[map.0].def.value_size, "{name}");
            assert_eq!(image.bytes(init.start, init.len()), skeleton.plan.maps[map.0].data.as_ref().unwrap().bytes);

            let updates = skeleton.loader.records.iter().filter(|record| record.cmd == BPF_MAP_UPDATE_ELEM.0);
            let value = |record: &&Record| image.pointer(record.arg.0 + place!(MapElem.value)) == Some(init.start);
            let updates: Vec<_> = updates.filter(value).collect();
            let [update] = updates.as_slice() else { panic!("{name}: {} updates with the value", updates.len()) };
            assert_eq!(image.u64(update.arg.0 + place!(MapElem.flags)), BPF_F_ALL_CPUS, "{name}");
            assert_eq!(update.op, wire::op::BPF);
            // Where the kernel lacks the flag, it is not asked at all.
            assert_eq!((update.mask, update.want), (wire::feature::ALL_CPUS, wire::feature::ALL_CPUS));
        }
    }
}

fn with_min_kernel(min_kernel: Option<KernelVersion>, fixture: &str) -> skelgen::Result<Skeleton> {
    let options = PlanOptions { min_kernel, ..PlanOptions::default() };
    Skeleton::with(&options, &format!("{fixture}.bpf.o"), &fixtures::bytes(fixture))
}

#[test]
fn kernels_that_need_no_second_form_get_none() {
    for (name, skeleton) in percpu_fixtures() {
        let since = |kernel: (u32, u32)| with_min_kernel(Some(kernel.into()), &name).unwrap();
        let (old, new) = (since((7, 2)), since((7, 3)));
        assert_eq!(old.loader, skeleton.loader, "{name}");
        assert!(new.plan.programs.iter().all(|program| program.lowered.is_none()), "{name}");
        let forms = |step: &&Step| matches!(step, Step::CreateMap { .. } | Step::LoadProgram { .. });
        assert_eq!(new.plan.steps.iter().filter(forms).count(), new.plan.maps.len() + new.plan.programs.len());
        assert!(new.plan.stand_ins.is_empty() && new.loader.image.len() < old.loader.image.len(), "{name}");
    }
    // What cannot be lowered need not be.
    let deep = |kernel| with_min_kernel(kernel, "deep_stack");
    assert!(deep(None).is_err() && deep(Some((7, 3).into())).is_ok());
}

#[test]
fn the_image_and_the_source_hold_each_value_once() {
    for (name, skeleton) in percpu_fixtures() {
        let sections = skeleton.object.percpu_maps();
        let names: Vec<_> = sections.iter().map(|map| skeleton.plan.maps[map.0].name.clone()).collect();
        for section in names {
            let (bytes, pattern) = with_pattern(&fixtures::bytes(&name), &section);
            let skeleton = Skeleton::new(&format!("{name}.bpf.o"), &bytes).unwrap();
            assert_eq!(count(&skeleton.loader.image, &pattern), 1, "{name}: {section}");
            // The pattern's bytes are letters, which stand in a literal as they are.
            let source = skeleton.source(&Options::default()).unwrap();
            assert_eq!(count(source.as_bytes(), &pattern), 1, "{name}: {section}");
        }
    }
}

/// The object with the section's first bytes, 32 if there are so many, replaced by letters that occur nowhere else.
fn with_pattern(object: &[u8], section: &str) -> (Vec<u8>, Vec<u8>) {
    let file = object::File::parse(object).unwrap();
    let (at, size) = file.section_by_name(section).unwrap().file_range().unwrap();
    let mut pattern = *b"qXjZkQvWqYzJxKqPjVzQkXwYqZjKvXqW";
    let pattern = &mut pattern[..32.min(size as usize)];
    let mut patched = object.to_vec();
    patched[at as usize..][..pattern.len()].copy_from_slice(pattern);
    (patched, pattern.to_vec())
}

fn count(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes.windows(pattern.len()).filter(|window| *window == pattern).count()
}

/// An image's bytes, read as the loader program reads them.
struct Image<'a> {
    endian: Endian,
    bytes: &'a [u8],
    records: &'a [Record],
}

impl<'a> Image<'a> {
    fn of(skeleton: &'a Skeleton) -> Self {
        Image { endian: skeleton.plan.endian, bytes: &skeleton.loader.image, records: &skeleton.loader.records }
    }

    fn bytes(&self, at: u32, len: usize) -> &'a [u8] {
        &self.bytes[at as usize..][..len]
    }

    fn u32(&self, at: u32) -> u32 {
        let bytes = self.bytes(at, 4).try_into().unwrap();
        if self.endian == Endian::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn u64(&self, at: u32) -> u64 {
        let bytes = self.bytes(at, 8).try_into().unwrap();
        if self.endian == Endian::Little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) }
    }

    /// The place to which the loader points the pointer at `at`.
    fn pointer(&self, at: u32) -> Option<u32> {
        let mut points = self.records.iter().filter(|record| record.op == wire::op::POINT);
        points.find(|record| record.out.0 == at).map(|record| record.arg.0)
    }
}

#[test]
fn generator_and_runtime_use_the_same_numbers() {
    use wire::{feature, op};
    let pairs = [
        ("magic", wire::MAGIC, image::MAGIC),
        ("the longest image", wire::MAX_IMAGE, image::MAX_IMAGE),
        ("slack", wire::SLACK, image::SLACK),
        ("the longest attr", wire::SLACK, image::ARG_MAX),
        ("bytes of a header", header::LEN, image::HEADER_SIZE),
        ("bytes of a step", wire::step::LEN, image::STEP_SIZE),
        ("place of features", header::FEATURES, image::AT_FEATURES),
        ("place of error", header::ERROR, image::AT_ERROR),
        ("place of step", header::STEP, image::AT_STEP),
        ("place of nr_steps", header::NR_STEPS, image::AT_NR_STEPS),
        ("place of done", header::DONE, image::AT_DONE),
        ("feature known", feature::KNOWN, image::FEATURE_KNOWN),
        ("feature all_cpus", feature::ALL_CPUS, image::FEATURE_ALL_CPUS),
        ("feature direct", feature::DIRECT, image::FEATURE_DIRECT),
        ("feature forced", feature::FORCED, image::FEATURE_FORCED),
        ("op bpf", op::BPF.into(), image::OP_BPF.into()),
        ("op probe", op::PROBE.into(), image::OP_PROBE.into()),
        ("op copy", op::COPY.into(), image::OP_COPY.into()),
        ("op find_btf", op::FIND_BTF.into(), image::OP_FIND_BTF.into()),
        ("op close", op::CLOSE.into(), image::OP_CLOSE.into()),
        ("op point", op::POINT.into(), image::OP_POINT.into()),
        ("op find_ksym", op::FIND_KSYM.into(), image::OP_FIND_KSYM.into()),
        ("place of nowhere", header::NOWHERE, image::AT_NOWHERE),
        ("missing kfunc", wire::MISSING_KFUNC, image::MISSING_KFUNC),
    ];
    for (what, generator, runtime) in pairs {
        assert_eq!(generator, runtime, "{what}");
    }
}

/// After an intended change of the loader program, copy the first array to `LOADER` in `runtime/src/layout/loader.rs`.
#[test]
fn the_runtime_knows_the_loader_program() {
    for name in ["agent_percpu", "counters"] {
        let Skeleton { loader, plan, .. } = Skeleton::new(&format!("{name}.bpf.o"), &fixtures::bytes(name)).unwrap();
        let code = loader.interpreter.code(plan.endian);
        let size = plan.endian.u32_at(&loader.image, header::SIZE as usize).unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(image::loader_hash(&code, size), Some(image::LOADER_HASH), "{name}");
        }
        assert_eq!(image::loader_hash(&code, size / 2), None);
    }
}

#[test]
fn the_runtime_reads_what_the_generator_wrote() {
    let skeleton = Skeleton::new("agent_percpu.bpf.o", &fixtures::bytes("agent_percpu")).unwrap();
    if !cfg!(target_endian = "little") {
        return skelgen_tests::not_run::note("the_runtime_reads_what_the_generator_wrote", "no big-endian object");
    }
    let Skeleton { loader, .. } = &skeleton;
    let written = Image::of(&skeleton);
    let read = image::Header::of(&loader.image).unwrap();
    let fields = [
        (header::MAGIC, read.magic),
        (header::SIZE, read.size),
        (header::FEATURES, read.features),
        (header::ERROR, read.error.cast_unsigned()),
        (header::STEP, read.step),
        (header::NR_STEPS, read.nr_steps),
        (header::STEPS, read.steps),
        (header::NR_FDS, read.nr_fds),
        (header::FDS, read.fds),
        (header::DONE, read.done),
    ];
    for (at, value) in fields {
        assert_eq!(written.u32(at), value, "the header's word at {at}");
    }
    let same = |step: image::Step, record: &Record| {
        (step.op, u32::from(step.mask), u32::from(step.want)) == (record.op, record.mask, record.want)
            && (step.unless, step.arg, step.out, step.out2)
                == (record.unless.0, record.arg.0, record.out.0, record.out2.0)
            && (step.cmd, step.size, step.plan) == (record.cmd, record.size, record.plan)
            && (step.expect, step.feature) == (record.expect, record.feature)
    };
    assert_eq!(read.steps(&loader.image).count(), loader.records.len());
    for (step, record) in read.steps(&loader.image).zip(&loader.records) {
        assert!(same(step, record), "{step:?} is not {record:?}");
    }
}

#[test]
fn the_image_at_rest_becomes_the_image() {
    let mut with_repeats = Vec::new();
    for name in fixtures::names() {
        let Ok(skeleton) = Skeleton::new(&format!("{name}.bpf.o"), &fixtures::bytes(&name)) else { continue };
        let Skeleton { loader, plan, .. } = &skeleton;
        let (bytes, repeats) = (loader.image_at_rest(), &loader.repeats);
        if !repeats.is_empty() {
            with_repeats.push(name.clone());
        }
        // Words that count are in the object's byte order.
        if (plan.endian == Endian::Little) == cfg!(target_endian = "little") {
            let len = loader.image.len() as u32;
            let whole = ImageDesc { len, bytes: &bytes, repeats }.expand().unwrap();
            assert!(*whole == *loader.image, "{name}");
        }
        let left_out: u32 = repeats.iter().map(|repeat| repeat.len).sum();
        assert_eq!(bytes.len() + left_out as usize, loader.image.len(), "{name}");
    }
    // Programs that share functions, in both byte orders, and second forms.
    for name in ["agent", "agent_percpu", "agent_thirty", "counters", "counters_be"] {
        assert!(with_repeats.iter().any(|with| with == name), "{name}: {with_repeats:?}");
    }
}
