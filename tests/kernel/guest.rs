//! The matrix itself: a cell is the kernel and the CPUs that it says.

use skelgen_runtime::cpus;
use skelgen_tests::{kernel_version, matrix};

#[test]
fn a_cell_is_what_it_says() {
    let Some(guest) = matrix() else { return };
    let (major, minor) = kernel_version();
    assert_eq!(format!("{major}.{minor}"), guest.kernel);
    assert_eq!(cpus::possible().unwrap().count() as u32, guest.cpus);
}
