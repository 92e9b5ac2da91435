//! The contents and manifests of the packages that are published.

use std::path::Path;

use skelgen_tests::packages::run;
use skelgen_tests::static_build::cargo;

/// Packages and their folders, in the order of their dependencies.
const PUBLISHED: [(&str, &str); 5] = [
    ("skelgen-abi", "skelgen/abi"),
    ("skelgen", "skelgen"),
    ("skelgen-macros", "skelgen-macros"),
    ("skelgen-runtime", "runtime"),
    ("cargo-skelgen", "skelgen/cargo-skelgen"),
];

fn manifest(folder: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("Cargo.toml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn packages_have_licences_and_a_readme() {
    for (package, _) in PUBLISHED {
        let files = run(cargo().args(["package", "--list", "--allow-dirty", "--offline", "-p", package]));
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
            assert!(files.lines().any(|line| line == file), "{package} lacks {file}: {files}");
        }
        // Tests need the fixtures, which are in no package.
        assert!(!files.lines().any(|line| line.starts_with("tests/")), "{package}: {files}");
    }
}

#[test]
fn manifests_say_what_the_registry_shows() {
    for (package, folder) in PUBLISHED {
        let manifest = manifest(folder);
        let keys = [
            "description = ",
            "readme = ",
            "license.",
            "keywords.",
            "categories.",
            "rust-version.",
            "[package.metadata.docs.rs]",
        ];
        for key in keys {
            assert!(manifest.lines().any(|line| line.starts_with(key)), "{package} lacks {key}");
        }
    }
}

/// Cargo publishes a package after its dependencies with a version, development dependencies included.
#[test]
fn no_dependency_points_back() {
    for (index, (package, folder)) in PUBLISHED.into_iter().enumerate() {
        let manifest = manifest(folder);
        for (later, _) in &PUBLISHED[index..] {
            for start in [format!("{later}."), format!("{later} =")] {
                assert!(!manifest.lines().any(|line| line.starts_with(&start)), "{package} depends on {later}");
            }
        }
    }
}
