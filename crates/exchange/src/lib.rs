//! Weights and layers to and from PyTorch, Keras and ONNX.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod onnx;
