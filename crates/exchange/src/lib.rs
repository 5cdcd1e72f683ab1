//! Weights and layers to and from other frameworks.
//!
//! | framework | what comes and goes |
//! |---|---|
//! | [PyTorch](pytorch) | `nn.RNN`, `nn.LSTM`, `nn.GRU` and whole models: `.safetensors` both ways, `.pt` in |
//! | [Keras](keras) | `SimpleRNN`, `LSTM`, `GRU`: the arrays of `get_weights()`, both ways |
//! | [ONNX](onnx) | `RNN`, `LSTM` and `GRU` nodes of a model file, in |
//!
//! # Example
//!
//! A two-layer bidirectional LSTM out, as PyTorch's `load_state_dict(strict=True)` takes it, and
//! back in:
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use backdraft_exchange::pytorch::StateDict;
//! use burn::tensor::Device;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lstm = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 5)), 2);
//! let device = Device::default();
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("tagger.safetensors");
//! // In PyTorch: torch.nn.LSTM(3, 5, num_layers=2, bidirectional=True), called `encoder`.
//! StateDict::of(&lstm.init(&device)?, "encoder.")?.save(&path)?;
//!
//! let state = StateDict::open(&path)?;
//! assert_eq!(state.shape("encoder.weight_ih_l1_reverse"), Some(&[20, 10][..]));
//! let lstm = state.load(lstm.init(&device)?, "encoder.")?;
//! assert_eq!(lstm.output_size(), 10);
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod error;
pub mod keras;
mod not_finite;
pub mod onnx;
pub mod pytorch;

pub use error::{Error, Mismatch, Proposal, Shaped};
pub use not_finite::NotFinite;
