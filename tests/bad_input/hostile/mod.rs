//! Objects with very many parts: memory and output must grow linearly with the object, or the error names the limit.
//!
//! The tests count the bytes that are allocated and written for `n` parts and for `2 * n`. They do not measure time: the
//! objects of [`very_many_parts_are_read`] are so large that a quadratic algorithm takes minutes.

mod allocated;
mod cases;
mod elf;

use skelgen::Skeleton;
use skelgen::emit::Options;

use super::refusal;

type Case = (&'static str, fn(usize) -> Vec<u8>, usize);

/// Cases whose memory and output must grow linearly with `n`.
const LINEAR: [Case; 16] = [
    ("params", cases::params, 4_000),
    ("params_of_many", cases::params_of_many, 2_000),
    ("programs", cases::programs, 200),
    ("aliases", cases::aliases, 100),
    ("code_sections", cases::code_sections, 200),
    ("data_sections", cases::data_sections, 100),
    ("empty_sections", cases::empty_sections, 4_000),
    ("maps", cases::maps, 200),
    ("variables", cases::variables, 1_000),
    ("addresses", cases::addresses, 1_000),
    ("references", cases::references, 4_000),
    ("typedefs", cases::typedefs, 1_000),
    ("members", cases::members, 1_000),
    ("namesakes", cases::namesakes, 1_000),
    ("contexts", cases::contexts, 100),
    ("lowered", cases::lowered, 200),
];

#[test]
fn memory_and_output_grow_with_the_object() {
    for (name, object, n) in LINEAR {
        let [one, two] = [n, 2 * n].map(|n| {
            let object = object(n);
            let mut len = 0;
            let allocated = allocated::bytes(|| {
                let skeleton =
                    Skeleton::new("hostile.bpf.o", &object).unwrap_or_else(|error| panic!("{name}: {error}"));
                len = skeleton.source(&Options::default()).unwrap_or_else(|error| panic!("{name}: {error}")).len();
            });
            (allocated as f64, len as f64)
        });
        let (memory, output) = (two.0 / one.0, two.1 / one.1);
        assert!(memory < 2.5 && output < 2.5, "{name}: {memory:.2} times the memory, {output:.2} times the output");
    }
}

/// `n` programs that share `n` functions are linked to `n * n` functions, as the kernel takes them. Written they are not.
#[test]
fn shared_functions_are_written_once() {
    let [one, two] = [300, 600].map(|n| {
        let object = cases::shared(n);
        let skeleton = Skeleton::new("hostile.bpf.o", &object).unwrap();
        let linked = 24 * n * n;
        assert!(skeleton.loader.image.len() > linked, "{n}");
        let at_rest = skeleton.loader.image_at_rest().len();
        let source = skeleton.source(&Options::default()).unwrap().len();
        // A program and a function are some 140 bytes of object, 400 of image and 1,800 of Rust.
        assert!(
            at_rest < 4 * object.len() && source < 16 * object.len(),
            "{n}: {at_rest}, {source} of {}",
            object.len()
        );
        (at_rest as f64, source as f64)
    });
    let (image, source) = (two.0 / one.0, two.1 / one.1);
    assert!(image < 2.1 && source < 2.1, "{image:.2} times the image, {source:.2} times the source");
}

/// Cases that are read, linked and planned only: writing Rust would take most of the time.
const READ: [Case; 14] = [
    ("params", cases::params, 240_000),
    ("params_of_many", cases::params_of_many, 60_000),
    ("programs", cases::programs, 8_000),
    ("aliases", cases::aliases, 4_000),
    ("code_sections", cases::code_sections, 8_000),
    ("data_sections", cases::data_sections, 8_000),
    ("empty_sections", cases::empty_sections, 60_000),
    ("maps", cases::maps, 8_000),
    ("variables", cases::variables, 100_000),
    ("addresses", cases::addresses, 60_000),
    ("references", cases::references, 200_000),
    ("typedefs", cases::typedefs, 100_000),
    ("contexts", cases::contexts, 8_000),
    ("lowered", cases::lowered, 30_000),
];

#[test]
fn very_many_parts_are_read() {
    for (name, object, n) in READ {
        if let Err(error) = Skeleton::new("hostile.bpf.o", &object(n)) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn objects_past_a_limit_are_refused_with_the_limit() {
    let refused: [(Case, &str); 6] = [
        (
            ("shared", cases::shared, 2_000),
            "p698: with this program, the object's programs have more than 32 MiB of instructions, func_info, line_info \
             and core_relos; each program has its own copy of shared functions: move some programs to another object",
        ),
        (("maps", cases::maps, 65_500), "section .maps: 65500 maps; an object can have 8192"),
        (("data_sections", cases::data_sections, 30_000), "8193 maps; an object can have 8192"),
        (
            ("programs", cases::programs, 60_000),
            "section raw_tp: p8192: with it the object has more than 8192 programs",
        ),
        (
            ("code_sections", cases::code_sections, 60_000),
            "section raw_tp/s8192: p8192: with it the object has more than 8192 programs",
        ),
        (("long_names", cases::long_names, 100_000), "symbol 1 has a name of 100000 bytes; at most 4096 are allowed"),
    ];
    for ((name, object, n), expected) in refused {
        assert_eq!(refusal("hostile", &object(n)), format!("hostile.bpf.o: {expected}"), "{name}");
    }
}
