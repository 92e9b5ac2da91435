#[derive(skelgen_runtime::Skeleton)]
#[skeleton()]
struct Counters;

fn main() {}
