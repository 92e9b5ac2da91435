//! From an object to programs in the kernel: the generator's stages, and the load.

use super::svg::Svg;

/// A stage of the generator: what comes out, and the folder that makes it.
const STAGES: [(&str, &str, &str); 5] = [
    ("Object", "programs, maps, data", "skelgen/src/object"),
    ("Linked", "whole programs", "skelgen/src/link"),
    ("LoadPlan", "typed steps", "skelgen/src/plan"),
    ("Loader", "interpreter and image", "skelgen/src/loader"),
    ("Skeleton", "Rust source", "skelgen/src/emit"),
];

const LOWER: &str = "skelgen/src/lower";
const RUNTIME: &str = "runtime/src/load";

/// The folders that the picture names.
pub(crate) fn folders() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|(_, _, folder)| *folder).chain([LOWER, RUNTIME])
}

pub(crate) fn picture() -> String {
    let mut svg = Svg::new(
        1000,
        380,
        "The generator turns an object into a skeleton; the runtime loads it with four bpf(2) calls",
    );
    svg.text(20, 28, "title", "When your crate is built: skelgen");
    for (index, (name, what, folder)) in (0..).zip(STAGES) {
        let x = 116 + index * 176;
        svg.arrow((x - 31, 87), (x - 3, 87));
        svg.labelled([x, 57, 144, 60], "box", &[name, what]);
        svg.text(x + 72, 48, "middle small", folder);
    }
    svg.labelled([16, 63, 68, 48], "value", &[".bpf.o"]);
    svg.labelled([292, 152, 144, 46], "box", &["lowered forms", "of .percpu programs"]);
    svg.text(364, 214, "middle small", LOWER);
    svg.arrow((438, 175), (502, 118));

    svg.line((20, 230), (980, 230));
    svg.text(20, 260, "title", "When your program runs: skelgen-runtime");
    svg.text(20, 366, "small", RUNTIME);
    let calls = [
        ("BPF_MAP_CREATE", "the image, mmapped"),
        ("BPF_BTF_LOAD", "the loader's types"),
        ("BPF_PROG_LOAD", "the loader"),
        ("BPF_PROG_TEST_RUN", "runs the loader"),
    ];
    for (index, (name, what)) in (0..).zip(calls) {
        let x = 20 + index * 186;
        svg.labelled([x, 280, 162, 60], "box", &[name, what]);
        svg.arrow((x + 163, 310), (x + 183, 310));
    }
    svg.labelled(
        [764, 272, 220, 76],
        "value",
        &["in the kernel: the loader", "creates and fills the maps,", "loads the programs"],
    );
    svg.finish()
}
