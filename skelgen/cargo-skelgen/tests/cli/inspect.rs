//! `inspect`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{FIXTURES, Ran, golden, json, skelgen};

/// What is shown of an object, which goes well.
fn shown(args: &[&str]) -> String {
    let ran = skelgen(&[&["inspect"], args].concat());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{args:?}");
    ran.out
}

#[test]
fn the_tables_are_as_they_were() {
    for fixture in ["counters", "data_sections", "maps_all", "agent", "attach_to_prog"] {
        let text = shown(&[&format!("{fixture}.bpf.o")]);
        let (tables, _) = text.split_once("\nLoader\n").expect("the loader's size comes last");
        golden::check(&format!("inspect-{fixture}.txt"), tables);
    }
}

#[test]
fn the_json_is_as_it_was() {
    let text = shown(&["--json", "counters.bpf.o"]);
    let (before, _) = text.split_once("\n  \"loader\": {").expect("the loader's size comes last");
    golden::check("inspect-counters.json", before);
}

#[test]
fn initial_values_of_structs_arrays_and_unions_are_shown() {
    let text = shown(&["data_sections.bpf.o"]);
    for line in [
        "char d_text[10]                  \"text\"\n",
        "__u32 d_matrix[2][3]             { { 1, 2, 3 }, { 4, 5, 6 } }\n",
        "struct packed d_packed           { .tag = 1, .value = 2, .tail = 3 }\n",
        "const volatile enum signed_level r_levels[2]  { 3, 4294967293 }\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(shown(&["counters.bpf.o"]).contains(" { .lowest = 4294967295 }\n"));

    let document = json::parse(&shown(&["--json", "data_sections.bpf.o"]));
    let sections = document["data"].as_array().expect("an array").iter();
    let variables: Vec<&Value> = sections.flat_map(|data| data["variables"].as_array().expect("an array")).collect();
    let initial = |name: &str| &variables.iter().find(|var| var["name"] == name).expect(name)["initial"];
    assert_eq!(*initial("d_text"), "text");
    assert_eq!(*initial("d_matrix"), serde_json::json!([[1, 2, 3], [4, 5, 6]]));
    assert_eq!(*initial("d_packed"), serde_json::json!({"tag": 1, "value": 2, "tail": 3}));
    assert_eq!(*initial("d_double"), 1.5);
    assert_eq!(*initial("b_large"), serde_json::json!([]));
}

#[test]
fn the_loaders_size_is_that_of_the_generator() {
    let bytes = fs::read(Path::new(FIXTURES).join("counters.bpf.o")).expect("it is checked in");
    let loader = ::skelgen::Skeleton::new("counters.bpf.o", &bytes).expect("a good object").loader;
    let shown = &json::parse(&shown(&["--json", "counters.bpf.o"]))["loader"];
    assert_eq!(shown["instructions"], loader.interpreter.insns.len());
    assert_eq!((&shown["image_bytes"], &shown["records"]), (&loader.image.len().into(), &loader.records.len().into()));
    assert!(shown["map_bytes"].as_u64() >= shown["image_bytes"].as_u64(), "{shown}");
    assert_eq!(shown["stored_bytes"], loader.image_at_rest().len());
    assert!(shown["stored_bytes"].as_u64() < shown["image_bytes"].as_u64(), "{shown}");
}

#[test]
fn every_fixture_can_be_looked_at_in_every_way() {
    let mut seen = 0;
    for entry in fs::read_dir(Path::new(FIXTURES)).expect("fixtures are checked in") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        if !name.ends_with(".bpf.o") || skelgen(&["gen", &name]).status != 0 {
            continue;
        }
        let text = shown(&[&name]);
        assert!(text.starts_with(&format!("{name}: ")) && text.contains("\nLoader\n"), "{name}: {text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "a line of {name} ends in a space");
        for image in ["native", "lowered"] {
            json::is_documented("inspect", &json::parse(&shown(&["--json", "--disasm", "--image", image, &name])));
        }
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn text_and_json_agree_on_the_plan() {
    let plan = shown(&["--plan", "counters.bpf.o"]);
    let document = json::parse(&shown(&["--json", "counters.bpf.o"]));
    let steps = document["plan"].as_array().expect("an array");
    assert_eq!(steps.len(), plan.lines().count());
    for (line, step) in plan.lines().zip(steps) {
        let (number, text) = (step["step"].as_u64().expect("a number"), step["text"].as_str().expect("text"));
        assert_eq!(line, format!("{number:>4}  {text}"));
    }
    assert_eq!((&steps[0]["what"], &steps[0]["subject"]), (&"load the BTF".into(), &Value::Null));
    let whens: Vec<&Value> = steps.iter().map(|step| &step["when"]).filter(|when| *when != "always").collect();
    assert!(whens.contains(&&"direct".into()) && whens.contains(&&"not direct".into()), "{whens:?}");
}

#[test]
fn instructions_stand_under_their_lines_and_have_names() {
    let native = shown(&["--disasm=on_exec", "counters.bpf.o"]);
    assert!(native.starts_with("SEC(\"raw_tp/sched_process_exec\") on_exec: native\non_exec:\n"), "{native}");
    for expected in ["@ counters.bpf.c:87\n", "// target_pid\n", "// bpf_ringbuf_reserve\n", "// events\n", "\nfill:\n"]
    {
        assert!(native.contains(expected), "{expected:?} is not in\n{native}");
    }
    assert!(native.contains("// hits\n") && native.ends_with("\n65 instructions\n"), "{native}");

    let lowered = shown(&["--disasm=on_exec", "--image", "lowered", "counters.bpf.o"]);
    assert!(lowered.contains("// bpf_map_lookup_elem\n") && lowered.contains("// stand-in for .percpu\n"), "{lowered}");

    let all = shown(&["--disasm", "counters.bpf.o"]);
    assert_eq!(all.matches("SEC(\"").count(), 3);
    assert!(all.contains(&native));
    let agent = shown(&["--disasm", "agent.bpf.o"]);
    assert!(agent.contains("// CO-RE: field_byte_offset of struct task_struct.tgid\n"), "{agent}");
}

#[test]
fn an_object_for_the_other_byte_order_is_pointed_out() {
    let other = if cfg!(target_endian = "little") { "counters_be.bpf.o" } else { "counters.bpf.o" };
    let document = json::parse(&shown(&["--json", other]));
    let note = document["notes"][0].as_str().expect("a note");
    assert!(note.contains("-endian machines, and this one is "), "{note}");
}

#[test]
fn what_cannot_be_shown_ends_with_1() {
    let cases: [(&[&str], &str); 4] = [
        (&["nowhere.bpf.o"], "error: nowhere.bpf.o: cannot read it: "),
        (&["counters.bpf.c"], "error: counters.bpf.c: this is not an ELF object, but looks like C source: compile it "),
        (&["--plan", "bad/map_without_type.bpf.o"], "error: bad/map_without_type.bpf.o: section .maps: "),
        (
            &["--disasm=nobody", "counters.bpf.o"],
            "error: counters.bpf.o: no program `nobody`; the object has: on_sys_enter, on_exec, bump\n",
        ),
    ];
    for (args, start) in cases {
        let Ran { status, out, err } = skelgen(&[&["inspect"], args].concat());
        assert_eq!((status, out.as_str()), (1, ""), "{args:?}");
        assert!(err.starts_with(start), "{err}");
    }
}

#[test]
fn of_what_is_refused_there_is_what_its_file_holds() {
    let Ran { status, out, err } = skelgen(&["inspect", "bad/map_without_type.bpf.o"]);
    assert_eq!(status, 1);
    assert!(err.starts_with("error: bad/map_without_type.bpf.o: section .maps: typeless: "), "{err}");
    golden::check("inspect-map_without_type.txt", &out);

    let ran = skelgen(&["inspect", "--json", "bad/unresolved_extern.bpf.o"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let document = json::parse(&ran.out);
    json::is_documented("inspect", &document);
    assert!(document["error"].as_str().is_some_and(|error| error.contains("nowhere")), "{document}");
    assert_eq!((&document["instruction"], &document["source"]["line"]), (&1.into(), &14.into()));
    assert_eq!(
        (&document["externs"][0]["name"], &document["externs"][0]["kind"]),
        (&"nowhere".into(), &"symbol".into())
    );
    let symbols = document["symbols"].as_array().expect("an array");
    let program = symbols.iter().find(|symbol| symbol["kind"] == "program").expect("it has one");
    assert_eq!((&program["name"], &program["section"]), (&"calls_nowhere".into(), &"raw_tp".into()));
}

#[test]
fn every_refused_object_can_be_looked_at() {
    let mut refused = 0;
    for entry in fs::read_dir(Path::new(FIXTURES).join("bad")).expect("fixtures are checked in") {
        let object = format!("bad/{}", entry.expect("an entry").file_name().into_string().expect("text"));
        if !object.ends_with(".bpf.o") || skelgen(&["gen", &object]).status == 0 {
            continue;
        }
        let ran = skelgen(&["inspect", &object]);
        assert!(ran.status == 1 && ran.out.contains("-endian") && ran.err.starts_with("error: "), "{ran:?}");
        assert!(ran.out.contains("\nSections\n") && ran.out.contains("\nSymbols\n"), "{}", ran.out);
        json::is_documented("inspect", &json::parse(&skelgen(&["inspect", "--json", &object]).out));
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
}
