#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "Cargo.toml")]
struct Counters;

fn main() {}
