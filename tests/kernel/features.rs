//! The runtime's tables of features and quirks: each feature is absent before its release and present from it on, and
//! each quirk is there in its releases and in no others, as far as they can be asked for.

use std::collections::BTreeSet;

use skelgen_runtime::kernel::{Feature, KernelVersion, Names, Probe, features, quirks};
use skelgen_tests::machine::matrix;
use skelgen_tests::{kernel_version, may_load, not_on_this_kernel};

/// Features that no kernel of the matrix lacks: they are only shown to be there.
const OLDER_THAN_THE_MATRIX: [&str; 3] = ["bpf_get_attach_cookie", "bpf_loop", "CO-RE relocations by the kernel"];

fn here() -> KernelVersion {
    kernel_version().into()
}

#[test]
fn each_feature_is_absent_before_its_release_and_present_from_it_on() {
    if !may_load() {
        return;
    }
    let names = Names::read();
    let mut wrong = Vec::new();
    for feature in features() {
        let Feature { name, since, needs, .. } = feature;
        let Some(has) = names.has(feature).unwrap_or_else(|error| panic!("{name}: {error}")) else { continue };
        match needs {
            // Kernels of the matrix have all of that.
            Some(needs) if !has && here() >= *since && matrix().is_none() => {
                not_on_this_kernel(format!("{name} came with Linux {since}, and needs {needs}"));
            }
            _ if has != (here() >= *since) => wrong.push(format!("{name} ({since}): {has}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "Linux {}: {wrong:#?}", here());
}

#[test]
fn each_quirk_is_there_in_its_releases_alone() {
    if !may_load() {
        return;
    }
    let mut wrong = Vec::new();
    for quirk in quirks() {
        let (Some(probe), Some(expected)) = (quirk.probe, quirk.affected.is(here())) else { continue };
        match probe().unwrap_or_else(|error| panic!("{}: {error}", quirk.what)) {
            Some(is) if is != expected => wrong.push(format!("{} ({}): {is}", quirk.what, quirk.affected)),
            Some(_) => {}
            None if expected => not_on_this_kernel(format!("this machine cannot show: {}", quirk.what)),
            None => {}
        }
    }
    assert!(wrong.is_empty(), "Linux {}: {wrong:#?}", here());
}

/// The kernels of the matrix, oldest first.
fn series() -> BTreeSet<KernelVersion> {
    let kernels = include_str!("../matrix/kernels.txt").lines().filter(|line| !line.starts_with('#'));
    kernels.filter_map(|line| KernelVersion::of_release(line.split_whitespace().next()?)).collect()
}

#[test]
fn the_matrix_has_a_kernel_before_and_after_each_release() {
    let series = series();
    let oldest = series.first().unwrap();
    let asked = features().filter(|feature| !matches!(feature.probe, Probe::None(_)));
    let (newer, older): (Vec<&Feature>, Vec<&Feature>) = asked.partition(|feature| feature.since > *oldest);
    assert!(newer.iter().all(|feature| series.range(feature.since..).next().is_some()), "{newer:#?}");
    let older: Vec<_> = older.iter().map(|feature| feature.name).collect();
    assert_eq!(older, OLDER_THAN_THE_MATRIX);
    // Half of the quirks that end or begin with a release can be asked for; each of those in both ways.
    for quirk in quirks().filter(|quirk| quirk.probe.is_some()) {
        let is: BTreeSet<_> = series.iter().map(|&kernel| quirk.affected.is(kernel).unwrap()).collect();
        assert_eq!(is.len(), 2, "{quirk:#?}");
    }
}

#[test]
fn each_feature_has_one_row() {
    let names: Vec<_> = features().map(|feature| feature.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}
