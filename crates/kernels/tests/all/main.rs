//! What the kernels compute, against the same written out plainly.

mod additive;
mod cross_entropy;
mod numbers;
mod portable;
mod program;
mod vanishing;
