//! Text to symbols to batches of sequences, for recurrent models on [Burn](https://burn.dev).
//!
//! [`read_text`] reads a file or a folder of files; a [`Vocabulary`] turns text to symbols and
//! back; [`Streams`] cuts symbols into parallel streams and those into windows, each of which
//! continues the one before it: what truncated backpropagation through time learns from.
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

mod error;
mod streams;
mod text;
mod vocabulary;

pub use error::DataError;
pub use streams::{Streams, Symbols, Window};
pub use text::{read_text, read_text_where, split_held_out};
pub use vocabulary::Vocabulary;
