//! Text to symbols to batches of sequences, for recurrent models on [Burn](https://burn.dev).
//!
//! [`read_text`] reads a file or a folder of files, of which [`TextFiles`] picks some; a [`Vocabulary`] turns
//! text to symbols and back; [`Streams`] cuts symbols into parallel streams and those into windows, each of which
//! continues the one before it: what truncated backpropagation through time learns from. A [`Cut`]
//! tells where windows of other kinds lie. [`read_series`] reads series in time from tables.
//!
//! [`Pairs`] reads a source and a target from each row of a table, [`read_parallel`] from each line of two files; [`Buckets`] groups rows of similar length into
//! batches, and a [`Padded`] batch holds rows that differ in length.
//!
//! [`read_labelled`] reads texts with labels from a table, [`ClassFolders`] from a folder for each class;
//! [`WordVectors`] are those of words that were learned elsewhere.
//!
//! [`read_arrays`] reads [`FeatureSequences`] from NumPy's files; [`Mfcc`] makes such vectors of
//! sound, which [`read_wav`] reads.
//!
//! ```
//! use backdraft_data::{Streams, Vocabulary};
//!
//! # fn main() -> Result<(), backdraft_data::DataError> {
//! let text = "the quick brown fox jumps over the lazy dog";
//! let vocabulary = Vocabulary::of(text);
//! let streams = Streams::new(&vocabulary.encode(text), 2, 5)?;
//!
//! let window = streams.windows().next().unwrap();
//! assert_eq!(vocabulary.decode(window.inputs.row(0)), "the q");
//! assert_eq!(vocabulary.decode(window.targets.row(0)), "he qu");
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod abc;
mod arrays;
mod buckets;
mod bytes;
mod class_folders;
mod conll;
mod cut;
mod encoding;
mod error;
mod features;
mod held_out;
mod labelled;
mod line;
mod mfcc;
mod npy;
mod padded;
mod pairs;
mod pieces;
mod place;
mod series;
mod streams;
mod text;
mod text_files;
mod units;
mod vocabulary;
mod wav;
mod word_vectors;
mod word_vocabulary;
mod words;

pub use abc::{Tune, read_tunes};
pub use arrays::{ArrayNames, Classes, read_arrays};
pub use buckets::{BatchSize, Buckets};
pub use bytes::{byte_name, byte_of_name};
pub use class_folders::ClassFolders;
pub use conll::{ConllColumns, ConllReader, PassedOver, TaggedSentence};
pub use cut::{Cut, Span};
pub use encoding::Encoding;
pub use error::DataError;
pub use features::{FeatureSequences, moments};
pub use held_out::hold_out;
pub use labelled::{LabelColumns, LabelledText, LabelledTexts, has_commas, read_labelled};
pub use mfcc::{Framing, Logarithm, MelScale, Mfcc, MfccConfig, WindowFunction};
pub use padded::Padded;
pub use pairs::{Pair, PairColumns, Pairs, read_parallel};
pub use pieces::Pieces;
pub use place::Place;
pub use series::{Calendar, SeriesColumns, Step, Time, TimeSeries, read_series, read_series_from};
pub use streams::{StreamWindow, Streams, Symbols};
pub use text::{read_text, read_text_from, split_held_out};
pub use text_files::{FoundText, TextFiles};
pub use units::{Spelling, Units};
pub use vocabulary::Vocabulary;
pub use wav::{Sound, read_wav};
pub use word_vectors::WordVectors;
pub use word_vocabulary::WordVocabulary;
pub use words::words;
