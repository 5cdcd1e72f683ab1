//! How well a run's model foresees a text.

use std::path::Path;
use std::time::Instant;

use backdraft_cells::{Cell, SequenceConfig};
use backdraft_data::{Streams, Vocabulary};
use burn::tensor::Device;
use serde::Serialize;

use super::cells::with_cell;
use super::{Text, load};
use crate::{Objective, PickedDevice, Run, Settings, SymbolBatch, TrainError};

/// What `backdraft evaluate` prints.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationReport {
    /// The mean cross-entropy, in nats a symbol.
    pub loss: f64,
    /// The same in bits.
    pub bits_per_character: f64,
    /// Symbols that were foreseen.
    pub symbols: usize,
    /// Of these, symbols that the model does not know.
    pub unknown: usize,
    /// What it was computed on.
    pub device: String,
    /// How long it took.
    pub seconds: f64,
    /// The text.
    pub data: String,
}

/// Evaluates the model of a run on a text; without one, on the part that was held out of its own.
///
/// The text is read as in training: by as many streams, in windows of the same length, so that
/// the figure on the held-out part is the one that training gave.
///
/// # Errors
///
/// When the run or the text cannot be used.
pub fn evaluate_language_model(
    path: &Path,
    text: Option<Text>,
    device: &PickedDevice,
) -> Result<EvaluationReport, TrainError> {
    let start = Instant::now();
    let (run, description) = Run::open(path)?;
    let vocabulary = run.vocabulary()?;
    let text = match text {
        Some(text) => text,
        None => Text {
            content: run.held_out()?,
            source: match &description.made {
                Some(made) => format!("held out of {}", made.text),
                None => "held out".to_string(),
            },
            path: None,
        },
    };
    let settings = &description.settings;
    let (sum, symbols, unknown) = with_cell!(settings, |cell| {
        total(
            &run,
            settings,
            &vocabulary,
            cell,
            &text.content,
            &device.device,
        )
    })?;
    let loss = sum / symbols as f64;
    if !loss.is_finite() {
        return Err(TrainError::NoSymbol);
    }
    Ok(EvaluationReport {
        loss,
        bits_per_character: loss / std::f64::consts::LN_2,
        symbols,
        unknown,
        device: device.name.clone(),
        seconds: start.elapsed().as_secs_f64(),
        data: text.source,
    })
}

/// The sum of the loss, and the numbers of symbols foreseen and unknown.
fn total<K: SequenceConfig<Built: Cell>>(
    run: &Run,
    settings: &Settings,
    vocabulary: &Vocabulary,
    cell: K,
    text: &str,
    device: &Device,
) -> Result<(f64, usize, usize), TrainError> {
    let model = load(run, settings, vocabulary, cell, device)?;
    let streams = Streams::at_most(&vocabulary.encode(text), settings.batch, settings.unroll)?;
    let (mut sum, mut unknown, mut state) = (0.0, 0, None);
    for window in streams.windows() {
        let rows = 0..streams.batch();
        let symbols = rows.flat_map(|row| window.targets.row(row));
        unknown += symbols
            .filter(|symbol| **symbol == Vocabulary::UNKNOWN)
            .count();
        let batch = SymbolBatch {
            inputs: window.inputs.to_tensor(device),
            targets: window.targets.to_tensor(device),
        };
        let (nats, next) = Objective::loss(&model, batch, state)?;
        sum += nats.into_data().iter::<f64>().sum::<f64>();
        state = Some(next);
    }
    Ok((sum, streams.predicted(), unknown))
}
