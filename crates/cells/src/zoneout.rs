//! Zoneout: in training, each unit keeps its last value by chance.
//!
//! ```text
//! training      s_t = m s_{t-1} + (1 - m) s~_t        m: 1 with probability p, else 0
//! evaluation    s_t = p s_{t-1} + (1 - p) s~_t
//! ```
//!
//! `s~_t` is what the cell makes of `s_{t-1}`. The first tensor of a state, which is the output, has
//! a probability of its own; a mask is drawn anew for each step, row, unit and tensor.
//!
//! Krueger et al. 2016, "Zoneout: regularizing RNNs by randomly preserving hidden activations",
//! arXiv 1606.01305.

use burn::config::Config;
use burn::module::{Flag, Module, Param};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::equations::{self, At, Equations, Expression};
use crate::{Cell, Direction, Error, Path, Sequence, SequenceConfig, State};

/// Configuration of a [`Zoneout`] cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneoutConfig<K> {
    /// The cell.
    pub inner: K,
    /// The probability with which a unit of the state's first tensor, the output, is kept.
    pub hidden: f64,
    /// The probability with which a unit of the state's other tensors is kept.
    pub cell: f64,
}

impl<K> ZoneoutConfig<K> {
    /// `inner`, whose output is kept with probability `hidden` and whose other state tensors are
    /// kept with probability `cell`.
    pub fn new(inner: K, hidden: f64, cell: f64) -> Self {
        Self {
            inner,
            hidden,
            cell,
        }
    }
}

impl<K: SequenceConfig> Config for ZoneoutConfig<K> {}

impl<K: SequenceConfig<Built: Equations>> SequenceConfig for ZoneoutConfig<K> {
    type Built = Zoneout<K::Built>;

    fn input_size(&self) -> usize {
        self.inner.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.inner = self.inner.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.inner = self.inner.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        for (what, probability) in [("hidden", self.hidden), ("cell", self.cell)] {
            if !(0.0..1.0).contains(&probability) {
                let expected = "a probability of at least 0 and below 1";
                return Err(Error::new("Zoneout", what, expected, probability));
            }
        }
        let inner = self
            .inner
            .init(device)
            .map_err(|error| error.within("Zoneout"))?;
        if self.cell > 0.0 && widths(&inner).len() == 1 {
            let expected = "0, as this cell's state is its output alone";
            let layer = format!("Zoneout: {}", inner.describe());
            return Err(Error::new(layer, "cell", expected, self.cell));
        }
        Ok(Zoneout {
            inner,
            training: Param::from_bool(true),
            hidden: self.hidden,
            cell: self.cell,
        })
    }
}

/// Features of each tensor of a cell's state.
fn widths<C: Cell>(cell: &C) -> Vec<usize> {
    let mut widths = Vec::new();
    let state = cell.initial_state(1);
    state.visit("", &mut |_, tensor| widths.push(tensor.dims()[1]));
    widths
}

/// A cell, some of whose units keep their last values in training.
#[derive(Module, Debug)]
pub struct Zoneout<C: Module> {
    /// The cell.
    pub inner: C,
    /// Whether masks are drawn where gradients are recorded, as Burn's dropout has it: cleared by
    /// [`freeze`](burn::module::Module::freeze).
    pub training: Param<Flag>,
    /// The probability of the state's first tensor.
    #[module(skip)]
    pub hidden: f64,
    /// The probability of the others.
    #[module(skip)]
    pub cell: f64,
}

impl<C: Cell> Zoneout<C> {
    /// Whether masks are drawn.
    fn draws(&self) -> bool {
        let mut autodiff = false;
        let state = self.inner.initial_state(1);
        state.visit("", &mut |_, tensor| {
            autodiff = tensor.device().is_autodiff()
        });
        autodiff && self.training.is_enabled()
    }

    /// A mask for each tensor of the state that has a probability, side by side, for each step.
    ///
    /// The device's random numbers give the seed of a faster generator: there are as many masks as
    /// there are states, and the device's own would take longer than the cell.
    fn masks(&self, like: &Tensor<3>) -> Tensor<3> {
        let [time, batch, _] = like.dims();
        let device = like.device();
        let words = Tensor::<1>::random([2], Distribution::Uniform(0.0, 1.0), &device);
        let words = words.into_data();
        let seed = words.iter::<f64>().fold(0u64, |seed, word| {
            seed << 24 | (word * f64::from(1 << 24)) as u64
        });
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);

        // Of 2^32 equally likely numbers, those below the bound.
        let bound = |index: usize| (self.probability(index) * 2f64.powi(32)) as u64;
        let widths = widths(&self.inner).into_iter().enumerate();
        let widths: Vec<(u64, usize)> = widths
            .filter(|&(index, _)| self.probability(index) > 0.0)
            .map(|(index, width)| (bound(index), width))
            .collect();
        let width = widths.iter().map(|(_, width)| width).sum();
        let mut masks: Vec<f32> = Vec::with_capacity(time * batch * width);
        for _ in 0..time * batch {
            for &(bound, width) in &widths {
                let draw = |_| f32::from(u8::from(u64::from(generator.next_u32()) < bound));
                masks.extend((0..width).map(draw));
            }
        }
        let masks = TensorData::new(masks, [time, batch, width]);
        Tensor::from_data(masks, (&device, like.dtype()))
    }

    /// The probability of the tensor `index` of the state.
    fn probability(&self, index: usize) -> f64 {
        match index {
            0 => self.hidden,
            _ => self.cell,
        }
    }
}

impl<C: Equations> Equations for Zoneout<C> {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.inner.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.inner.vectors()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let draws = self.draws();
        let before = at.state.clone();
        let masked = |index: usize| draws && self.probability(index) > 0.0;
        let masks = (0..before.len()).filter(|&index| masked(index));
        let masks: usize = masks.map(|index| before[index].width()).sum();
        let mut start = at.projected.width() - masks;
        let inner = At {
            projected: at.projected.narrow(0, start),
            ..at
        };
        let next = self.inner.equations(inner).into_iter().zip(before);
        let mix = |(index, (next, before)): (usize, (V, V))| {
            if masked(index) {
                let mask = at.projected.narrow(start, before.width());
                start += before.width();
                next.clone() + mask * (before - next)
            } else {
                match self.probability(index) {
                    0.0 => next,
                    p => before.affine(p, 0.0) + next.affine(1.0 - p, 0.0),
                }
            }
        };
        next.enumerate().map(mix).collect()
    }
}

impl<C: Equations> Cell for Zoneout<C> {
    type State = C::State;

    fn input_size(&self) -> usize {
        self.inner.input_size()
    }

    fn output_size(&self) -> usize {
        self.inner.output_size()
    }

    /// The cell's projection and, in training, the masks behind it.
    fn project(&self, input: Tensor<3>) -> Tensor<3> {
        let projected = self.inner.project(input);
        if !self.draws() || self.hidden == 0.0 && self.cell == 0.0 {
            return projected;
        }
        let masks = self.masks(&projected);
        Tensor::cat(vec![projected, masks], 2)
    }

    fn initial_state(&self, batch: usize) -> C::State {
        self.inner.initial_state(batch)
    }

    fn step(&self, projected: Tensor<2>, state: C::State) -> C::State {
        equations::step(self, projected, state)
    }

    fn output(&self, state: &C::State) -> Tensor<2> {
        self.inner.output(state)
    }

    fn gate_activations(
        &self,
        projected: Tensor<2>,
        state: &C::State,
    ) -> Vec<(&'static str, Tensor<2>)> {
        equations::gate_activations(self, projected, state)
    }

    fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
        self.inner.recurrent_matrices()
    }

    fn prepared(&self, batch: usize) -> Self {
        Self {
            inner: self.inner.prepared(batch),
            ..self.clone()
        }
    }

    fn describe(&self) -> String {
        format!("Zoneout: {}", self.inner.describe())
    }

    fn path(&self) -> Path {
        equations::path(self)
    }

    fn scan(
        &self,
        input: Sequence,
        state: C::State,
        direction: Direction,
    ) -> (Tensor<3>, C::State) {
        equations::scan(self, input, state, direction)
    }
}
