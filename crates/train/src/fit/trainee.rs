//! A model as burn-train takes it: a window forward, and its gradient.
//!
//! ```text
//! E = (1 / N) sum of the losses at the N positions learned from, over all parts of the window
//! ```
//!
//! Each part has a backward pass of its own: through all of it [at once](at_once), or
//! [piece by piece](recomputed).

mod at_once;
mod draws;
mod forward;
mod recomputed;

use std::time::Instant;

use backdraft_cells::State;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};

use crate::fit::metrics::WindowValues;
use crate::fit::seed::mix;
use crate::fit::step_times::finished;
use crate::{Batch, Norms, Objective, Part, Piece, Share, Window};
use draws::Draws;

/// A model as burn-train's `Learner` takes it.
#[derive(Module, Debug)]
pub struct Trainee<M: Module> {
    /// The model.
    pub model: M,
}

/// What a window gave; on its way to the metrics, what several did.
#[derive(Debug)]
pub struct WindowOutput<S> {
    /// The loss at each position that is learned from; of several windows, their mean.
    pub losses: Tensor<1>,
    /// Positions that were learned from.
    pub positions: usize,
    /// The norms of the whole gradient, in training.
    pub norms: Option<Norms>,
    /// Positions a second, if that was measured.
    pub rate: f64,
    /// Seconds of the forward pass, if that was timed.
    pub forward_seconds: f64,
    /// The state that the next window continues from, cut off from its graph.
    pub state: Option<S>,
    /// Which device computed it, of those that share a window; 0 where one has all of it.
    pub device: usize,
}

impl<S> WindowOutput<S> {
    fn of(losses: Vec<Tensor<1>>, state: Option<S>) -> Self {
        let losses = Tensor::cat(losses, 0);
        Self {
            positions: losses.dims()[0],
            losses,
            norms: None,
            rate: f64::NAN,
            forward_seconds: 0.0,
            state,
            device: 0,
        }
    }
}

/// What a part gave.
struct Learned<S> {
    gradients: GradientsParams,
    /// The losses, cut off from their graph, of each piece that is learned from.
    losses: Vec<Tensor<1>>,
    carried: Option<S>,
    /// When the forward pass was over, if it is timed.
    forward_ended: Option<Instant>,
}

impl<M: Objective> TrainStep for Trainee<M> {
    type Input = Window<M>;
    type Output = WindowOutput<M::State>;

    /// Forward and backward of each part.
    fn step(&self, window: Window<M>) -> TrainOutput<Self::Output> {
        let positions = window.learned();
        let mut accumulator = GradientsAccumulator::new();
        let (mut carried, mut losses) = (window.state, Vec::new());
        let (timed, mut forward_seconds) = (window.timed, 0.0);
        let share = window.share;
        for (number, part) in window.parts.into_iter().enumerate() {
            let (part, draws) = self.own(part, number, share);
            let device = timed
                .then(|| self.model.devices())
                .and_then(|all| all.first().cloned());
            let started = device.map_or_else(Instant::now, |device| finished(&device));
            carried = carried.filter(|_| !part.fresh);
            let learn = match part.recompute {
                true => recomputed::learn,
                false => at_once::learn,
            };
            let learned = learn(&self.model, part, carried, positions, timed, draws);
            if let Some(ended) = learned.forward_ended {
                forward_seconds += (ended - started).as_secs_f64();
            }
            accumulator.accumulate(self, learned.gradients);
            losses.extend(learned.losses);
            carried = learned.carried;
        }
        TrainOutput {
            grads: accumulator.grads(),
            item: WindowOutput {
                forward_seconds,
                device: share.map_or(0, |share| share.device),
                ..WindowOutput::of(losses, carried)
            },
        }
    }
}

impl<M: Objective> Trainee<M> {
    /// A part of a window as this device has it: where the model is, and with random numbers of its own, if the window
    /// is shared out.
    fn own(
        &self,
        part: Part<M::Batch>,
        number: usize,
        share: Option<Share>,
    ) -> (Part<M::Batch>, Draws) {
        let device = self.model.devices().first().cloned();
        let (Some(share), Some(device)) = (share, device) else {
            return (part, Draws::Next);
        };
        let piece = |piece: Piece<M::Batch>| Piece {
            batch: piece.batch.to_device(&device),
            begin: piece.begin.map(|begin| begin.to_device(&device)),
            ..piece
        };
        let part = Part {
            pieces: part.pieces.into_iter().map(piece).collect(),
            ..part
        };
        let seed = mix(share.seed, number as u64);
        (part, Draws::Seeded(device, seed))
    }
}

impl<M: Objective> InferenceStep for Trainee<M> {
    type Input = Window<M>;
    type Output = WindowOutput<M::State>;

    fn step(&self, window: Window<M>) -> Self::Output {
        let (mut carried, mut losses) = (window.state, Vec::new());
        for part in window.parts {
            carried = carried.filter(|_| !part.fresh);
            let run = forward::forward(&self.model, part, carried);
            losses.extend(run.losses.into_iter().map(|(own, _)| own));
            carried = run.carried;
        }
        WindowOutput::of(losses, carried)
    }
}

impl<S: State> ItemLazy for WindowOutput<S> {
    fn sync(self) -> Result<Self, burn::backend::ExecutionError> {
        self.losses.device().flush()?;
        Ok(Self {
            losses: self.losses.without_autodiff(),
            norms: self.norms.map(Norms::without_autodiff),
            ..self
        })
    }
}

impl<S> Adaptor<LossInput> for WindowOutput<S> {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.losses.clone())
    }
}

impl<S> Adaptor<WindowValues> for WindowOutput<S> {
    fn adapt(&self) -> WindowValues {
        WindowValues {
            loss: self.losses.clone().mean(),
            positions: self.positions,
            norms: self.norms.clone(),
            rate: self.rate,
        }
    }
}
