//! `state_dict()`s of PyTorch's recurrent modules.
//!
//! ```text
//! here                                       there, l the layer, counted from 0
//! cell.gates.input_weight      W   [G H, I]  weight_ih_l{l}
//! cell.gates.recurrent_weight  R   [G H, P]  weight_hh_l{l}     P = H without projection
//! cell.gates.input_bias        b_W [G H]     bias_ih_l{l}
//! cell.gates.recurrent_bias    b_R [G H]     bias_hh_l{l}
//! cell.projection          W_hr [P, H]    weight_hr_l{l}
//! reverse of Bidirectional                   .._l{l}_reverse
//! ```
//!
//! Gates lie in the same order in both, so weights go over as they are. A [`Recurrent`] of one
//! direction is a module of one layer, a [`Bidirectional`] one of `bidirectional=True`, and a
//! [`Deep`] of either one of `num_layers`; [`Elman`], [`Lstm`] and [`Gru`] are `nn.RNN`, `nn.LSTM`
//! and `nn.GRU`. Layers that PyTorch does not have are refused.
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use backdraft_exchange::pytorch::StateDict;
//! use burn::tensor::{Device, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In PyTorch, in a module `tagger`:
//! //     self.encoder.rnn = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
//! //     torch.save({"epoch": 3, "model": tagger.state_dict(), ..}, "tagger_nested.pt")
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/tagger_nested.pt");
//! # /*
//! let path = "tagger_nested.pt";
//! # */
//! let lstm = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), 2);
//! let lstm = StateDict::open(path)?.load(lstm.init(&Device::default())?, "model.encoder.rnn")?;
//!
//! let batch = Tensor::<3>::ones([1, 7, 3], &Device::default());
//! assert_eq!(lstm.forward(batch)?.outputs.dims(), [1, 7, 8]);
//! # Ok(())
//! # }
//! ```
//!
//! Whole models go over in the same way: the twins of [`LanguageModel`], [`Classifier`], [`Tagger`], [`Forecaster`],
//! [`Translator`], [`Transcriber`] and [`Composer`] have the names of their fields, with an `nn.Embedding`, an
//! `nn.Linear` or a recurrent module each. The score of a tagger's tags is a `torchcrf.CRF` of the package pytorch-crf.
//! A [`Linear`] has a row for each input here and a column there; it is turned on the way.
//!
//! What is in the middle of names, of `torch.compile` (`_orig_mod.`), `nn.DataParallel` (`module.`) or AWD-LSTM's
//! WeightDrop (`weight_hh_l0_raw`), goes by rules: [`StateDict::renamed`]. Where names do not fit, the error proposes
//! the rules that would. Weights of `weight_norm` are put together by themselves; of other parametrizations PyTorch
//! gives the plain weights: `torch.nn.utils.parametrize.remove_parametrizations(module, name)`. A stack whose layers
//! are modules of their own becomes one by rules (`rnns.{n}.{w}_l0=rnn.{w}_l{n}`); if these are of several sizes,
//! each loads into a layer of its own, `state.load(layer, "rnns.0")`, for `Deep::new`.
//!
//! What a state dict does not hold, it cannot check: whether an `nn.RNN` was built for tanh or
//! ReLU, the dropout, `batch_first`.
//!
//! Files may come from anywhere, so none is trusted: no code in them is run, lengths they claim
//! are checked against the file before anything is allocated, and only tensors of the layer's own
//! names and shapes are read.
//!
//! [`Recurrent`]: backdraft_cells::Recurrent
//! [`Bidirectional`]: backdraft_cells::Bidirectional
//! [`Deep`]: backdraft_cells::Deep
//! [`Elman`]: backdraft_cells::Elman
//! [`Lstm`]: backdraft_cells::Lstm
//! [`Gru`]: backdraft_cells::Gru
//! [`LanguageModel`]: backdraft_models::LanguageModel
//! [`Classifier`]: backdraft_models::Classifier
//! [`Tagger`]: backdraft_models::Tagger
//! [`Forecaster`]: backdraft_models::Forecaster
//! [`Translator`]: backdraft_models::Translator
//! [`Transcriber`]: backdraft_models::Transcriber
//! [`Composer`]: backdraft_models::Composer
//! [`Linear`]: burn::nn::Linear

mod file;
mod models;
mod named;
mod parts;
mod proposal;
mod rename;
mod safetensors_file;
mod state_dict;
mod twin;
mod wanted;

pub use rename::Rename;
pub use state_dict::StateDict;
pub use twin::{Level, Parameter, Twin, TwinCell};
