#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../fixtures/counters.bpf.o")]
union Counters {
    whole: u64,
}

fn main() {}
