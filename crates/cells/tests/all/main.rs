//! Cells, and what runs them, against PyTorch, finite differences and their equations.

mod activation_penalty;
mod activations;
mod aligned;
mod any;
mod carry;
mod configs;
mod deep;
mod dilated;
mod equations;
mod finite_differences;
mod gates;
mod hierarchical;
mod kernels;
mod nothing;
mod odd;
mod padding;
mod pytorch;
mod recomputed;
mod refusals;
mod scan;
mod stacked_state;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod textbook;
mod types;
mod watcher;
