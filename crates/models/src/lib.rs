//! Models built of Backdraft's recurrent cells.
//!
//! ```
//! use backdraft_cells::{LstmConfig, RecurrentConfig};
//! use backdraft_models::{LanguageModelConfig, Sampling};
//! use burn::tensor::Device;
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! // 50 symbols, embedded in 16 features, read by an LSTM of 32 units.
//! let lstm = RecurrentConfig::new(LstmConfig::new(16, 32));
//! let model = LanguageModelConfig::new(50, lstm).init(&Device::default())?;
//!
//! let mut writer = model.generator(Sampling::new().with_temperature(0.8), 42)?;
//! writer.read(&[3, 14, 15])?;
//! let written: Vec<u32> = writer.take(10).collect();
//! assert_eq!(written.len(), 10);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Translator`] writes one sequence given another, a [`BeamSearch`] finds the likeliest, and an
//! [`EditScore`] tells how far they are from what is right:
//!
//! ```
//! use backdraft_cells::{BidirectionalConfig, GruConfig, Lengths, RecurrentConfig};
//! use backdraft_models::{BeamSearch, TranslatorConfig};
//! use burn::tensor::{Device, Int, Tensor};
//!
//! # fn main() -> Result<(), backdraft_cells::Error> {
//! let device = Device::default();
//! // From 30 symbols to 40.
//! let encoder = BidirectionalConfig::new(GruConfig::new(8, 16));
//! let decoder = RecurrentConfig::new(GruConfig::new(8, 16));
//! let model = TranslatorConfig::new(30, 40, encoder, decoder).init(&device)?;
//!
//! let sources = Tensor::<2, Int>::from_data([[3, 1, 4, 1], [5, 9, 0, 0]], &device);
//! let search = BeamSearch::new(20).with_width(4).with_best(2);
//! let found = model.beam(sources, &Lengths::new([4, 2]), &search)?;
//! assert_eq!(found.len(), 2); // of each source
//! assert_eq!(found[0].len(), 2); // the two best, the best first
//! assert!(found[0][0].log_p >= found[0][1].log_p);
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod attention;
pub mod baselines;
mod beam;
mod bridge;
mod causal;
mod classification_scores;
mod classifier;
mod composer;
mod crf;
mod ctc;
mod distribution;
mod drawing;
mod edit;
mod eigenvalues;
mod embedding_dropout;
mod encoder;
mod forecast_scores;
mod forecaster;
mod generator;
mod host;
mod language_model;
mod linear;
mod log_probability;
mod penalties;
mod pooling;
mod probability;
mod sampling;
mod softmax;
mod source;
mod spans;
mod tag_scheme;
mod tagger;
mod tanh;
mod teacher;
mod transcriber;
mod translator;

pub use attention::{Additive, Annotations, Attended, Attention, AttentionConfig, Score};
pub use backdraft_cells::Error;
pub use beam::{BeamRows, BeamSearch, Hypothesis};
pub use bridge::{Bridge, state_features};
pub use classification_scores::ClassificationScores;
pub use classifier::{Classifier, ClassifierConfig};
pub use composer::{Composer, ComposerConfig, Conditioning};
pub use crf::{Crf, CrfConfig};
pub use ctc::{
    BLANK, CtcDecoding, CtcLoss, LabelModel, Labeling, PrefixBeam, WordList, ctc_loss, steps_needed,
};
pub use distribution::{Output, PointError, Predictive, ln_gamma};
pub use edit::{EditScore, Edits};
pub use eigenvalues::eigenvalues;
pub use encoder::{Encoder, EncoderConfig, EncoderState};
pub use forecast_scores::{
    coverage, crps, crps_of_samples, mase, naive_error, naive_forecast, rmse,
    seasonal_naive_forecast, smape, weighted_quantile_loss,
};
pub use forecaster::{
    Categories, CategoriesConfig, Forecaster, ForecasterConfig, ForecasterState, OneStep,
    SamplePaths, Scale, Scaling, Series, SeriesLoss,
};
pub use generator::{Generator, Generators};
pub use language_model::{LanguageModel, LanguageModelConfig, SymbolLoss};
pub use penalties::Penalties;
pub use pooling::{LearntQuery, Pool, Pooling};
pub use sampling::Sampling;
pub use softmax::{Softmax, Tail};
pub use source::{Inputs, Source};
pub use spans::{Accuracy, Span, SpanScores, are_spans, spans, strict_spans};
pub use tag_scheme::{Constraints, TagScheme};
pub use tagger::{
    Characters, CharactersConfig, Decoder, Spellings, Tagger, TaggerConfig, TaggerInput, padded,
};
pub use transcriber::{Transcriber, TranscriberConfig};
pub use translator::{Foreseen, ScheduledSampling, Translator, TranslatorConfig};
