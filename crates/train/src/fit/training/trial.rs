//! What a training would take, by some steps of it.

use std::time::{Duration, Instant};

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::TrainStep;

use crate::say::say;
use crate::{AverageKind, Objective, OptimizerKind, TrainError, Trainee, Training, Window};

/// How long is tried, at most.
const TRIED: Duration = Duration::from_secs(3);

/// Parameters of a model whose steps take so long that somebody who waits wants to know what for.
const LARGE: usize = 1 << 22;

/// Bytes of the weights, their gradients and what the optimiser remembers.
pub(crate) fn weight_bytes(training: &Training, parameters: usize) -> usize {
    // The weights and their gradients; Adam has two moments, the others have one number of their kind.
    let copies = match training.optimizer {
        OptimizerKind::Adam => 4,
        OptimizerKind::Sgd | OptimizerKind::AdaGrad | OptimizerKind::RmsProp => 3,
    } + usize::from(training.averaging.kind != AverageKind::Off);
    parameters.saturating_mul(copies * size_of::<f32>())
}

/// The median of some steps, the first left out: what is made once is made there.
pub(crate) fn seconds_a_step<M: Objective>(
    windows: &dyn DataLoader<Window<M>>,
    model: M,
    training: &Training,
    device: &Device,
) -> Result<f64, TrainError> {
    let device = device.clone().autodiff();
    let model = model.fork(&device).train();
    let mut trainee = Trainee { model };
    let parameters = Module::num_params(&trainee.model);
    if parameters > LARGE {
        say(format_args!(
            "trying a few steps with {parameters} parameters to estimate the time; Ctrl-C stops it"
        ));
    }
    let mut optimizer = training.optimizer()?;
    let clipper = training.clipping.init()?;
    let (mut carried, mut times) = (None, Vec::new());
    let windows = windows.to_device(&device);
    let mut windows = windows.iter();
    let started = Instant::now();
    loop {
        let start = Instant::now();
        let Some(window) = windows.next() else { break };
        let mut window = window.expect("data in memory");
        window.state = carried.take();
        let mut output = trainee.step(window);
        let norms = clipper.apply(&trainee, &mut output.grads);
        trainee = optimizer.step(training.lr, trainee, output.grads);
        carried = output.item.state;
        // The step is over when its number is there.
        norms.before.into_scalar::<f32>();
        times.push(start.elapsed().as_secs_f64());
        if started.elapsed() > TRIED && times.len() > 1 {
            break;
        }
    }
    let mut times = times.split_off(times.len().min(2) - 1);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
