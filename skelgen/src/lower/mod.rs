//! The second image of a program, for kernels that cannot address a `.percpu` variable directly.
