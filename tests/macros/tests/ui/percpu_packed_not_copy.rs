use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
struct Inner {
    low: u32,
}

#[derive(PerCpu)]
#[repr(C, packed)]
struct Outer {
    tag: u8,
    inner: Inner,
}

fn main() {}
