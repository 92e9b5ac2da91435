#[derive(skelgen_runtime::Skeleton)]
struct Counters(u64);

fn main() {}
