//! What a wrong `derive(Skeleton)` says: each file in `ui/` is named by its mistake.

#[test]
fn mistakes_are_told() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
