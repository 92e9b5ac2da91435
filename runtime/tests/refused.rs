//! What cannot be loaded, and what the errors say.

mod common;

use common::{describe, describe_changed, may_load, open};
use skelgen_runtime::{DataDesc, Errno, ImageDesc, KconfigDesc, KconfigType, MapDesc, ObjectDesc, Opened};
use skelgen_tests::{Part, not_run};

#[test]
fn a_log_longer_than_its_buffer_comes_whole_all_the_same() {
    use skelgen::insn::build::{R0, R1, R2, exit, mov, mov_imm};
    if !may_load() {
        return;
    }
    const LINES: usize = 100_000;
    let desc = describe_changed("bad/verifier_reject", |plan| {
        let program = &mut plan.programs[0].native;
        program.insns = vec![mov_imm(R0, 1); LINES];
        program.insns.extend([mov(R1, R2), exit()]);
        (program.func_info, program.line_info, program.core_relos) = Default::default();
    });
    let error = Opened::new(&desc).unwrap().load([], [], &[]).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EACCES));
    let log = error.verifier_log().unwrap();
    assert!(log.len() > 1 << 20 && log.lines().count() > LINES, "{} bytes: {error}", log.len());
    let shown = error.to_string();
    assert!(shown.contains("R2") && shown.lines().count() < 40, "{shown}");
}

#[test]
fn a_description_at_odds_with_itself_is_refused() {
    let sound = describe("counters");
    let whole = sound.image.expand().unwrap();
    let refuse = |desc: &ObjectDesc<'_>| {
        let error = Opened::new(desc).map(drop).expect_err("this description is wrong");
        assert_eq!(error.object_name(), Some("counters"));
        error.to_string()
    };
    for len in [0, 3, 63, 64, whole.len() - 1] {
        refuse(&ObjectDesc { image: ImageDesc::whole(&whole[..len]), ..sound });
    }
    // Whatever one word of the header is, nothing panics, and nothing is asked of the kernel.
    for at in (0..64).step_by(4) {
        for value in [0u32, 1, 7, 1 << 16, 1 << 31, u32::MAX] {
            let mut image = whole.to_vec();
            image[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            let _ = Opened::new(&ObjectDesc { image: ImageDesc::whole(&image), ..sound });
        }
    }
    let mut other = whole.to_vec();
    other[..4].reverse();
    assert!(
        refuse(&ObjectDesc { image: ImageDesc::whole(&other), ..sound })
            .ends_with("generated for the other byte order")
    );
    assert!(refuse(&ObjectDesc { loader: &sound.loader[1..], ..sound }).contains("not whole instructions"));
    let wrong = [
        MapDesc { value_size: sound.maps[0].value_size + 8, ..sound.maps[0] },
        MapDesc { fd: 4, ..sound.maps[0] },
        MapDesc { reused: u32::MAX, ..sound.maps[0] },
        MapDesc { attrs: &[u32::MAX - 2], ..sound.maps[0] },
    ];
    for map in wrong {
        refuse(&ObjectDesc { maps: &[map], ..sound });
    }
}

#[test]
fn a_variable_of_kconfig_has_to_be_inside_its_value() {
    let sound = describe("kconfig");
    let section = sound.maps.iter().find(|map| map.name == ".kconfig").unwrap();
    let len = section.value_size;
    for (offset, size) in [(len, 1), (0, len + 1), (u32::MAX, 2)] {
        let outside = [KconfigDesc { name: "CONFIG_X", offset, size, ty: KconfigType::Bool, weak: false }];
        let data = section.data.map(|data| DataDesc { kconfig: &outside, ..data });
        let maps = [MapDesc { data, ..*section }];
        let error = Opened::new(&ObjectDesc { maps: &maps, ..sound }).map(drop).unwrap_err().to_string();
        assert!(error.ends_with(".kconfig: a variable is not inside the value"), "{error}");
    }
}

#[test]
fn without_privilege_the_error_says_what_is_missing() {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    if std::env::var_os("SKELGEN_UNPRIVILEGED").is_some() {
        let error = open("counters").load([], [], &[]).unwrap_err();
        assert_eq!((error.errno(), error.operation()), (Some(Errno::EPERM), "create map"));
        assert!(error.to_string().contains(": this process lacks CAP_BPF and CAP_PERFMON, which"), "{error}");
        let error = skelgen_runtime::features::probe().unwrap_err();
        assert_eq!((error.errno(), error.operation()), (Some(Errno::EPERM), "create map"));
        let words = "create map of the features' probe: this process lacks CAP_BPF and CAP_PERFMON, which";
        assert!(error.to_string().starts_with(words), "{error}");
        return;
    }
    if !may_load() {
        return;
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let output = std::process::Command::new("/proc/self/exe")
        .args(["--exact", &name, "--nocapture"])
        .env("SKELGEN_UNPRIVILEGED", "1")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    match output {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => not_run(Part::Live, format!("cannot run as another user: {error}")),
    }
}
