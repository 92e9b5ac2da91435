//! The end of `cargo test --workspace`: what could not run here, and why.
//!
//! Not a test. Cargo runs the test targets of a workspace by the names of packages and targets, and this one is last.

use skelgen_tests::not_run::{self, NotRun};

fn main() {
    let NotRun { reasons, in_matrix } = not_run::so_far();
    println!();
    if reasons.is_empty() {
        println!("Every test that was started could run here.");
    } else {
        println!("What could not run here:");
    }
    for (why, tests) in reasons {
        let (elsewhere, nowhere): (Vec<_>, Vec<_>) = tests.iter().partition(|test| in_matrix.contains(*test));
        println!("\n  {why}");
        for test in nowhere {
            println!("    {test}");
        }
        match elsewhere.len() {
            0 => {}
            1 => println!("    {}, which ran on another kernel of the matrix", elsewhere[0]),
            some => println!("    {some} tests, which ran on other kernels of the matrix"),
        }
    }
    println!();
    not_run::forget_former_runs();
}
