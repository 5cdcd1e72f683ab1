//! Training, evaluating and using a language model, from a text to a run folder and back.

mod cells;
mod estimate;
mod evaluation;
mod exchange;
mod journal;
mod training;
mod writing;

pub use estimate::{Estimate, estimate_language_model};
pub use evaluation::{EvaluationReport, evaluate_language_model};
pub use exchange::{ExchangeReport, export_language_model, import_language_model};
pub use training::{Display, TrainReport, resume_language_model, train_language_model};
pub use writing::{Writer, open_writer};

use std::path::{Path, PathBuf};

use backdraft_cells::{Cell, SequenceConfig};
use backdraft_data::{Vocabulary, read_text};
use backdraft_models::LanguageModel;
use burn::module::Module;
use burn::tensor::Device;

use crate::{Run, Settings, TrainError, burn_source};

/// What the text that is there without being asked for is called.
const DEMO: &str = "the Rust source of Burn";

/// A text, and what to call it.
#[derive(Debug, Clone)]
pub struct Text {
    /// The text.
    pub content: String,
    /// Where it is from.
    pub source: String,
    /// Where it can be read again, if it is a file or a folder.
    pub path: Option<PathBuf>,
}

impl Text {
    /// A text that is at hand, called `source`.
    pub fn new(content: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            source: source.into(),
            path: None,
        }
    }

    /// Of a file or a folder.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not UTF-8 or is empty.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        Ok(Self {
            content: read_text(path)?,
            source: path.display().to_string(),
            path: std::path::absolute(path).ok(),
        })
    }

    /// The text that is there without being asked for: Burn's source.
    ///
    /// # Errors
    ///
    /// When it is not on this machine.
    pub fn demo() -> Result<Self, TrainError> {
        Ok(Self {
            content: burn_source()?,
            source: DEMO.to_string(),
            path: None,
        })
    }
}

/// The model of a run, with its weights, on a device, for use.
fn load<K: SequenceConfig<Built: Cell>>(
    run: &Run,
    settings: &Settings,
    vocabulary: &Vocabulary,
    cell: K,
    device: &Device,
) -> Result<LanguageModel<K::Built>, TrainError> {
    settings.check()?;
    // New weights first, on the CPU: what a file does not fit is refused before a GPU is touched.
    let model = settings
        .model(vocabulary.len(), cell)
        .init(&Device::flex())?;
    Ok(run.load_weights(model)?.fork(device).valid())
}
