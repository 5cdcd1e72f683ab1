//! How nets are trained for a comparison: alike, with nothing beside it.

use std::time::Instant;

use backdraft_cells::{Error, State};
use burn::lr_scheduler::LrScheduler;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;

use super::BaselineSettings;
use crate::{Clipping, Decay, FusedAdam, Objective, Schedule, TrainError};

/// A net that was trained, for use.
pub(super) struct Trained<M> {
    pub net: M,
    pub parameters: usize,
    pub fit_seconds: f64,
}

/// Trains a net for as many steps as are asked for. Its weights are drawn on the CPU, so that a seed is the
/// same net on every device.
///
/// * `batch`: that of a step, and whether its sequences begin there; else they go on.
pub(super) fn descend<M: Objective>(
    init: impl FnOnce(&Device) -> Result<M, Error>,
    asked: &BaselineSettings,
    device: &Device,
    mut batch: impl FnMut(usize, &Device) -> (M::Batch, bool),
) -> Result<Trained<M>, TrainError> {
    let host = Device::flex();
    host.seed(asked.seed);
    let model = init(&host)?;
    let parameters = Module::num_params(&model);
    let start = Instant::now();
    let recording = device.clone().autodiff();
    let mut model = model.fork(device).train();
    let mut optimizer: ModuleOptimizer = FusedAdam::default().into();
    let mut schedule = Schedule::new(asked.lr, Decay::Cosine, 0, asked.steps)?;
    let clipper = Clipping::by_norm(1.0).init()?;
    let mut carried: Option<M::State> = None;
    for step in 0..asked.steps {
        let (batch, begins) = batch(step, &recording);
        let state = carried.take().filter(|_| !begins);
        let loss = model.loss(batch, state)?;
        carried = Some(loss.state.detach());
        let mean = loss.losses.mean();
        let mut gradients = GradientsParams::from_grads(mean.backward(), &model);
        clipper.apply(&model, &mut gradients);
        model = optimizer.step(schedule.step(), model, gradients);
    }
    Ok(Trained {
        net: model.valid(),
        parameters,
        fit_seconds: start.elapsed().as_secs_f64(),
    })
}
