//! Weights and layers that come from elsewhere and go there.

mod keras;
mod models;
mod onnx;
mod parity;
mod pytorch;
mod refusals;
mod support;
mod wrapped;
