#[derive(skelgen_runtime::Skeleton)]
#[skeleton(crate = skelgen_runtime)]
struct Counters;

fn main() {}
