//! What is generated is Rust that compiles, without a warning.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use skelgen_tests::Part;
use skelgen_tests::cells::say;
use skelgen_tests::not_run::{may_take_minutes, not_run};
use skelgen_tests::static_build::cargo;

use crate::generate::generate;
use crate::objects::{self, scratch};

#[test]
fn generated_rust_compiles() {
    let objects = match objects::all() {
        Ok(objects) => objects,
        Err(why) => return not_run(Part::Selftests, why),
    };
    if !may_take_minutes(Part::Selftests) {
        return;
    }
    let folder = scratch().join("generated");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src")).unwrap();
    let mut modules = String::new();
    for (index, object) in objects.iter().enumerate() {
        let Ok(source) = generate(object) else { continue };
        // A name that rustc has nothing to say of, whatever the object's is.
        let name = objects::name(object).to_lowercase();
        let words: Vec<_> = name.split(['.', '-', '_']).filter(|word| !word.is_empty()).collect();
        let module = format!("{}_{index}", words.join("_"));
        fs::write(folder.join(format!("src/{module}.rs")), source).unwrap();
        modules += &format!("pub mod {module};\n");
    }
    let count = modules.lines().count();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::write(folder.join("src/lib.rs"), format!("#![deny(warnings)]\n{modules}")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest(&root)).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();

    let mut check = cargo();
    check.current_dir(&folder).args(["check", "--offline", "--quiet"]);
    check.arg("--target-dir").arg(scratch().join("generated-target"));
    let output = check.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    say(&format!("\n{count} skeletons compiled, of {} objects\n", objects.len()));
    assert!(output.status.success(), "generated Rust does not compile:\n{errors}");
}

fn manifest(root: &Path) -> String {
    format!(
        "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nskelgen-runtime = {{ path = {:?} }}\n\n[workspace]\n",
        root.join("runtime")
    )
}
