//! Models built of Backdraft's recurrent cells.
//!
//! ```
//! use backdraft_cells::{LstmConfig, SequenceConfig};
//! use backdraft_models::{LanguageModelConfig, Sampling};
//! use burn::tensor::Device;
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! // 50 symbols, embedded in 16 features, read by an LSTM of 32 units.
//! let model = LanguageModelConfig::new(50, LstmConfig::new(16, 32)).init(&Device::default())?;
//!
//! let mut writer = model.generator(Sampling::new().with_temperature(0.8), 42)?;
//! writer.read(&[3, 14, 15])?;
//! let written: Vec<u32> = writer.take(10).collect();
//! assert_eq!(written.len(), 10);
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod generator;
mod language_model;
mod sampling;

pub use backdraft_cells::Error;
pub use generator::Generator;
pub use language_model::{LanguageModel, LanguageModelConfig, SymbolLoss};
pub use sampling::Sampling;
