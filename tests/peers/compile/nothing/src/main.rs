//! An agent without programs.

fn main() {
    println!("{} events, {} lost", 0, 0);
}
