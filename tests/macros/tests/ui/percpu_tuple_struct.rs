use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
struct Totals(u64, u64);

fn main() {}
