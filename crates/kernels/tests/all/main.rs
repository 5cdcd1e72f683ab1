//! What the kernels compute, against the same written out plainly.

mod portable;
mod program;
