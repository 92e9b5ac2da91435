#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "counters.bpf.o")]
struct Counters {
    hits: u64,
}

fn main() {}
