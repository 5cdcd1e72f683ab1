//! How well a run's model foresees a text.

use std::path::Path;
use std::time::Instant;

use backdraft_data::Units;
use backdraft_models::LanguageModel;
use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::InferenceStep;
use serde::Serialize;

use super::{Text, evaluated, load};
use crate::{AnyLayer, PickedDevice, Run, Settings, TrainError, Trainee, Window};

/// What `backdraft evaluate` prints.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationReport {
    /// The mean cross-entropy, in nats a symbol.
    pub loss: f64,
    /// The same in bits, a character of the text.
    pub bits_per_character: f64,
    /// Among how many symbols the model is as unsure as if all were alike: `exp(loss)`.
    pub perplexity: f64,
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
    let units = run.units()?;
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
    let total = total(&run, settings, &units, &text.content, &device.device)?;
    let loss = total.nats / total.symbols as f64;
    if !loss.is_finite() {
        return Err(TrainError::NoSymbol);
    }
    Ok(EvaluationReport {
        loss,
        bits_per_character: loss * total.bits_a_nat,
        perplexity: loss.exp(),
        symbols: total.symbols,
        unknown: total.unknown,
        device: device.name.clone(),
        seconds: start.elapsed().as_secs_f64(),
        data: text.source,
    })
}

/// What a text comes to.
struct Total {
    /// The sum of the loss.
    nats: f64,
    /// Symbols that were foreseen.
    symbols: usize,
    /// Of these, symbols that the model does not know.
    unknown: usize,
    /// Bits that a character costs, for each nat that a symbol does.
    bits_a_nat: f64,
}

fn total(
    run: &Run,
    settings: &Settings,
    units: &Units,
    text: &str,
    device: &Device,
) -> Result<Total, TrainError> {
    let model = load(run, settings, units, device)?;
    let text = evaluated(text, units, settings, device)?;
    let model = Trainee { model };
    let windows: &dyn DataLoader<Window<LanguageModel<AnyLayer>>> = &text.windows;
    let (mut nats, mut state) = (0.0, None);
    for window in windows.iter() {
        let mut window = window.expect("windows of a text in memory");
        window.state = state.take();
        let output = InferenceStep::step(&model, window);
        nats += output.nats.into_data().iter::<f64>().sum::<f64>();
        state = output.state;
    }
    let streams = text.streams;
    let all = streams.between(0..streams.steps());
    let targets = (0..streams.batch()).flat_map(|row| all.targets.row(row));
    let unknown = targets.filter(|symbol| Some(**symbol) == units.unknown());
    Ok(Total {
        nats,
        symbols: streams.predicted(),
        unknown: unknown.count(),
        bits_a_nat: text.bits_a_nat,
    })
}
