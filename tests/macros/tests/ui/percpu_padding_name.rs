use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
#[percpu(object = "../fixtures/percpu_types.bpf.o", map = "points")]
struct Point {
    x: i16,
    padding: [u8; 2],
    y: i32,
}

fn main() {}
