//! What a recurrent net adds: every kind of model on one split of one file, by the same figures.
//!
//! Models without memory see a window of what came before; models with memory that are no nets, and
//! recurrent nets, all of it. Nets are trained alike: [`BaselineSettings`] has how.

mod descent;
mod forecasting;
mod language;
mod page;
mod tagging;

use std::collections::BTreeMap;
use std::time::Instant;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub use forecasting::forecast_baselines;
pub use language::language_baselines;
pub use tagging::tag_baselines;

use crate::bounds::{bounded, counts, different, features, held_out, positive, rows};
use crate::{CellKind, Section, TrainError};

/// How baselines are made, whatever they are of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineSettings {
    /// Units of a hidden layer, recurrent or not; of symbols as many features.
    pub hidden: usize,
    /// Inputs that a net without memory sees.
    pub window: usize,
    /// Sequences that a step learns from.
    pub batch: usize,
    /// Steps of Adam, whose rate falls as a cosine; gradients are clipped at a norm of 1.
    pub steps: usize,
    /// The learning rate.
    pub lr: f64,
    /// The part that is held out, at the end.
    pub valid_fraction: f64,
    /// The states of hidden Markov models.
    pub states: usize,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// The recurrent cells.
    pub cells: Vec<CellKind>,
}

impl Default for BaselineSettings {
    fn default() -> Self {
        Self {
            hidden: 128,
            window: 8,
            batch: 32,
            steps: 500,
            lr: 4e-3,
            valid_fraction: 0.02,
            states: 16,
            seed: 0,
            cells: CellKind::value_variants().to_vec(),
        }
    }
}

impl BaselineSettings {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    pub fn check(&self) -> Result<(), TrainError> {
        features([
            ("hidden", self.hidden),
            ("window", self.window),
            ("states", self.states),
        ])?;
        rows([("batch", self.batch)])?;
        counts([("steps", self.steps)])?;
        bounded([("seed", self.seed as usize)])?;
        positive([("lr", Some(self.lr))])?;
        held_out(self.valid_fraction)?;
        different("cells", &self.cells, |cell| cell.name())
    }
}

/// What a model knows of what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remembers {
    /// Nothing, or a window of it.
    Window,
    /// All, in a state that is no net's.
    State,
    /// All, in the units of a recurrent net.
    Recurrence,
}

/// One model, and what it reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineRow {
    /// What it is.
    pub model: String,
    /// What it knows of what came before.
    pub remembers: Remembers,
    /// Numbers that were learned; of n-grams, the counts that are kept.
    pub parameters: usize,
    /// Its figures on what is held out, by name.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
    /// How long learning took.
    pub fit_seconds: f64,
    /// How long one step takes, of one sequence: from what comes to what is foreseen.
    pub step_microseconds: f64,
}

/// Every model on one split of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    /// `lm`, `forecast` or `tag`.
    pub task: &'static str,
    /// The data.
    pub data: String,
    /// What a symbol of a text is; nothing of other data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The number of symbols, the unknown one included; nothing of other data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
    /// What was computed on.
    pub device: String,
    /// What is learned from: symbols, steps, sentences.
    pub learned_from: usize,
    /// What is held out, of the same.
    pub held_out: usize,
    /// How nets were trained.
    pub settings: BaselineSettings,
    /// The figures that rows have, the one that counts most first.
    pub figures: Vec<&'static str>,
    /// The models.
    pub rows: Vec<BaselineRow>,
    /// What they said of what is held out, drawn; nothing of symbols.
    #[serde(skip)]
    pub shown: Vec<Section>,
}

/// The median time of a step, in microseconds.
fn step_microseconds(
    steps: usize,
    mut step: impl FnMut(usize) -> Result<(), TrainError>,
) -> Result<f64, TrainError> {
    let mut times = Vec::with_capacity(steps);
    for index in 0..steps {
        let start = Instant::now();
        step(index)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(steps / 2).copied().unwrap_or(f64::NAN) * 1e6)
}
