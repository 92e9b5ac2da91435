//! The end of `cargo test --workspace`: what could not run here, and why.
//!
//! Not a test. Cargo runs the test targets of a workspace by the names of packages and targets, and this one is last.

use skelgen_tests::not_run;

fn main() {
    let reasons = not_run::so_far();
    println!();
    if reasons.is_empty() {
        println!("Every test that was started could run here.");
    } else {
        println!("What could not run here:");
    }
    for (why, tests) in reasons {
        println!("\n  because {why}");
        for test in tests {
            println!("    {test}");
        }
    }
    println!();
    not_run::forget_former_runs();
}
