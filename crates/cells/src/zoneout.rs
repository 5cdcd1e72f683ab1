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
//! What the tensors of a state are, the cell says ([`Kept`]): the memory and the normaliser of an
//! [`SLstm`](crate::SLstm) stand for `c exp(m)` and `n exp(m)`, and are kept together with the
//! stabiliser `m`, by one mask. In evaluation, with `M = max(m_{t-1}, m~_t)`,
//!
//! ```text
//! c_t = p exp(m_{t-1} - M) c_{t-1} + (1 - p) exp(m~_t - M) c~_t,    m_t = M
//! ```
//!
//! Krueger et al. 2016, "Zoneout: regularizing RNNs by randomly preserving hidden activations",
//! arXiv 1606.01305.

use burn::config::Config;
use burn::module::{Flag, Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::equations::{At, Equations, Expression};
use crate::{CellBase, Error, Projected, SequenceConfig, State, seed};

/// Configuration of a [`Zoneout`] cell.
///
/// ```
/// # use backdraft_cells::prelude::*;
/// # use burn::tensor::{Device, Tensor};
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// # let device = Device::default();
/// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
/// let layer = RecurrentConfig::new(ZoneoutConfig::new(LstmConfig::new(8, 16), 0.1, 0.5)).init(&device)?;
/// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
/// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneoutConfig<K> {
    /// The cell.
    pub inner: K,
    /// The probability with which a unit of the state's first tensor, the output, is kept.
    pub hidden: f64,
    /// The probability with which a unit of the state's other tensors is kept; 0 for a cell that has no memory beside
    /// its output, as Elman and GRU.
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
        let inner = self.inner.init(device);
        let inner = inner.map_err(|error| error.within("Zoneout"))?;
        Zoneout::new(inner, self.hidden, self.cell)
    }
}

/// Features of each tensor of a cell's state.
fn widths<C: CellBase>(cell: &C) -> Vec<usize> {
    let tensors = cell.initial_state(1).tensors();
    tensors.iter().map(|tensor| tensor.dims()[1]).collect()
}

/// What [`Zoneout`] may do to a tensor of a cell's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its units may keep their values, each by itself.
    Units,
    /// So may they, but only together with those of the tensor of this index, the logarithm of what they are scaled by.
    ScaledBy(usize),
    /// It is such a logarithm.
    Scale,
    /// It is left as it is, since it only remembers what another tensor was.
    No,
}

/// A cell, some of whose units keep their last values in training.
///
/// ```text
/// training      s_t = m s_{t-1} + (1 - m) s~_t        m: 1 with probability p, drawn for each step, row, unit and tensor
/// evaluation    s_t = p s_{t-1} + (1 - p) s~_t
/// ```
///
/// Krueger et al. 2016, arXiv 1606.01305. What it does to a state that is more than that, [`Kept`] says.
#[doc(alias = "ZoneoutWrapper")]
#[derive(Module, Debug)]
pub struct Zoneout<C: Module> {
    /// The cell.
    pub inner: C,
    /// Whether masks are drawn where gradients are recorded, as Burn's dropout has it: cleared by
    /// [`freeze`](burn::module::Module::freeze).
    pub training: Param<Flag>,
    #[module(skip)]
    hidden: f64,
    #[module(skip)]
    cell: f64,
}

impl<C: Equations> Zoneout<C> {
    /// `inner`, whose output is kept with probability `hidden` and whose other state tensors are
    /// kept with probability `cell`.
    ///
    /// # Errors
    ///
    /// When a probability is not in `0.0..1.0`, or `cell` is above 0 and there is nothing to be kept by it.
    pub fn new(inner: C, hidden: f64, cell: f64) -> Result<Self, Error> {
        for (what, probability) in [("hidden", hidden), ("cell", cell)] {
            if !(0.0..1.0).contains(&probability) {
                let expected = "a probability of at least 0 and below 1";
                return Err(Error::new("Zoneout", what, expected, probability));
            }
        }
        let mut beside = 1..widths(&inner).len();
        if cell > 0.0 && beside.all(|index| inner.kept(index) == Kept::No) {
            let expected = "0, as this cell has no memory beside its output";
            let layer = format!("Zoneout: {}", inner.describe());
            return Err(Error::new(layer, "cell", expected, cell));
        }
        Ok(Self {
            inner,
            training: Param::from_bool(true),
            hidden,
            cell,
        })
    }

    /// The probability of the state's first tensor, the output.
    pub fn hidden(&self) -> f64 {
        self.hidden
    }

    /// The probability of the others.
    pub fn cell(&self) -> f64 {
        self.cell
    }

    /// Whether masks are drawn.
    fn draws(&self) -> bool {
        let tensors = self.inner.initial_state(1).tensors();
        let autodiff = tensors.iter().any(|tensor| tensor.device().is_autodiff());
        autodiff && self.training.is_enabled()
    }

    /// The tensors of the state that have a mask, in training.
    fn masked(&self, states: usize) -> Vec<usize> {
        let has_mask = |&index: &usize| {
            let own = matches!(self.inner.kept(index), Kept::Units | Kept::Scale);
            own && self.probability(index) > 0.0
        };
        (0..states).filter(has_mask).collect()
    }

    /// A mask for each of them, for each step.
    ///
    /// The device's random numbers give the seed of a faster generator: there are as many masks as
    /// there are states, and the device's own would take longer than the cell.
    fn masks(&self, like: &Tensor<3>) -> Vec<Tensor<3>> {
        let [time, batch, _] = like.dims();
        let device = like.device();
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed::drawn(&device));

        let widths = widths(&self.inner);
        let draw = |index: usize| {
            let width = widths[index];
            // Of 2^32 equally likely numbers, those below the bound.
            let bound = (self.probability(index) * 2f64.powi(32)) as u64;
            let mut draw = |_| f32::from(u8::from(u64::from(generator.next_u32()) < bound));
            let mask: Vec<f32> = (0..time * batch * width).map(&mut draw).collect();
            let mask = TensorData::new(mask, [time, batch, width]);
            Tensor::from_data(mask, (&device, like.dtype()))
        };
        let masked = self.masked(widths.len());
        masked.into_iter().map(draw).collect()
    }

    /// The probability of the tensor `index` of the state.
    fn probability(&self, index: usize) -> f64 {
        match index {
            0 => self.hidden,
            _ => self.cell,
        }
    }

    /// What is kept by the masks, of which tensor `index` of the state has that of its group.
    fn drawn<V: Expression>(&self, masks: &[V], before: &[V], next: Vec<V>) -> Vec<V> {
        let masked = self.masked(before.len());
        let mask_of = |index: usize| {
            let group = match self.inner.kept(index) {
                Kept::ScaledBy(scale) => scale,
                Kept::Units | Kept::Scale => index,
                Kept::No => return None,
            };
            let place = masked.iter().position(|&masked| masked == group)?;
            Some(masks[place].clone())
        };
        let next = next.into_iter().enumerate();
        next.map(|(index, next)| match mask_of(index) {
            Some(mask) => next.clone() + mask * (before[index].clone() - next),
            None => next,
        })
        .collect()
    }

    /// What is expected of the masks.
    fn expected<V: Expression>(&self, before: &[V], next: Vec<V>) -> Vec<V> {
        let scale = |index: usize| before[index].clone().maximum(next[index].clone());
        let mixed = |(index, new): (usize, &V)| {
            let (old, p) = (before[index].clone(), self.probability(index));
            let [mut kept, mut changed] = [old.affine(p, 0.0), new.clone().affine(1.0 - p, 0.0)];
            match self.inner.kept(index) {
                _ if p == 0.0 => return new.clone(),
                Kept::No => return new.clone(),
                Kept::Scale => return scale(index),
                Kept::ScaledBy(by) => {
                    kept = kept * (before[by].clone() - scale(by)).exp();
                    changed = changed * (next[by].clone() - scale(by)).exp();
                }
                Kept::Units => {}
            }
            kept + changed
        };
        next.iter().enumerate().map(mixed).collect()
    }
}

impl<C: Equations> Equations for Zoneout<C> {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.inner.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        self.inner.vectors()
    }

    fn equations<V: Expression>(&self, mut at: At<V>) -> Vec<V> {
        let before = at.state.clone();
        // The masks of the cell itself come first.
        let masks = match self.draws() {
            true => {
                let own = self.masked(before.len()).len();
                Some(at.masks.split_off(at.masks.len() - own))
            }
            false => None,
        };
        let next = self.inner.equations(at);
        match masks {
            Some(masks) => self.drawn(&masks, &before, next),
            None => self.expected(&before, next),
        }
    }
}

impl<C: Equations> CellBase for Zoneout<C> {
    type State = C::State;

    fn input_size(&self) -> usize {
        self.inner.input_size()
    }

    fn output_size(&self) -> usize {
        self.inner.output_size()
    }

    /// The cell's projection and masks and, in training, the masks of zoneout after them.
    fn project(&self, input: Tensor<3>) -> Projected<3> {
        let mut projected = self.inner.project(input);
        if self.draws() && (self.hidden > 0.0 || self.cell > 0.0) {
            projected.masks.extend(self.masks(&projected.values));
        }
        projected
    }

    fn initial_state(&self, batch: usize) -> C::State {
        self.inner.initial_state(batch)
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
}
