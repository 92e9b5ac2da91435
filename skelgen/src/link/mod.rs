//! Programs made whole: each entry program with the functions it reaches behind it.

mod program;

pub use program::{CoreRelo, FuncInfo, Function, LineInfo, Program};
