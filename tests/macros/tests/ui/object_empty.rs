#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "")]
struct Counters;

fn main() {}
