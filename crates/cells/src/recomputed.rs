//! Gradient checkpointing through time: a layer that keeps few states in training, and computes the rest again.
//!
//! ```text
//! forward     s_p = f(x_p, s_{p-1}; theta)            p = 1 .. P, pieces of T / P steps; of each, only s_{p-1} is kept
//! backward    for p = P .. 1:  f(x_p, s_{p-1}; theta) once more, and through it
//!             dE/dx_p, dE/ds_{p-1}, dE/dtheta   of   <dE/dy_p, y_p> + <dE/ds_p, s_p>
//!
//! memory      P states and what one piece keeps:  O(P + T / P), the least, O(sqrt(T)), at P = sqrt(T)
//! time        one more forward pass
//! ```
//!
//! The outputs themselves, one vector a step, are there in any case. What is saved is what the layer keeps besides: the
//! gates and states of each step, and in a stack all that is between its layers.
//!
//! Griewank 1992, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
//! differentiation"; Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv 1604.06174; for recurrent
//! nets Gruslys et al. 2016, "Memory-efficient backpropagation through time", arXiv 1606.03401.

mod cut;
mod in_pieces;
mod module;
mod parameters;
mod seeds;

use burn::config::Config;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{Direction, Error, Layer, LayerInput, LayerOutput, Path, SequenceConfig, Trace};

pub(crate) use cut::common_cycle;
pub(crate) use in_pieces::in_pieces;

/// Configuration of a [`Recomputed`] layer.
#[doc(alias = "checkpoint")]
#[doc(alias = "gradient_checkpointing")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecomputedConfig<K> {
    /// The layer.
    pub layer: K,
    /// The number of pieces that a sequence is cut into; by default the root of the number of its steps, rounded up.
    #[serde(default)]
    pub pieces: Option<usize>,
}

impl<K> RecomputedConfig<K> {
    /// `layer`, computed again in about as many pieces as a piece has steps.
    pub fn new(layer: K) -> Self {
        Self {
            layer,
            pieces: None,
        }
    }

    /// Sets the number of pieces: more of them keep more states, and less at a time of what one piece needs. A sequence
    /// of fewer steps has a piece a step.
    #[must_use]
    pub fn with_pieces(mut self, pieces: impl Into<Option<usize>>) -> Self {
        self.pieces = pieces.into();
        self
    }
}

impl<K: SequenceConfig> Config for RecomputedConfig<K> {}

impl<K: SequenceConfig<Built: Layer>> SequenceConfig for RecomputedConfig<K> {
    type Built = Recomputed<K::Built>;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.layer = self.layer.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.layer = self.layer.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        Recomputed::new(self.layer.init(device)?, self.pieces)
    }
}

/// A layer that is computed a second time in the backward pass, piece by piece, instead of keeping what that needs.
///
/// ```
/// use backdraft_cells::prelude::*;
/// use burn::module::Module;
/// use burn::tensor::{Device, Distribution, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let config = RecomputedConfig::new(RecurrentConfig::new(LstmConfig::new(8, 16)));
/// let layer = config.init(&device)?.train();
///
/// let sequence = Tensor::<3>::random([1, 1000, 8], Distribution::Default, &device);
/// let run = layer.forward(sequence)?; // in 32 pieces, of which the states between them are kept
/// let gradients = run.outputs.powi_scalar(2).mean().backward();
/// let weight = layer.layer.cell.gates.recurrent_weight.val();
/// assert_eq!(weight.grad(&gradients).expect("it was used").dims(), [64, 16]);
/// # Ok(())
/// # }
/// ```
///
/// A run is what it would be if the layer were run over each piece by hand and handed its state on: outputs and states to
/// the bit, gradients but for the order of sums. What differs from a run over the whole sequence is rounding alone:
/// gradients of parameters are summed piece by piece, and products of matrices are rounded differently in other shapes.
/// With the kernels of `Elman`, `Lstm` and `Gru` on a CPU, outputs, states and the gradients of the input and of the
/// initial state are the same to the bit.
///
/// The parameters have the names that they have in the layer, so that records go from the one to the other. Without
/// autodiff the layer runs as it is.
///
/// What goes one way through time is cut as a whole, so a [`Deep`](crate::Deep) stack keeps nothing between its layers.
/// Of a [`Bidirectional`](crate::Bidirectional) layer each direction is cut by itself, and of a stack of these each
/// layer. A [`Hierarchical`](crate::Hierarchical) layer that goes both ways is refused; wrap its lower layer instead. So
/// is a layer that a [`Watcher`](crate::Watcher) sees.
///
/// # Random masks
///
/// The second pass has to draw the masks of the first. So each piece seeds the device's random numbers, which are
/// those of the whole process in Burn, with a seed that comes from them; they go on from another such seed afterwards.
/// Masks that stay for a whole run, such as those of DropConnect, are drawn once and are the same in all pieces. In a
/// process of several threads, no other thread may draw from the same device during a pass of a layer that draws masks:
/// the second masks would not be the first, and the gradient would be wrong.
#[doc(alias = "checkpoint")]
#[doc(alias = "gradient_checkpointing")]
#[doc(alias = "remat")]
#[derive(Debug, Clone)]
pub struct Recomputed<L> {
    /// The layer.
    pub layer: L,
    pieces: Option<usize>,
}

impl<L: Layer> Recomputed<L> {
    /// `layer`, computed again in so many pieces; the root of the number of steps, rounded up, if `None`.
    ///
    /// # Errors
    ///
    /// When there would be no piece.
    pub fn new(layer: L, pieces: impl Into<Option<usize>>) -> Result<Self, Error> {
        let pieces = pieces.into();
        if let Some(pieces) = pieces {
            Error::unless_positive("Recomputed", "pieces", pieces)?;
        }
        Ok(Self { layer, pieces })
    }

    /// The number of pieces that a sequence is cut into; `None` for the root of the number of its steps.
    pub fn pieces(&self) -> Option<usize> {
        self.pieces
    }
}

impl<L: Layer> Layer for Recomputed<L> {
    type State = L::State;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn output_size(&self) -> usize {
        self.layer.output_size()
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        self.layer.initial_state(batch)
    }

    fn direction(&self) -> Option<Direction> {
        self.layer.direction()
    }

    fn describe(&self) -> String {
        format!("Recomputed({})", self.layer.describe())
    }

    fn unrolled(mut self) -> Self {
        self.layer = self.layer.unrolled();
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        self.layer.paths()
    }

    fn cycle(&self) -> usize {
        self.layer.cycle()
    }

    fn prepared(&self, batch: usize) -> Self {
        Self {
            layer: self.layer.prepared(batch),
            pieces: self.pieces,
        }
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        self.layer.forward_recomputed(input, self.pieces)
    }

    /// That of the layer inside, which keeps everything: its states are what is asked for.
    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        self.layer.trace(input)
    }
}
