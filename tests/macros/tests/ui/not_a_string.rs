#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = counters)]
struct Counters;

fn main() {}
