use skelgen_runtime::PerCpu;

#[derive(PerCpu)]
#[repr(C)]
enum State {
    Idle,
    Busy,
}

fn main() {}
