//! The matrix itself: a cell is the kernel and the CPUs that it says.

use std::fs;

use skelgen_runtime::cpus;
use skelgen_tests::{is_loaded, kernel_version, matrix, not_on_this_kernel};

#[test]
fn a_cell_is_what_it_says() {
    let Some(guest) = matrix() else { return };
    let (major, minor) = kernel_version();
    assert_eq!(format!("{major}.{minor}"), guest.kernel);
    assert_eq!(cpus::possible().unwrap().count() as u32, guest.cpus);
}

/// The modules that were to be loaded are, and the kernel has taken their types. Not every kernel's could be had.
#[test]
fn the_modules_are_there() {
    if matrix().is_none() {
        return;
    }
    let Ok(order) = fs::read_to_string("/modules/order") else {
        return not_on_this_kernel("its modules, which the archive has dropped");
    };
    assert!(!order.is_empty());
    for module in order.lines() {
        assert!(is_loaded(module), "{module}");
    }
}
