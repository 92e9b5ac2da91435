#[derive(skelgen_runtime::Skeleton)]
struct Counters;

fn main() {}
