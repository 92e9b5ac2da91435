//! Everything that needs a kernel, a module for each topic.
//!
//! `cargo test` runs it on the running kernel, and `matrix` on all others: the same code, built once more without any
//! library to load. So a test here takes nothing from the machine but its kernel: no files of this repository, no
//! commands. What loads begins with `if !may_load() { return; }`.

mod aliases;
mod allocations;
mod arena;
mod arg_ctx;
mod attach;
mod attach_perf;
mod attach_types;
mod bytes_copied;
mod cgroup;
mod command;
mod const_strings;
mod cpus;
mod derived;
mod equivalence;
mod examples;
mod exclusive;
mod generate;
mod global_percpu_data;
mod guest;
mod in_memory;
mod info;
mod inner_map;
mod insns;
mod iterators;
mod iterators_over;
mod jump_tables;
mod kconfig;
mod kfuncs;
mod kinds;
mod ksyms;
mod leaks;
mod load;
mod many;
mod map_types;
mod maps;
mod metadata;
mod min_kernel;
mod modes;
mod objects;
mod percpu;
mod percpu_alloc;
mod percpu_maps;
mod percpu_model;
mod pins;
mod private_data;
mod programs;
mod raw_elem;
mod read_only;
mod refused_types;
mod resize;
mod ring_buffer;
mod sections;
mod shapes;
mod shared_maps;
mod slots;
mod storages;
mod struct_ops;
mod threads;
mod token;
mod tracing_multi;
mod uprobes;
mod watch;
