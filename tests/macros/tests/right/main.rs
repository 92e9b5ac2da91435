//! What the derives take, where it stands and with which options.

mod derives_of_other_crates;
mod everywhere;
mod min_kernel;
mod type_options;
