//! The recurrent layers of a model, chosen when the program runs: any cell, in one direction or both, as deep
//! as wanted. A model that has an [`Encoder`] inside is compiled once, not once a cell.
//!
//! Its parameters are named as those of the layers in it, so that weights go from a model with an [`Encoder`] to
//! one whose layers are known when it is compiled, and back.

use backdraft_cells::{
    AnyCell, AnyCellConfig, AnyState, Bidirectional, BidirectionalConfig, BothDirections, Deep,
    DeepConfig, Direction, Error, Layer, LayerInput, LayerOutput, Path, Recurrent, RecurrentConfig,
    SequenceConfig, State, Trace, one_of,
};
use burn::config::Config;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// Configuration of an [`Encoder`].
///
/// ```
/// use backdraft_cells::{DeepConfig, GruConfig, Layer, SequenceConfig};
/// use backdraft_models::EncoderConfig;
/// use burn::tensor::{Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let stack = DeepConfig::new(GruConfig::new(8, 16).into(), 2).with_dropout(0.1);
/// let encoder = EncoderConfig::new(stack).with_both(true).init(&device)?;
/// let run = encoder.forward(Tensor::zeros([3, 20, 8], &device))?;
/// assert_eq!(run.outputs.dims(), [3, 20, 32]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// The cells of a stack, and what is between them.
    #[serde(flatten)]
    pub stack: DeepConfig<AnyCellConfig>,
    /// Whether each layer runs in both directions, with as many units each, side by side; off by default.
    #[serde(default)]
    pub both: bool,
}

impl EncoderConfig {
    /// A stack of cells, each run forward.
    pub fn new(stack: DeepConfig<AnyCellConfig>) -> Self {
        Self { stack, both: false }
    }

    /// Sets whether each layer runs in both directions.
    #[must_use]
    pub fn with_both(mut self, both: bool) -> Self {
        self.both = both;
        self
    }
}

impl Config for EncoderConfig {}

impl SequenceConfig for EncoderConfig {
    type Built = Encoder;

    fn input_size(&self) -> usize {
        self.stack.layer.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.stack.layer = self.stack.layer.with_input_size(input_size);
        self
    }

    /// Gives all layers this size.
    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.stack.layer = self.stack.layer.with_hidden_size(hidden_size);
        self.stack.sizes.clear();
        self
    }

    fn init(&self, device: &Device) -> Result<Encoder, Error> {
        let stack = self.stack.clone();
        Ok(match self.both {
            false => Encoder::Forward(stack.map(RecurrentConfig::new).init(device)?),
            true => Encoder::Both(stack.map(BidirectionalConfig::new).init(device)?),
        })
    }
}

/// The recurrent layers of a model. See [`EncoderConfig`].
#[derive(Debug, Clone)]
pub enum Encoder {
    /// From the first step to the last.
    Forward(Deep<Recurrent<AnyCell>>),
    /// In both directions, in each layer.
    Both(Deep<Bidirectional<AnyCell>>),
}

one_of!(Encoder { Forward, Both } boxed {});

impl Encoder {
    /// Whether each layer runs in both directions.
    pub fn runs_both_ways(&self) -> bool {
        matches!(self, Self::Both(_))
    }

    /// The recurrences of the layers, those of the lowest layer first; where a layer runs in both directions, the
    /// forward one before the reverse one.
    pub fn recurrences(&self) -> Vec<&Recurrent<AnyCell>> {
        match self {
            Self::Forward(stack) => stack.layers.iter().collect(),
            Self::Both(stack) => {
                let layers = stack.layers.iter();
                layers
                    .flat_map(|layer| layer.directions().into_array())
                    .collect()
            }
        }
    }

    /// The same, to be changed.
    pub fn recurrences_mut(&mut self) -> Vec<&mut Recurrent<AnyCell>> {
        match self {
            Self::Forward(stack) => stack.layers.iter_mut().collect(),
            Self::Both(stack) => {
                let layers = stack.layers.iter_mut();
                layers
                    .flat_map(|layer| layer.directions_mut().into_array())
                    .collect()
            }
        }
    }
}

/// The state of an [`Encoder`]: one for each layer.
#[derive(Debug, Clone)]
pub enum EncoderState {
    /// Of layers that run forward.
    Forward(Vec<AnyState>),
    /// Of layers that run in both directions.
    Both(Vec<BothDirections<AnyState>>),
}

impl State for EncoderState {
    fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::Forward(state) => Self::Forward(state.map(f)),
            Self::Both(state) => Self::Both(state.map(f)),
        }
    }

    fn zip(self, other: Self, f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        match (self, other) {
            (Self::Forward(state), Self::Forward(other)) => Self::Forward(state.zip(other, f)),
            (Self::Both(state), Self::Both(other)) => Self::Both(state.zip(other, f)),
            (state, other) => panic!("states of other directions: {state:?} and {other:?}"),
        }
    }

    fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>)) {
        match self {
            Self::Forward(state) => state.visit(path, f),
            Self::Both(state) => state.visit(path, f),
        }
    }
}

/// What `$call` gives of the layers and of the input with a state of theirs; `$of` makes an [`EncoderState`] of one.
macro_rules! run {
    ($encoder:expr, $input:expr, |$layers:ident, $of:ident, $from:ident| $call:expr) => {{
        let LayerInput {
            inputs,
            state,
            lengths,
        } = $input;
        match ($encoder, state) {
            (Encoder::Forward($layers), None) => {
                let ($of, $from) = (
                    EncoderState::Forward,
                    LayerInput {
                        inputs,
                        state: None,
                        lengths,
                    },
                );
                $call
            }
            (Encoder::Forward($layers), Some(EncoderState::Forward(state))) => {
                let ($of, $from) = (
                    EncoderState::Forward,
                    LayerInput {
                        inputs,
                        state: Some(state),
                        lengths,
                    },
                );
                $call
            }
            (Encoder::Both($layers), None) => {
                let ($of, $from) = (
                    EncoderState::Both,
                    LayerInput {
                        inputs,
                        state: None,
                        lengths,
                    },
                );
                $call
            }
            (Encoder::Both($layers), Some(EncoderState::Both(state))) => {
                let ($of, $from) = (
                    EncoderState::Both,
                    LayerInput {
                        inputs,
                        state: Some(state),
                        lengths,
                    },
                );
                $call
            }
            (encoder, Some(_)) => {
                let (expected, found) = match encoder {
                    Encoder::Forward(_) => ("of one direction", "of both"),
                    Encoder::Both(_) => ("of both directions", "of one"),
                };
                Err(Error::new(
                    encoder.describe(),
                    "initial state",
                    expected,
                    found,
                ))
            }
        }
    }};
}

/// What holds for the layers, in whichever direction.
macro_rules! either {
    ($encoder:expr, |$layers:ident| $call:expr) => {
        match $encoder {
            Encoder::Forward($layers) => $call,
            Encoder::Both($layers) => $call,
        }
    };
}

impl Layer for Encoder {
    type State = EncoderState;

    fn input_size(&self) -> usize {
        either!(self, |layers| layers.input_size())
    }

    fn output_size(&self) -> usize {
        either!(self, |layers| layers.output_size())
    }

    fn initial_state(&self, batch: usize) -> EncoderState {
        match self {
            Self::Forward(layers) => EncoderState::Forward(layers.initial_state(batch)),
            Self::Both(layers) => EncoderState::Both(layers.initial_state(batch)),
        }
    }

    fn direction(&self) -> Option<Direction> {
        either!(self, |layers| layers.direction())
    }

    fn describe(&self) -> String {
        either!(self, |layers| layers.describe())
    }

    fn unrolled(self) -> Self {
        match self {
            Self::Forward(layers) => Self::Forward(layers.unrolled()),
            Self::Both(layers) => Self::Both(layers.unrolled()),
        }
    }

    fn paths(&self) -> Vec<(String, Path)> {
        either!(self, |layers| layers.paths())
    }

    fn cycle(&self) -> usize {
        either!(self, |layers| layers.cycle())
    }

    fn prepared(&self, batch: usize) -> Self {
        match self {
            Self::Forward(layers) => Self::Forward(layers.prepared(batch)),
            Self::Both(layers) => Self::Both(layers.prepared(batch)),
        }
    }

    fn forward_recomputed(
        &self,
        input: LayerInput<'_, EncoderState>,
        pieces: Option<usize>,
    ) -> Result<LayerOutput<EncoderState>, Error> {
        run!(self, input, |layers, of, input| {
            let run = layers.forward_recomputed(input, pieces)?;
            Ok(LayerOutput {
                outputs: run.outputs,
                state: of(run.state),
            })
        })
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, EncoderState>,
    ) -> Result<LayerOutput<EncoderState>, Error> {
        run!(self, input, |layers, of, input| {
            let run = layers.forward(input)?;
            Ok(LayerOutput {
                outputs: run.outputs,
                state: of(run.state),
            })
        })
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, EncoderState>,
    ) -> Result<Trace<EncoderState>, Error> {
        run!(self, input, |layers, of, input| {
            let trace = layers.trace(input)?;
            Ok(Trace {
                outputs: trace.outputs,
                states: trace.states.into_iter().map(of).collect(),
                state: of(trace.state),
            })
        })
    }
}
