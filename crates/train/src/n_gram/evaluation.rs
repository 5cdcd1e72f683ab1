//! How well n-grams foresee a text.

use std::f64::consts::LN_2;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::{NGramFile, whole_lines};
use crate::{Text, TextUnit, TrainError};

/// What `backdraft evaluate FILE.arpa` prints.
#[derive(Debug, Clone, Serialize)]
pub struct NGramEvaluation {
    /// The mean cross-entropy, in nats a symbol, the ends of lines included.
    pub loss: f64,
    /// The same in bits, a character of the text.
    pub bits_per_character: f64,
    /// Among how many symbols the model is as unsure as if all were alike: `exp(loss)`.
    pub perplexity: f64,
    /// What a symbol is: `char`, `byte` or `word`.
    pub unit: &'static str,
    /// Symbols that were foreseen.
    pub symbols: usize,
    /// Of these, symbols that the model does not know.
    pub unknown: usize,
    /// How long it took.
    pub seconds: f64,
    /// The text.
    pub data: String,
}

/// Measures how well an ARPA file foresees a text, line by line; `unit` is as [`NGramFile::read`] takes it.
///
/// # Errors
///
/// When the file cannot be used.
pub fn evaluate_n_grams(
    path: &Path,
    unit: Option<&TextUnit>,
    text: &Text,
) -> Result<NGramEvaluation, TrainError> {
    let start = Instant::now();
    let file = NGramFile::read(path, unit)?;
    let content = whole_lines(&text.content);
    let symbols = file.units.encode(&content)?;
    let nats: f64 = file.model.nats(&symbols)?.iter().sum();
    let unknown = symbols
        .iter()
        .filter(|symbol| Some(**symbol) == file.units.unknown());
    let loss = nats / symbols.len() as f64;
    Ok(NGramEvaluation {
        loss,
        bits_per_character: nats / LN_2 / content.chars().count() as f64,
        perplexity: loss.exp(),
        unit: file.unit(),
        unknown: unknown.count(),
        symbols: symbols.len(),
        seconds: start.elapsed().as_secs_f64(),
        data: text.source.clone(),
    })
}
