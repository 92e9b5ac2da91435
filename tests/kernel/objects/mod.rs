//! Objects of other makes than usual: old ones, plain ones, and those that leave it to the user what they are.

mod functions;
mod inner_maps;
mod other_tools;
mod targets;
mod types;
mod unknown;
mod without_btf;
