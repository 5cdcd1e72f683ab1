//! What goes on inside a run's model: its weights, what its recurrent matrices do to a state, how
//! far back gradients reach, how open its gates are, and what single units follow.
//!
//! Each is measured in a file of its own, with the equations at its head. `backdraft inspect`
//! prints them, `backdraft report` draws them ([`drawing`]), and two of them ([`spectrum`],
//! [`gradient_through_time`]) are written by a training as it goes on, too ([`snapshots`]).

pub(crate) mod activity;
pub(crate) mod drawing;
pub(crate) mod features;
pub(crate) mod gradient_through_time;
pub(crate) mod layer_name;
mod recording;
pub(crate) mod snapshots;
pub(crate) mod spectrum;
pub(crate) mod units;
mod watching;
mod weights;

use backdraft_data::{DataError, StreamWindow, Streams, Units};
use backdraft_models::{Encoder, LanguageModel};
use burn::module::Module;
use serde::Serialize;

pub use activity::UnitActivity;
pub use features::Feature;
pub use gradient_through_time::{GradientNorm, StateGradient};
pub use layer_name::LayerName;
pub use spectrum::Spectrum;
pub use units::{Passage, TellingUnit};
pub use weights::WeightSummary;

use crate::TrainError;

/// What goes on inside a run's model.
#[derive(Debug, Clone, Serialize)]
pub struct Insight {
    /// The cell, as it is asked for.
    pub cell: String,
    /// Each tensor that was learned.
    pub weights: Vec<WeightSummary>,
    /// Of each recurrent matrix: layer by layer, gate by gate.
    pub spectra: Vec<Spectrum>,
    /// How far back gradients reach: layer by layer, each tensor of the state.
    pub gradients: Vec<StateGradient>,
    /// Steps of a window in training, beyond which no gradient went.
    pub unroll: usize,
    /// How open the gates are, and of each layer how far its units are from 0.
    pub activity: Vec<UnitActivity>,
    /// For each feature of the text, the unit that follows it most closely.
    pub units: Vec<TellingUnit>,
    /// What is not there, and why.
    pub missing: Vec<String>,
}

/// Whether the tensor of this name in a state is one to tell of: what a layer puts out, and what it
/// remembers. Others (a normaliser, a stabiliser, what was put out before) hold nothing of their own.
pub(crate) fn is_told(state: &str) -> bool {
    matches!(
        state,
        "hidden" | "cell" | "output" | "short_term" | "long_term" | "real" | "imaginary" | "0"
    )
}

/// Looks into `model`, which is not to be on an autodiff device, as it reads `held_out`.
pub(crate) fn look_into(
    model: &LanguageModel<Encoder>,
    cell: String,
    read_as: &Units,
    held_out: &str,
    unroll: usize,
) -> Result<Insight, TrainError> {
    let stacks = [("recurrent", &model.recurrent)];
    let spectra = spectrum::spectra(&stacks, spectrum::MOST_UNITS);
    let mut insight = Insight {
        cell,
        weights: weights::summarize(model),
        spectra,
        gradients: Vec::new(),
        unroll,
        activity: Vec::new(),
        units: Vec::new(),
        missing: Vec::new(),
    };
    if insight.spectra.is_empty() {
        let reason = "spectra: no matrix multiplies the last state of this cell";
        insight.missing.push(reason.to_string());
    }
    for spectrum in &insight.spectra {
        insight.missing.extend(spectrum.why_not());
    }
    let symbols = read_as.encode(held_out)?;
    let back = looked_back(&symbols, unroll, model.num_params())?;
    let rows = recording::rows(model);
    let (Some(back), Some(read)) = (back, at_most(&symbols, rows, recording::WINDOW)?) else {
        insight.missing.push(format!(
            "gradients through time, gates and units: the held-out text has {} symbols, too few \
             to read",
            symbols.len()
        ));
        return Ok(insight);
    };
    insight.gradients = gradient_through_time::of_text(model, &back)?;
    let recording = recording::record(model, &read)?;
    insight.activity = recording.activity;
    let is_by_character = match read_as {
        Units::Characters(_) => true,
        Units::Bytes => held_out.is_ascii(),
        Units::Words(_) | Units::Tokens(_) | Units::Pieces(_) => false,
    };
    if !is_by_character {
        let reason =
            "units: the features that units follow are only computed where a symbol is a character";
        insight.missing.push(reason.to_string());
        return Ok(insight);
    }
    let text = recording::rows_of_text(held_out, &read, recording.steps);
    let (units, missing) = units::telling(&recording.states, &text);
    insight.units = units;
    insight.missing.extend(missing);
    Ok(insight)
}

/// What a model of so many parameters reads of a text, to see how far back the gradients of its last loss reach; none of
/// a text that is too short.
pub(crate) fn looked_back(
    symbols: &[u32],
    unroll: usize,
    parameters: usize,
) -> Result<Option<StreamWindow>, TrainError> {
    let window = gradient_through_time::window(unroll);
    let rows = gradient_through_time::rows(window, parameters);
    let streams = at_most(symbols, rows, window)?;
    Ok(streams.map(|streams| streams.window(0)))
}

fn at_most(symbols: &[u32], rows: usize, window: usize) -> Result<Option<Streams>, TrainError> {
    match Streams::at_most(symbols, rows, window) {
        Ok(streams) => Ok(Some(streams)),
        Err(DataError::TooShort { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
