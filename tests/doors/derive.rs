//! The derives and a build script in a package that renames the runtime.

use std::fs;

use skelgen_tests::packages::{new_package, offline, run, scratch};
use skelgen_tests::static_build::cargo;

use crate::{fixture, target_dir};

#[test]
fn the_runtime_can_be_renamed() {
    let all = scratch("derive");
    let dependencies = "[dependencies]\nbpf = { package = \"skelgen-runtime\", path = \"../skelgen/runtime\" }\n";
    let package = new_package(&all, "other-name", dependencies);
    let main = format!(
        "#[derive(bpf::Skeleton)]\n#[skeleton(object = {object:?})]\nstruct Counters;\n\n\
         #[derive(Clone, Copy, bpf::PerCpu)]\n#[repr(C)]\nstruct CallRange {{ first_ns: u64, lowest: u32, highest: u32 }}\n\n\
         fn main() -> bpf::Result<()> {{\n    let open = Counters::open()?;\n    \
         let range = CallRange {{ first_ns: open.percpu.hits, lowest: 0, highest: 0 }};\n    \
         println!(\"{{}} {{}} {{}}\", range.first_ns, range.lowest, range.highest);\n    Ok(())\n}}\n",
        object = fixture("counters"),
    );
    fs::write(package.join("src/main.rs"), main).unwrap();
    run(offline(cargo().args(["check", "--quiet"]), &package, &target_dir()));
    fs::remove_dir_all(all).unwrap();
}

#[test]
fn a_build_script_finds_the_name_in_the_manifest() {
    let all = scratch("renamed-build-script");
    let dependencies = "[dependencies]\nbpf-rt = { package = \"skelgen-runtime\", path = \"../skelgen/runtime\" }\n\n\
                        [build-dependencies]\nskelgen = { path = \"../skelgen/skelgen\" }\n";
    let package = new_package(&all, "other-name-built", dependencies);
    let script = format!(
        "fn main() -> Result<(), skelgen::BuildError> {{\n    \
         skelgen::Builder::new().object({:?}).generate_to_out_dir()\n}}\n",
        fixture("counters")
    );
    fs::write(package.join("build.rs"), script).unwrap();
    let main = "include!(concat!(env!(\"OUT_DIR\"), \"/counters.skel.rs\"));\n\n\
                fn main() -> bpf_rt::Result<()> {\n    println!(\"{}\", counters::Counters::open()?.percpu.hits);\n    Ok(())\n}\n";
    fs::write(package.join("src/main.rs"), main).unwrap();
    run(offline(cargo().args(["check", "--quiet"]), &package, &target_dir()));
    fs::remove_dir_all(all).unwrap();
}
