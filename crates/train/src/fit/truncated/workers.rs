//! A window learned from on several devices at once, each in a thread of burn-train's.
//!
//! ```text
//! g = g_1 + .. + g_D       g_d = dE_d/dtheta with the weights of now: in this order, on the first device
//! ```
//!
//! burn-train's threads ([`MultiDevicesTrainStep`]) put the weights on their devices and take the step there. Its
//! `split_dataloader` is not of use here: it gives each device windows of its own, and a window needs the state after
//! the one before it. Nor are its sums (`OptimSharded`, DDP): each device would clip, draw noise and go on for itself.

use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, Tensor};
use burn::train::TrainOutput;
use burn::train::train::{MultiDeviceStepError, MultiDevicesTrainStep};

use super::spread::Spread;
use crate::fit::seed::mix;
use crate::{Objective, Trainee, Window, WindowOutput};

/// The threads, one for each device.
pub(super) struct Workers<M: Objective> {
    threads: MultiDevicesTrainStep<Trainee<M>>,
    count: usize,
    /// Where gradients are summed.
    first: Device,
}

impl<M: Objective> Workers<M> {
    /// For these devices; none for a single one, which needs no thread.
    pub(super) fn of(devices: &[Device]) -> Option<Self> {
        let [first, _, ..] = devices else {
            return None;
        };
        let with_autodiff = devices.iter().map(|device| device.clone().autodiff());
        Some(Self {
            threads: MultiDevicesTrainStep::new(&with_autodiff.collect::<Vec<_>>()),
            count: devices.len(),
            first: first.clone().without_autodiff(),
        })
    }

    /// The gradient of a window, and what its rows carry into the next; random numbers are those of a seed.
    pub(super) fn learn(
        &self,
        model: &Trainee<M>,
        window: &Window<M>,
        carried: &mut Spread<M::State>,
        seed: u64,
    ) -> Result<TrainOutput<WindowOutput<M::State>>, MultiDeviceStepError> {
        let shares = window.share_out(self.count, |device| mix(seed, device as u64));
        let states = carried.take(self.count);
        let mut loaders: Vec<Box<dyn DataLoaderIterator<Window<M>>>> = Vec::new();
        for (share, state) in shares.into_iter().zip(states) {
            let share = share.map(|window| Window { state, ..window });
            loaders.push(Box::new(OneShare(share)));
        }
        let (mut outputs, _) = self.threads.step(&mut loaders, model)?;
        // They come as they are ready; the order of a sum decides its last bits.
        outputs.sort_by_key(|output| output.output.item.device);

        let mut gradients = GradientsAccumulator::new();
        let mut states: Vec<Option<M::State>> = Vec::new();
        states.resize_with(self.count, || None);
        let (mut losses, mut forward_seconds) = (Vec::new(), 0.0_f64);
        for output in outputs {
            let TrainOutput { grads, item } = output.output;
            gradients.accumulate(model, grads.to_device(&self.first, model));
            losses.push(item.losses.without_autodiff().to_device(&self.first));
            forward_seconds = forward_seconds.max(item.forward_seconds);
            states[item.device] = item.state;
        }
        *carried = Spread(states);
        let losses = Tensor::cat(losses, 0);
        Ok(TrainOutput {
            grads: gradients.grads(),
            item: WindowOutput {
                positions: losses.dims()[0],
                losses,
                norms: None,
                rate: f64::NAN,
                forward_seconds,
                state: None,
                device: 0,
            },
        })
    }
}

/// The share of one device, as burn-train's threads ask for it.
struct OneShare<W>(Option<W>);

impl<W> Iterator for OneShare<W> {
    type Item = Result<W, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl<W> DataLoaderIterator<W> for OneShare<W> {
    fn progress(&self) -> Progress {
        Progress::new(
            usize::from(self.0.is_none()),
            1,
            Some("windows".to_string()),
        )
    }
}
