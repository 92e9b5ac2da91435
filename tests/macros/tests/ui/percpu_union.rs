use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
union Choice {
    number: u64,
    text: [u8; 12],
}

fn main() {}
