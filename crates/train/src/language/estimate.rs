//! What a training would be, before it is begun.

use std::fmt;
use std::time::{Duration, Instant};

use backdraft_cells::{Cell, Layer};
use backdraft_models::LanguageModel;
use burn::module::Module;
use burn::optim::GradientsParams;
use serde::Serialize;

use super::Text;
use super::cells::with_cell;
use super::training::{Texts, new_model, paths};
use crate::{Objective, OptimizerKind, PickedDevice, Settings, SymbolBatch, TrainError};

/// How long is tried, at most.
const TRIED: Duration = Duration::from_secs(3);

/// What `backdraft train .. --dry-run` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// The recurrent layers.
    pub model: String,
    /// Which way they go, and why.
    pub path: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Symbols of the vocabulary, the unknown one included.
    pub vocabulary: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub weight_bytes: usize,
    /// Bytes, about, that a window keeps for its backward pass.
    pub window_bytes: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Symbols that it would learn from.
    pub symbols: usize,
    /// Seconds, about, that it would take without evaluation: some steps were tried.
    pub seconds: f64,
    /// What it was tried on.
    pub device: String,
    /// The text.
    pub data: String,
}

/// Tries some steps of a training and leaves nothing behind.
///
/// # Errors
///
/// As [`train_language_model`](crate::train_language_model).
pub fn estimate_language_model(
    settings: &Settings,
    text: &Text,
    device: &PickedDevice,
) -> Result<Estimate, TrainError> {
    settings.check()?;
    let (texts, _) = Texts::of(text, settings)?;
    with_cell!(settings, |cell| {
        let model = new_model(settings, &texts.vocabulary, cell)?;
        estimate(&texts, model, settings, device)
    })
}

fn estimate<C: Cell>(
    texts: &Texts<'_>,
    model: LanguageModel<C>,
    settings: &Settings,
    device: &PickedDevice,
) -> Result<Estimate, TrainError> {
    let (parameters, vocabulary) = (model.num_params(), texts.vocabulary.len());
    let (_, steps) = settings.extent(texts.windows.len());
    let (positions, float) = (settings.batch * settings.unroll, size_of::<f32>());
    // The weights and their gradients; Adam has two moments, momentum one.
    let copies = match settings.optimizer {
        OptimizerKind::Adam => 4,
        OptimizerKind::Sgd => 3,
    };
    // Of each position what a recurrent layer keeps, some six numbers a unit, and the scores,
    // their logarithms and their gradient.
    let kept = 6 * settings.hidden * settings.layers + settings.embedding + 3 * vocabulary;
    Ok(Estimate {
        model: model.recurrent.describe(),
        path: paths(&model, &device.device),
        seconds: steps as f64 * seconds_a_step(texts, model, settings, device)?,
        parameters,
        vocabulary,
        weight_bytes: copies * parameters * float,
        window_bytes: positions * kept * float,
        steps,
        symbols: steps * positions,
        device: device.name.clone(),
        data: texts.source.to_string(),
    })
}

/// The median of some steps, the first left out: what is made once is made there.
fn seconds_a_step<C: Cell>(
    texts: &Texts<'_>,
    model: LanguageModel<C>,
    settings: &Settings,
    device: &PickedDevice,
) -> Result<f64, TrainError> {
    let device = device.device.clone().autodiff();
    let mut model = model.fork(&device).train();
    let mut optimizer = settings.optimizer();
    let (mut carried, mut times) = (None, Vec::new());
    let started = Instant::now();
    for window in texts.windows.windows() {
        let start = Instant::now();
        let batch = SymbolBatch {
            inputs: window.inputs.to_tensor(&device),
            targets: window.targets.to_tensor(&device),
        };
        let (nats, state) = Objective::loss(&model, batch, carried.take())?;
        let gradients = nats.mean().backward();
        let mut gradients = GradientsParams::from_grads(gradients, &model);
        let norm = settings.clipping.apply(&model, &mut gradients);
        model = optimizer.step(settings.lr, model, gradients);
        carried = Some(backdraft_cells::State::detach(state));
        // The step is over when its number is there.
        norm.into_scalar::<f32>();
        times.push(start.elapsed().as_secs_f64());
        if started.elapsed() > TRIED && times.len() > 1 {
            break;
        }
    }
    let mut times = times.split_off(times.len().min(2) - 1);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "text        {}, {} symbols known",
            self.data, self.vocabulary
        )?;
        writeln!(
            f,
            "model       {}, {} parameters",
            self.model, self.parameters
        )?;
        writeln!(f, "path        {}", self.path)?;
        writeln!(
            f,
            "memory      {:.1} MiB for weights, gradients and the optimiser; about {:.1} MiB for a window",
            mebi(self.weight_bytes),
            mebi(self.window_bytes)
        )?;
        writeln!(
            f,
            "steps       {}, over {} symbols",
            self.steps, self.symbols
        )?;
        let (seconds, rate) = (self.seconds, self.symbols as f64 / self.seconds);
        writeln!(
            f,
            "time        about {}:{:02} on {} ({rate:.0} symbols a second)",
            seconds as u64 / 60,
            seconds as u64 % 60,
            self.device
        )
    }
}
