//! `load`, in the running kernel as far as this process may.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io, process};

use serde_json::Value;
use skelgen_tests::not_run::{Part, not_run};
use skelgen_tests::privilege::{can_load, may_load};

use crate::{EXE, FIXTURES, Ran, json, skelgen};

#[test]
fn it_goes_on_after_an_object_that_is_none() {
    let ran = skelgen(&["load", "bad/no_btf.bpf.o", "nowhere.bpf.o", "--", "true"]);
    assert_eq!(ran.status, 1);
    let lines: Vec<&str> = ran.out.lines().filter(|line| !line.starts_with("  note: ")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("FAIL bad/no_btf.bpf.o: no BTF"), "{lines:?}");
    assert!(lines[1].starts_with("FAIL nowhere.bpf.o: cannot read it: "), "{lines:?}");
    assert_eq!(ran.err, "error: not all objects are loaded, so true was not run\n");
}

#[test]
fn it_speaks_json() {
    let ran = skelgen(&["load", "--json", "bad/map_without_type.bpf.o", "nowhere.bpf.o"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let lines: Vec<Value> = ran.out.lines().map(json::parse).collect();
    let [generate, read] = &lines[..] else { panic!("{lines:?}") };
    lines.iter().for_each(|line| json::is_documented("load", line));
    assert_eq!((&generate["ok"], &generate["stage"]), (&false.into(), &"generate".into()));
    assert_eq!(generate["object"], "bad/map_without_type.bpf.o");
    assert_eq!((&generate["section"], &generate["subject"]), (&".maps".into(), &"typeless".into()));
    assert_eq!((&read["stage"], &read["errno"]), (&"read".into(), &2.into()));
}

#[test]
fn it_says_in_one_sentence_what_privilege_is_missing() {
    let args = ["load", "counters.bpf.o", "agent.bpf.o", "--", "true"];
    let ran = if can_load().is_err() {
        skelgen(&args)
    } else {
        match Nobody::new().and_then(|nobody| nobody.run(&args)) {
            Ok(ran) => ran,
            Err(error) => return not_run(Part::Live, format_args!("cannot run anything as nobody: {error}")),
        }
    };
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: cannot load BPF: ") && ran.err.contains("CAP_BPF"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn it_sets_map_sizes_that_the_object_leaves_at_0() {
    let ran = skelgen(&["load", "--max-entries", "no_such_map=1", "unset_sizes.bpf.o"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("no map `no_such_map`; the object has: stacks, counts, names"), "{}", ran.out);
    let ran = skelgen(&["load", "--max-entries", "counts=many", "unset_sizes.bpf.o"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("write a size as 4096 or 0x1000"), "{}", ran.err);
    let ran = skelgen(&["load", "--max-entries", "counts=1", "unset_sizes.bpf.o", "counters.bpf.o"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    if !may_load() {
        return;
    }
    let sizes = ["--max-entries", "counts=64", "--value-size", "stacks=0x3f8", "--key-size", "names=64"];
    for (left_out, size) in [(0..2, "max_entries"), (2..4, "value_size"), (4..6, "key_size")] {
        let kept = sizes.iter().enumerate().filter(|(index, _)| !left_out.contains(index)).map(|(_, &arg)| arg);
        let args: Vec<_> = ["load"].into_iter().chain(kept).chain(["unset_sizes.bpf.o"]).collect();
        let ran = skelgen(&args);
        assert_eq!(ran.status, 1);
        assert!(ran.out.contains(&format!("the object leaves {size} at 0")), "{}", ran.out);
    }
    let ran = skelgen(&[&["load"], &sizes[..], &["unset_sizes.bpf.o"]].concat());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
}

#[test]
fn maps_can_be_left_out() {
    let object = "optional_maps.bpf.o";
    let ran = skelgen(&["load", object, "--no-autocreate", "nothing"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.out.contains("no map `nothing`; the object has: first, second, outer, of_cpus, extra, "),
        "{}",
        ran.out
    );
    let ran = skelgen(&["load", object, "counters.bpf.o", "--no-autocreate", "extra"]);
    assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
    if !may_load() {
        return;
    }
    let maps = |args: &[&str]| {
        let ran = skelgen(&[&["load", "--json", object], args].concat());
        assert_eq!(ran.status, 0, "{}", ran.out);
        json::parse(ran.out.trim())["maps"].as_u64().expect("a number")
    };
    let left_out = ["--no-autocreate=extra", "--no-autocreate=of_cpus", "--no-autocreate=first"];
    assert_eq!(maps(&[]) - maps(&left_out), 3);

    let ran = skelgen(&[&["load", "-v", object], &left_out[..]].concat());
    let skipped = |text: &str| ran.out.lines().filter(|line| line.starts_with("  skip") && line.contains(text)).count();
    assert_eq!((skipped("  extra type="), skipped("  second type=")), (1, 0), "{}", ran.out);
    assert_eq!((skipped("outer[0]"), skipped("outer[1]")), (1, 0), "{}", ran.out);

    let ran = skelgen(&["load", object, "--no-autocreate", "extra", "--set", "use_extra=true"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("load program guarded: it uses map extra, which was not created"), "{}", ran.out);
    assert!(ran.out.contains("--no-autoload"), "{}", ran.out);
    let ran = skelgen(&["load", object, "--no-autocreate", ".rodata"]);
    assert!(ran.status == 1 && ran.out.contains("set autocreate of map .rodata: it is a data section"), "{}", ran.out);
}

#[test]
fn it_sets_the_license_of_an_object_that_has_none() {
    let ran = skelgen(&["load", "--license", "", "bad/no_license.bpf.o"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("the license is empty"), "{}", ran.out);
    if !may_load() {
        return;
    }
    let ran = skelgen(&["load", "bad/no_license.bpf.o"]);
    assert!(ran.out.contains("the object has no section `license`"), "{}", ran.out);
    let ran = skelgen(&["load", "--license", "GPL", "bad/no_license.bpf.o"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
}

#[test]
fn it_knows_that_one_capability_is_not_enough() {
    if !may_load() {
        return;
    }
    for (given, lacking) in [("+bpf", "CAP_PERFMON"), ("+perfmon", "CAP_BPF")] {
        let sets = ["--bounding-set", "--inh-caps"].map(|set| format!("{set}=-all,{given}"));
        let command =
            Command::new("setpriv").args(sets).arg(EXE).args(["load", "counters.bpf.o"]).current_dir(FIXTURES).output();
        let ran = match command {
            Ok(output) => Ran::from(output),
            Err(error) => return not_run(Part::Live, format_args!("cannot run setpriv: {error}")),
        };
        if ran.err.starts_with("setpriv: ") {
            return not_run(Part::Live, ran.err);
        }
        let sentence =
            format!("error: cannot load BPF: this process lacks {lacking}, which loading BPF needs; run it as root\n");
        assert_eq!(ran, Ran { status: 1, out: String::new(), err: sentence });
    }
}

/// A user without rights, and a folder with what it needs: it may not look into every home directory.
struct Nobody(PathBuf);

impl Nobody {
    fn new() -> io::Result<Nobody> {
        let nobody = Nobody(env::temp_dir().join(format!("skelgen-nobody-{}", process::id())));
        fs::create_dir_all(&nobody.0)?;
        fs::set_permissions(&nobody.0, fs::Permissions::from_mode(0o755))?;
        fs::copy(EXE, nobody.0.join("cargo-skelgen"))?;
        for fixture in ["counters.bpf.o", "agent.bpf.o"] {
            fs::copy(Path::new(FIXTURES).join(fixture), nobody.0.join(fixture))?;
        }
        Ok(nobody)
    }

    fn run(&self, args: &[&str]) -> io::Result<Ran> {
        let mut command = Command::new(self.0.join("cargo-skelgen"));
        command.args(args).current_dir(&self.0).uid(65534).gid(65534).output().map(Ran::from)
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn it_loads() {
    if !may_load() {
        return;
    }
    let ran = skelgen(&["load", "--percpu", "lowered", "counters.bpf.o", "many.bpf.o", "sec_forms.bpf.o"]);
    let all = "OK   counters.bpf.o  (5 maps, 3 programs, lowered)\n\
               OK   many.bpf.o  (70 maps, 80 programs)\n\
               OK   sec_forms.bpf.o  (0 maps, 0 programs, 128 with autoload off)\n";
    assert_eq!(ran, Ran { status: 0, out: all.to_owned(), err: String::new() });
}

#[test]
fn it_reaches_per_cpu_data_as_the_kernel_can_or_as_it_is_told() {
    if !may_load() {
        return;
    }
    let ran = skelgen(&["load", "--json", "counters.bpf.o"]);
    let line: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&line["ok"], &line["maps"], &line["programs"]), (&true.into(), &5.into(), &3.into()));
    let direct = skelgen_runtime::features::probe().expect("this process may load").direct;
    assert_eq!(line["percpu"], if direct { "native" } else { "lowered" });

    let native = skelgen(&["load", "--percpu", "native", "counters.bpf.o"]);
    assert_eq!(native.status, i32::from(!direct), "{native:?}");
}

#[test]
fn it_shows_the_end_of_the_verifiers_log_or_all_of_it() {
    if !may_load() {
        return;
    }
    let short = skelgen(&["load", "bad/verifier_reject.bpf.o", "counters.bpf.o"]);
    assert_eq!((short.status, short.err.as_str()), (1, ""));
    let lines: Vec<&str> = short.out.lines().collect();
    let [first, place, log @ .., end, last] = &lines[..] else { panic!("{lines:?}") };
    assert!(first.starts_with("FAIL bad/verifier_reject.bpf.o: load program unbounded: E"), "{first}");
    assert_eq!(*place, "  --> fixtures/bad/verifier_reject.bpf.c:37:9 (insn 11)");
    assert!(!log.is_empty() && log.iter().all(|line| line.starts_with("  | ")), "{log:?}");
    assert!(log.last().is_some_and(|line| line.contains("unbounded")), "the reason comes last: {log:?}");
    assert!(end.starts_with("  | (the end of ") && end.ends_with(" lines; -v shows them all)"), "{end}");
    assert!(last.starts_with("OK   counters.bpf.o  ("), "{last}");

    let long = skelgen(&["load", "-v", "bad/verifier_reject.bpf.o"]);
    assert_eq!((long.status, long.out.lines().next()), (1, Some(*first)));
    assert!(long.out.lines().count() > lines.len() && long.out.contains("\n  | 0: "), "{}", long.out);
}

#[test]
fn it_shows_what_became_of_each_step() {
    if !may_load() {
        return;
    }
    let ran = skelgen(&["load", "-v", "bad/verifier_reject.bpf.o"]);
    let steps: Vec<&str> = ran.out.lines().skip(1).take(6).map(|line| &line[..15]).collect();
    let expected = [
        "  done    0  lo",
        "  done    1  cr",
        "  done    2  cr",
        "  done    3  lo",
        "  FAIL    4  lo",
        "  -       5  lo",
    ];
    assert_eq!(steps, expected, "{}", ran.out);

    let ran = skelgen(&["load", "-v", "--json", "--percpu", "lowered", "counters.bpf.o", "bad/verifier_reject.bpf.o"]);
    let lines: Vec<Value> = ran.out.lines().map(json::parse).collect();
    let [good, bad] = &lines[..] else { panic!("{lines:?}") };
    lines.iter().for_each(|line| json::is_documented("load", line));
    for step in good["plan"].as_array().expect("the steps") {
        let elsewhere = step["text"].as_str().expect("text").ends_with("(where .percpu is direct)");
        assert_eq!(step["outcome"], if elsewhere { "skipped" } else { "done" }, "{step}");
    }
    assert_eq!((&bad["instruction"], &bad["source"]["line"]), (&11.into(), &37.into()));
    assert_eq!((&bad["plan"][4]["outcome"], &bad["plan"][5]["outcome"]), (&"failed".into(), &"not_reached".into()));
}

#[test]
fn it_tells_an_object_for_the_other_byte_order() {
    if !may_load() {
        return;
    }
    let other = if cfg!(target_endian = "little") { "counters_be.bpf.o" } else { "counters.bpf.o" };
    let ran = skelgen(&["load", other]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("\n  note: it is for ") && ran.out.contains("-endian machines"), "{}", ran.out);
}

#[test]
fn it_holds_all_objects_while_a_command_runs() {
    if !may_load() {
        return;
    }
    let script = "for fd in /proc/$PPID/fd/*; do readlink $fd; done | grep -c bpf-prog; exit 7";
    let ran = skelgen(&["load", "counters.bpf.o", "agent.bpf.o", "--", "sh", "-c", script]);
    assert_eq!((ran.status, ran.err.as_str()), (7, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!((lines.len(), lines.last()), (3, Some(&"10")), "3 programs and 7: {lines:?}");
}

#[test]
fn it_ends_as_the_command_does() {
    if !may_load() {
        return;
    }
    let ends = [(&["true"][..], 0), (&["sh", "-c", "kill -9 $$"], 137), (&["no-such-command"], 127), (&["/"], 126)];
    for (command, status) in ends {
        assert_eq!(skelgen(&[&["load", "counters.bpf.o", "--"], command].concat()).status, status, "{command:?}");
    }
}

#[test]
fn signals_end_the_command_and_the_objects_stay_until_then() {
    if !may_load() {
        return;
    }
    let scripts = [
        ("trap 'exit 7' TERM; kill -TERM $PPID; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; done", 7),
        ("trap '' INT; kill -INT $PPID; kill -QUIT $PPID; sleep 0.2; [ -d /proc/$PPID/fd ] && exit 5", 5),
        ("kill -TERM $PPID; exec sleep 10", 128 + 15),
    ];
    for (script, status) in scripts {
        let ran = skelgen(&["load", "counters.bpf.o", "--", "sh", "-c", script]);
        assert_eq!((ran.status, ran.err.as_str()), (status, ""), "{script}");
    }
}

#[test]
fn programs_can_be_left_out_and_variables_set() {
    let absent = skelgen(&["load", "counters.bpf.o", "--no-autoload", "nobody"]);
    let sentence = "FAIL counters.bpf.o: no program `nobody`; the object has: on_sys_enter, on_exec, bump\n";
    assert_eq!(absent, Ran { status: 1, out: sentence.to_owned(), err: String::new() });
    let wrong = skelgen(&["load", "--json", "counters.bpf.o", "--set", "target_pid=0x1ffffffff"]);
    let line = json::parse(&wrong.out);
    json::is_documented("load", &line);
    assert_eq!((wrong.status, &line["stage"]), (1, &"ask".into()));
    assert!(
        line["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("--set target_pid=0x1ffffffff: the value must be "))
    );
    let several = skelgen(&["load", "other/linked.bpf.o", "--set", "same_name=5"]);
    let sentence =
        "FAIL other/linked.bpf.o: 2 variables are named `same_name`: write `data.same_name` or `data.same_name_`\n";
    assert_eq!(several, Ran { status: 1, out: sentence.to_owned(), err: String::new() });
    let unasked = skelgen(&["load", "kconfig.bpf.o", "--set-kconfig", "CONFIG_HZZ=5"]);
    assert!(
        unasked.out.starts_with("FAIL kconfig.bpf.o: the object does not use CONFIG_HZZ, only: "),
        "{}",
        unasked.out
    );
    assert_eq!(unasked.status, 1);
    if !may_load() {
        return;
    }
    let left = skelgen(&["load", "-v", "counters.bpf.o", "--no-autoload=on_exec", "--no-autoload=bump"]);
    assert_eq!((left.status, left.err.as_str()), (0, ""));
    assert!(left.out.starts_with("OK   counters.bpf.o  (5 maps, 1 program, 2 with autoload off, "), "{}", left.out);
    let set = ["load", "counters.bpf.o", "--set", "target_pid=4242", "--set", "armed=false", "--set", "last_pid=-7"];
    assert_eq!(skelgen(&set).status, 0);
    let one_of_two = skelgen(&["load", "other/linked.bpf.o", "--set", "data.same_name_=5"]);
    assert_eq!(one_of_two.status, 0, "{}", one_of_two.out);
    let skipped = left.out.lines().filter(|line| line.contains("load program    on_exec"));
    assert!(skipped.clone().count() > 0 && skipped.into_iter().all(|line| line.starts_with("  skip")), "{}", left.out);
}

#[test]
fn an_optional_program_can_be_loaded_and_what_it_lacks_is_said() {
    if !may_load() {
        return;
    }
    assert_eq!(skelgen(&["load", "core_relos.bpf.o"]).status, 0);
    let missing = skelgen(&["load", "core_relos.bpf.o", "--autoload", "missing"]);
    assert_eq!(missing.status, 1);
    let sentence =
        "FAIL core_relos.bpf.o: load program missing: this kernel has no `struct task_struct.skelgen_no_such_member`: ";
    assert!(missing.out.starts_with(sentence), "{}", missing.out);
    assert!(missing.out.contains("/core_relos.bpf.c:"), "{}", missing.out);
    assert!(missing.out.contains("unless bpf_core_field_exists()"), "{}", missing.out);
}

#[test]
fn what_the_kernel_is_configured_with_can_be_said() {
    if !may_load() {
        return;
    }
    let file = crate::scratch("kconfig");
    fs::write(&file, "CONFIG_SKELGEN_NO_SUCH_OPTION=7\n").expect("the target folder can be written");
    let object = "bad/kconfig_missing.bpf.o";
    assert_eq!(skelgen(&["load", object]).status, 1);
    assert_eq!(skelgen(&["load", object, "--kconfig", file.to_str().expect("text")]).status, 0);
    assert_eq!(skelgen(&["load", object, "--set-kconfig", "CONFIG_SKELGEN_NO_SUCH_OPTION=7"]).status, 0);
    let wrong = skelgen(&["load", object, "--set-kconfig", "CONFIG_SKELGEN_NO_SUCH_OPTION=seven"]);
    assert!(wrong.status == 1 && wrong.out.contains("CONFIG_SKELGEN_NO_SUCH_OPTION"), "{}", wrong.out);
    let nowhere = skelgen(&["load", object, "--kconfig", "nowhere"]);
    assert!(nowhere.status == 1 && nowhere.err.starts_with("error: nowhere: cannot read it: "), "{}", nowhere.err);
}
