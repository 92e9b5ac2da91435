//! `docs/pictures`: SVG with text as text, readable on light and dark pages.

mod percpu;
mod pipeline;
mod svg;
mod terminal;

use crate::{is_up_to_date, root};

fn is_current(name: &str, picture: &str) {
    let path = root().join("docs/pictures").join(name);
    assert!(
        is_up_to_date(&path, picture),
        "{name} is out of date: run SKELGEN_BLESS=1 cargo test -p skelgen-tests --test docs"
    );
}

#[test]
fn percpu_is_up_to_date() {
    is_current("percpu.svg", &percpu::picture());
}

#[test]
fn pipeline_is_up_to_date() {
    is_current("pipeline.svg", &pipeline::picture());
    for folder in pipeline::folders() {
        assert!(root().join(folder).exists(), "the picture names {folder}");
    }
}

#[test]
fn inspect_is_up_to_date() {
    is_current("inspect.svg", &terminal::inspect());
}

#[test]
fn verifier_is_up_to_date() {
    terminal::verifier_log_is_current();
    is_current("verifier.svg", &terminal::verifier());
}
