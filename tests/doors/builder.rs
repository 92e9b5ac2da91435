//! `Builder` with objects.

use std::fs;

use skelgen::Builder;
use skelgen::emit::Spelling;

use crate::{files, fixture, scratch};

#[test]
fn each_object_has_a_file_and_one_includes_them() {
    let out = scratch("several");
    let builder = Builder::new().object(fixture("counters")).object(fixture("agent_thirty"));
    builder.out_dir(&out).include_file("skeletons.rs").generate_to_out_dir().unwrap();
    assert_eq!(files(&out), ["agent_thirty.skel.image", "agent_thirty.skel.rs", "counters.skel.rs", "skeletons.rs"]);
    let all = fs::read_to_string(out.join("skeletons.rs")).unwrap();
    assert!(all.ends_with("\n\ninclude!(\"counters.skel.rs\");\ninclude!(\"agent_thirty.skel.rs\");\n"), "{all}");
}

#[test]
fn a_file_that_would_be_the_same_is_not_written() {
    let out = scratch("same");
    let builder = Builder::new().object(fixture("counters")).out_dir(&out);
    builder.generate_to_out_dir().unwrap();
    let file = out.join("counters.skel.rs");
    let written = || fs::metadata(&file).unwrap().modified().unwrap();
    let first = written();
    builder.generate_to_out_dir().unwrap();
    assert_eq!(written(), first);
    builder.min_kernel(7, 3).generate_to_out_dir().unwrap();
    assert!(written() > first);
}

#[test]
fn an_object_is_not_replaced_by_what_is_made_from_it() {
    let folder = scratch("replaced");
    let (object, link) = (folder.join("counters.skel.rs"), folder.join("all.rs"));
    fs::copy(fixture("counters"), &object).unwrap();
    fs::hard_link(&object, &link).unwrap();
    let builder = || Builder::new().object(&object);
    let cases = [
        (builder().beside().generate_to_out_dir(), &object),
        (builder().generate(&link), &link),
        (builder().name("other").out_dir(&folder).include_file("all.rs").generate_to_out_dir(), &link),
    ];
    for (generated, path) in cases {
        let error = format!(
            "{} is an object or source of this builder, and writing the output there would replace it",
            path.display()
        );
        assert_eq!(generated.unwrap_err().to_string(), error);
    }
    assert_eq!(fs::read(&object).unwrap(), fs::read(fixture("counters")).unwrap());
    assert_eq!(files(&folder), ["all.rs", "counters.skel.rs"]);
}

/// What is generated with one option or more.
fn source(change: impl FnOnce(Builder) -> Builder) -> String {
    let folder = scratch(&format!("source-{}", std::thread::current().name().unwrap().replace("::", "-")));
    let path = folder.join("skeleton.rs");
    change(Builder::new().object(fixture("data_sections"))).generate(&path).unwrap();
    assert_eq!(files(&folder), ["skeleton.rs"]);
    fs::read_to_string(path).unwrap()
}

#[test]
fn options_are_seen_in_the_source() {
    let source = source(|builder| {
        builder
            .name("Data")
            .visibility("pub(crate)")
            .runtime_path("crate::deep::runtime")
            .min_kernel(6, 12)
            .type_derive("nested", "Eq, Hash, Debug")
            .type_attribute(".data.x", "#[must_use]")
            .opaque_type("colour")
    });
    for lines in [
        "pub(crate) mod data {\n    use crate::deep::runtime as rt;",
        "pub struct OpenData {",
        "min_kernel: ::core::option::Option::Some((6, 12)),",
        "/// `struct nested`\n            #[derive(Eq, Hash)]\n            pub struct Nested {",
        "/// The variables of `.data.x`.\n            #[must_use]\n            pub struct DataX {",
        "/// `enum colour d_colour`\n                pub d_colour: u32,",
    ] {
        assert!(source.contains(lines), "{lines}\n\n{source}");
    }
    assert!(!source.contains("pub enum Colour"));
}

#[test]
fn a_type_that_nothing_has_can_be_added() {
    let out = scratch("added");
    let builder = Builder::new().object(fixture("counters")).out_dir(&out);
    let text = || fs::read_to_string(out.join("counters.skel.rs")).unwrap();
    builder.clone().generate_to_out_dir().unwrap();
    assert!(!text().contains("pub struct ExecEvent "));
    builder.add_type("exec_event").generate_to_out_dir().unwrap();
    assert!(text().contains("/// `struct exec_event`\n            pub struct ExecEvent {"));
}

/// What a builder says that generates nothing.
fn refused(builder: Builder) -> String {
    let out = scratch(&format!("refused-{}", std::thread::current().name().unwrap().replace("::", "-")));
    let error = builder.out_dir(&out).generate_to_out_dir().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    error.to_string()
}

#[test]
fn all_mistakes_are_told_at_once() {
    let error = refused(
        Builder::new()
            .object("nowhere/x.bpf.o")
            .object(fixture("bad/percpu_too_big"))
            .object(fixture("counters"))
            .object(fixture("bad/static_map")),
    );
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "cannot read nowhere/x.bpf.o: No such file or directory (os error 2)",
            "percpu_too_big.bpf.o: section .percpu: 32776 bytes for each CPU; the kernel allocates at most 32768",
            "static_map.bpf.o: section .maps: hidden: a static map; maps must be global",
        ]
    );
}

#[test]
fn what_cannot_be_one_file_is_refused() {
    let name = refused(Builder::new().object(fixture("counters")).object(fixture("agent")).name("Both"));
    assert_eq!(name, "only one skeleton can be named `Both`: give its object a builder of its own");
    let twice = refused(Builder::new().object("one/a.bpf.o").object("other/a.bpf.o"));
    assert_eq!(
        twice,
        "the skeletons of one/a.bpf.o and other/a.bpf.o would be one file: give one of them a builder of its own, with \
         a name"
    );
    assert_eq!(refused(Builder::new()), "nothing to generate: add a Builder::object or a Builder::source");
    let two = Builder::new().object(fixture("counters")).object(fixture("agent")).generate("x.rs").unwrap_err();
    assert_eq!(two.to_string(), "generate() writes one skeleton, and there are 2 objects");
}

#[test]
fn what_would_be_one_module_is_refused() {
    let folder = scratch("modules");
    for name in ["a-b", "a_b", "self", "Self", "\u{e9}", "\u{e8}"] {
        fs::copy(fixture("counters"), folder.join(format!("{name}.bpf.o"))).unwrap();
    }
    let two = |one: &str, other: &str| {
        Builder::new().object(folder.join(one)).object(folder.join(other)).out_dir(folder.join("out"))
    };
    for (one, other, module) in [("a-b.bpf.o", "a_b.bpf.o", "a_b"), ("self.bpf.o", "Self.bpf.o", "self_")] {
        let error = two(one, other).generate_to_out_dir().unwrap_err().to_string();
        let [one, other] = [one, other].map(|name| folder.join(name).display().to_string());
        let expected = format!(
            "the skeletons of {one} and {other} would both be the module `{module}`: give one of them a builder of its own, \
             with a name"
        );
        assert_eq!(error, expected);
    }
    // Names of other scripts stay apart.
    two("\u{e9}.bpf.o", "\u{e8}.bpf.o").include_file("all.rs").generate_to_out_dir().unwrap();
    let text = fs::read_to_string(folder.join("out/\u{e9}.skel.rs")).unwrap();
    assert!(text.contains("\npub mod ue9 {\n") && text.contains(" from \u{e9}.bpf.o. Do not edit"), "{}", &text[..200]);
    // Beside their objects two may have one name, but not where one file includes them.
    fs::create_dir(folder.join("other")).unwrap();
    fs::copy(fixture("counters"), folder.join("other/a-b.bpf.o")).unwrap();
    let apart = two("a_b.bpf.o", "other/a-b.bpf.o").beside();
    apart.generate_to_out_dir().unwrap();
    let error = apart.include_file("all.rs").generate_to_out_dir().unwrap_err().to_string();
    assert!(error.contains(" would both be the module `a_b`: "), "{error}");
}

#[test]
fn a_line_break_in_a_file_name_is_refused() {
    let folder = scratch("line-break");
    let object = folder.join("a\ncargo::warning=b.bpf.o");
    fs::copy(fixture("counters"), &object).unwrap();
    let error = Builder::new().object(&object).out_dir(&folder).generate_to_out_dir().unwrap_err().to_string();
    let expected =
        format!("the file name {object:?} has a line break, and cargo cannot be told to watch such a file: rename it");
    assert_eq!(error, expected);
}

#[test]
fn options_that_cannot_be_are_refused() {
    let counters = || Builder::new().object(fixture("counters"));
    for (builder, expected) in [
        (
            counters().type_derive("*", "zero copy"),
            r#"type_derive("*", "zero copy"): expected `,`; derives are written `Eq, serde::Serialize`"#,
        ),
        (
            counters().type_attribute("*", "serde"),
            r#"type_attribute("*", "serde"): unexpected token; attributes are written `#[non_exhaustive]`"#,
        ),
        (counters().visibility("public"), r#"visibility("public"): unexpected token"#),
        (counters().runtime_path("a b"), r#"runtime_path("a b"): unexpected token"#),
        (
            counters().type_derive("call_rage", "Eq"),
            "counters.bpf.o: type_derive: the skeleton has no type `call_rage`; there are `.bss`, `.data`, `.percpu`, `.rodata`, \
             `call_range`",
        ),
        (
            counters().license("GPL"),
            "counters.bpf.o: license: the object has a license of its own, \"Dual MIT/GPL\", which stays; this option is for \
             objects without a section `license`",
        ),
        (
            counters().min_kernel(5, 15),
            "min_kernel: the oldest kernel is 5.15, but skeletons load on Linux 6.1 and newer: write 6.1, or nothing",
        ),
        (counters().spelling(Spelling::Manifest).runtime_path("a b"), r#"runtime-path = "a b": unexpected token"#),
    ] {
        assert_eq!(refused(builder), expected);
    }
    for (builder, expected) in [
        (
            counters().opaque_type("evnt_*"),
            "counters.bpf.o: opaque_type: the object has no type that matches `evnt_*`; ",
        ),
        (
            counters().type_attribute("evnt?", "#[x]"),
            "counters.bpf.o: type_attribute: the skeleton has no type that matches",
        ),
        (
            counters().spelling(Spelling::Command).add_type("x*y"),
            "counters.bpf.o: --add-type: the object has no type that",
        ),
    ] {
        let error = refused(builder);
        assert!(error.starts_with(expected), "{error}");
    }
    let error = refused(counters().add_type("evnt"));
    assert!(error.starts_with("counters.bpf.o: add_type: the object has no type `evnt`; there are `"), "{error}");
}

#[test]
fn an_option_for_several_objects_needs_to_be_about_one() {
    let out = scratch("one-of-two");
    let both = || Builder::new().object(fixture("counters")).object(fixture("data_sections")).out_dir(&out);
    both().type_derive("nested", "Eq").opaque_type("call_range").generate_to_out_dir().unwrap();
    let error = both().type_derive("nowhere", "Eq").generate_to_out_dir().unwrap_err();
    let expected = "counters.bpf.o, data_sections.bpf.o: type_derive: the skeleton has no type `nowhere`";
    assert!(error.to_string().starts_with(expected), "{error}");
    // A license is for those objects that have none.
    let both = || Builder::new().object(fixture("counters")).object(fixture("bad/no_license")).out_dir(&out);
    both().license("GPL").generate_to_out_dir().unwrap();
}
