//! `build` where several packages share a target directory, as with `CARGO_TARGET_DIR` in the environment.

use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use crate::package::Package;
use crate::{EXE, Ran, scratch};

/// A source whose skeleton tells which package and round it belongs to.
fn program(variable: &str) -> String {
    format!(
        "#define SEC(name) __attribute__((section(name), used))\n\
         SEC(\".percpu\") unsigned long {variable} = 0;\n\
         SEC(\"raw_tp\") int count(void *ctx) {{ {variable}++; return 0; }}\n\
         char LICENSE[] SEC(\"license\") = \"GPL\";\n"
    )
}

/// A package called `counter`; none where nothing can be compiled.
fn counter(folder: &str) -> Option<Package> {
    let package = Package::new(folder)?;
    package.write("src/bpf/count.bpf.c", "");
    package.configure("");
    Some(package)
}

fn start(package: &Package, target: &str) -> Child {
    let mut command = Command::new(EXE);
    command.args(["skelgen", "build"]).current_dir(package.path("")).env("CARGO_TARGET_DIR", scratch(target));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built")
}

fn built(build: Child) {
    let ran: Ran = build.wait_with_output().expect("it was started").into();
    assert_eq!(ran.status, 0, "{}", ran.err);
}

#[test]
fn packages_of_one_name_get_their_own_objects() {
    let Some(one) = counter("shared-one") else { return };
    let Some(other) = counter("shared-other") else { return };
    let packages = [one, other];
    for round in 0..20 {
        let variable = |index: usize| format!("hits_{index}_{round}");
        for (index, package) in packages.iter().enumerate() {
            package.change("src/bpf/count.bpf.c", &program(&variable(index)));
        }
        let builds = packages.each_ref().map(|package| start(package, "shared-target"));
        builds.into_iter().for_each(built);
        for (index, package) in packages.iter().enumerate() {
            let skeleton = package.read("src/bpf/count.skel.rs");
            assert!(skeleton.contains(&format!("pub {}: u64", variable(index))), "round {round}: {skeleton}");
            let object = fs::read(package.path("src/bpf/count.bpf.o")).expect("it is kept");
            assert!(object.windows(variable(index).len()).any(|bytes| bytes == variable(index).as_bytes()));
        }
    }
}

#[test]
fn a_package_can_be_built_by_several_at_once() {
    let Some(package) = counter("shared-self") else { return };
    // The headers that the builder writes are older than the objects from now on.
    package.change("src/bpf/count.bpf.c", &program("hits"));
    package.built_in_target("shared-self-target");
    for round in 0..10 {
        let variable = format!("hits_{round}");
        package.change("src/bpf/count.bpf.c", &program(&variable));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| built(start(&package, "shared-self-target")));
            }
        });
        assert!(package.read("src/bpf/count.skel.rs").contains(&format!("pub {variable}: u64")), "round {round}");
        assert_eq!(package.built_in_target("shared-self-target"), ["    Finished 1 skeleton, all up to date"]);
    }
}

#[test]
fn sources_of_one_name_are_each_compiled_once() {
    let Some(package) = Package::new("shared-names") else { return };
    for folder in ["one", "two"] {
        package.write(&format!("src/{folder}/count.bpf.c"), &program(&format!("hits_{folder}")));
    }
    package.configure("[package.metadata.skelgen]\nsources = [\"src/*/count.bpf.c\"]\n");
    package.built(&[]);
    for folder in ["one", "two"] {
        let skeleton = package.read(&format!("src/{folder}/count.skel.rs"));
        assert!(skeleton.contains(&format!("pub hits_{folder}: u64")), "{skeleton}");
    }
    assert_eq!(package.built(&[]), ["    Finished 2 skeletons, all up to date"]);
}
