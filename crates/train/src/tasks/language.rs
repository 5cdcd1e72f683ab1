//! Training, evaluating and using a language model, from a text to a run folder and back.

mod demo;
mod estimate;
mod evaluation;
mod folder;
mod inspection;
mod loader;
mod objective;
mod report;
mod settings;
mod shows;
mod task;
mod texts;
mod unknown;
mod writing;

pub use demo::burn_source;
pub use estimate::Estimate;
pub use evaluation::{EvaluationReport, evaluate_language_model};
pub use inspection::inspect_language_model;
pub use loader::StreamLoader;
pub use objective::SymbolBatch;
pub use report::TrainReport;
pub use settings::{Carrying, Dropping, LanguageSettings, Lexicon, Windows};
pub(crate) use shows::TERMS;
pub use task::Language;
pub(crate) use texts::held_out_text;
pub use unknown::VocabularyUse;
pub use writing::{Prompted, Writer};

use std::path::{Path, PathBuf};

use backdraft_data::{DataError, Streams, TextFiles, Units, read_text_from};
use burn::tensor::Device;

use crate::{Origin, TrainError};

/// What the text that is there without being asked for is called.
const DEMO: &str = "the Rust source of Burn";
/// What a text is called that is read from standard input.
const STANDARD_INPUT: &str = "standard input";

/// A text, and what to call it.
#[derive(Debug, Clone)]
pub struct Text {
    /// The text.
    pub content: String,
    /// Where it is from.
    pub source: String,
    /// Where it can be read again, if it is a file or a folder.
    pub path: Option<PathBuf>,
    /// Of each file of a folder that is not in it, why: it cannot be read, or is no text.
    pub skipped: Vec<String>,
}

impl Text {
    /// A text that is at hand, called `source`.
    pub fn new(content: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            source: source.into(),
            path: None,
            skipped: Vec::new(),
        }
    }

    /// Of a file or a folder.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is empty, and when a file is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        Self::open(Some(path), &LanguageSettings::default())
    }

    /// What comes from standard input, to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not UTF-8 or is empty.
    pub fn standard_input() -> Result<Self, TrainError> {
        let path = PathBuf::from(STANDARD_INPUT);
        let content = read_text_from(std::io::stdin().lock(), &path)?;
        match content.is_empty() {
            true => Err(TrainError::Data(DataError::Empty {
                path,
                reason: "it ended at once".to_string(),
            })),
            false => Ok(Self::new(content, STANDARD_INPUT)),
        }
    }

    /// The text that is there without being asked for: Burn's source.
    ///
    /// # Errors
    ///
    /// When it is not on this machine.
    pub fn demo() -> Result<Self, TrainError> {
        Self::open(None, &LanguageSettings::default())
    }

    /// Where it is from.
    pub(crate) fn origin(&self) -> Origin {
        match (&self.path, self.source.as_str()) {
            (Some(_), _) => Origin::File,
            (None, DEMO) => Origin::Burn,
            (None, _) => Origin::Caller,
        }
    }

    /// Of a file, or of those files of a folder that the settings include; or else Burn's source.
    /// Documents are told apart as the settings say.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read) and [`demo`](Self::demo).
    pub fn open(data: Option<&Path>, settings: &LanguageSettings) -> Result<Self, TrainError> {
        let between = settings.windows.separator();
        let Some(path) = data else {
            return Ok(Self::new(burn_source(between)?, DEMO));
        };
        let found = TextFiles::new()
            .with_between(between)
            .with_include(&settings.include)?
            .read(path)?;
        Ok(Self {
            content: found.content,
            source: path.display().to_string(),
            path: std::path::absolute(path).ok(),
            skipped: found.skipped.iter().map(DataError::to_string).collect(),
        })
    }
}

/// A text as it is evaluated: the windows of streams over its symbols, each position once.
struct Evaluated {
    streams: Streams,
    windows: StreamLoader,
    /// Bits that a character of the text costs, for each nat that a symbol does.
    bits_a_nat: f64,
}

fn evaluated(
    text: &str,
    units: &Units,
    settings: &LanguageSettings,
    streams: usize,
    device: &Device,
) -> Result<Evaluated, TrainError> {
    let (symbols, documents) = units.encode_documents(text, settings.windows.separator())?;
    let streams = Streams::at_most(&symbols, streams, settings.unroll)?.with_documents(documents);
    let cut = backdraft_data::Cut::new(settings.unroll)?;
    let windows = StreamLoader::new(streams.clone(), cut, device.clone())
        .with_carrying(settings.windows.carry);
    let symbols_a_character = symbols.len() as f64 / text.chars().count() as f64;
    Ok(Evaluated {
        streams,
        windows,
        bits_a_nat: symbols_a_character / std::f64::consts::LN_2,
    })
}
