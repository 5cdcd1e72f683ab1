//! A recurrent node as a layer of this framework, and its runs in ONNX's shapes.

use std::collections::BTreeMap;

use backdraft_cells::{
    Bidirectional, Cell, Elman, Gru, Layer, LayerInput, LayerOutput, Lengths, Lstm, Recurrent,
    State,
};
use burn::tensor::{Device, Tensor, TensorData};

use super::inputs::{Inputs, Source};
use super::operator::Operator;
use super::weights::AllWeights;
use super::zeros::are_zeros;
use super::{Error, Layout, Model, Node};

/// A recurrent node of a model, with its weights.
#[derive(Debug, Clone)]
pub struct OnnxLayer {
    /// The node.
    pub node: Node,
    /// The layer, to be used and trained as any other; [`forward`](Self::forward) runs it.
    pub recurrence: Recurrence,
    /// The order of the axes of `X`, `Y` and the states.
    pub layout: Layout,
    sequence_lens: Source<Lengths>,
    initial_h: Source<Tensor<3>>,
    initial_c: Source<Tensor<3>>,
}

/// The layer of a node, by its operator.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "models have few layers, and patterns do not look into boxes"
)]
pub enum Recurrence {
    /// Of `RNN`.
    Rnn(Directed<Elman>),
    /// Of `LSTM`.
    Lstm(Directed<Lstm>),
    /// Of `GRU`.
    Gru(Directed<Gru>),
}

/// A layer in one direction or in both.
#[derive(Debug, Clone)]
pub enum Directed<C: Cell> {
    /// Forward or reverse.
    One(Recurrent<C>),
    /// Both, side by side.
    Both(Bidirectional<C>),
}

/// What a run is given besides `X`. What is left out is what the model stores for it, and zeros or
/// whole sequences if the node does without. A state that the model fills with zeros, for the batch of its
/// export or for any, is zeros for the batch of the run.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `sequence_lens`: the valid steps of each row.
    pub sequence_lens: Option<Lengths>,
    /// `initial_h`: `[directions, batch, hidden]`, or as [`Layout`] has it.
    pub initial_h: Option<Tensor<3>>,
    /// `initial_c`, of an LSTM: as `initial_h`.
    pub initial_c: Option<Tensor<3>>,
}

/// What a run gives, whichever of it the node itself has as outputs.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// `Y`: `[time, directions, batch, hidden]`, or as [`Layout`] has it; zero at padded steps.
    pub y: Tensor<4>,
    /// `Y_h`: `[directions, batch, hidden]`, or as [`Layout`] has it: after each row's last step,
    /// in the reverse direction after its first. A row without steps keeps its initial state.
    pub y_h: Tensor<3>,
    /// `Y_c`, of an LSTM: as `Y_h`.
    pub y_c: Option<Tensor<3>>,
}

impl Model {
    /// The recurrent node called `name` as a layer on `device`, with the weights that the model
    /// stores, in its own file or in others: as initializers, as `Constant` nodes, or as expressions of them.
    ///
    /// Weights of 16 bits become f32; f32 and f64 stay what they are.
    ///
    /// # Errors
    ///
    /// When there is no such node, when a weight is not stored in the model, or when an attribute or
    /// a tensor is not as the operator has it.
    pub fn layer(&self, name: &str, device: &Device) -> Result<OnnxLayer, Error> {
        self.layer_with(name, BTreeMap::new(), device)
    }

    /// The same with weights that the model is fed or computes, or other ones than it stores:
    /// tensors for `W`, `R`, `B` or `P`, by the names that the model gives these inputs.
    ///
    /// # Errors
    ///
    /// As [`layer`](Self::layer); and when the node has no such weight.
    pub fn layer_with(
        &self,
        name: &str,
        weights: BTreeMap<String, TensorData>,
        device: &Device,
    ) -> Result<OnnxLayer, Error> {
        let place = self.place(name)?;
        let operator = Operator::read(&place, self.operator_set)?;
        let inputs = Inputs::new(self, &place, weights)?;
        // Before the weights: a file whose states do not fit tells by them why its weights do not.
        let initial_h = state(&inputs, "initial_h", &operator)?;
        let initial_c = state(&inputs, "initial_c", &operator)?;
        let weights = AllWeights::read(&inputs, place.node.kind, &operator, device)?;
        let dtype = weights.dtype;
        Ok(OnnxLayer {
            layout: operator.layout,
            sequence_lens: inputs
                .source("sequence_lens")?
                .try_map(|data| lengths(&inputs, &data))?,
            initial_h: initial_h.try_map(|data| inputs.tensor("initial_h", data, dtype, device))?,
            initial_c: initial_c.try_map(|data| inputs.tensor("initial_c", data, dtype, device))?,
            recurrence: Recurrence::new(place.node.kind, &operator, weights),
            node: place.node.clone(),
        })
    }
}

/// The state that a model begins with, if it is always the same one.
fn state(inputs: &Inputs, input: &str, operator: &Operator) -> Result<Source<TensorData>, Error> {
    let check = |last: Option<usize>| match (operator.hidden_size, last) {
        (Some(hidden), Some(found)) if hidden != found => {
            let expected = format!("{hidden} units, the node's hidden_size");
            let found = format!(
                "{found}; so PyTorch's exporter writes an nn.LSTM with proj_size, and takes the wrong rows of its \
                 weights: load its state_dict() instead"
            );
            Err(inputs.refuse(input, expected, found))
        }
        _ => Ok(()),
    };
    match inputs.source(input)? {
        Source::Stored(data) => {
            let &[outer, inner, last] = data.shape().as_slice() else {
                return Err(inputs.refuse(input, "3 dimensions", data.rank()));
            };
            let directions = match operator.layout {
                Layout::TimeFirst => outer,
                Layout::BatchFirst => inner,
            };
            if directions != operator.directions.count() {
                let expected = format!("{} directions", operator.directions.count());
                return Err(inputs.refuse(input, expected, directions));
            }
            check(Some(last))?;
            // Stored for the batch of the export, and the same for any other.
            match are_zeros(&data) {
                true => Ok(Source::Absent),
                false => Ok(Source::Stored(data)),
            }
        }
        Source::Fed(name) => {
            let zeros = inputs.zeros(&name)?;
            let last = zeros.and_then(|zeros| zeros.last);
            check(last.or_else(|| inputs.last_extent(&name)))?;
            Ok(match zeros {
                Some(_) => Source::Absent,
                None => Source::Fed(name),
            })
        }
        Source::Absent => Ok(Source::Absent),
    }
}

/// The lengths that a model stores.
fn lengths(inputs: &Inputs, data: &TensorData) -> Result<Lengths, Error> {
    let refuse = |found: String| inputs.refuse("sequence_lens", "lengths of type i32", found);
    let lengths = data.as_slice::<i32>();
    let lengths = lengths.map_err(|_| refuse(format!("{:?}", data.dtype())))?;
    let lengths = lengths
        .iter()
        .map(|&length| usize::try_from(length).map_err(|_| refuse(length.to_string())));
    Ok(Lengths::new(lengths.collect::<Result<Vec<_>, _>>()?))
}

impl OnnxLayer {
    /// Runs over `x`: `[time, batch, input]`, or as [`Layout`] has it.
    ///
    /// `x` and the states may be of another float type than the weights and are then converted.
    ///
    /// # Errors
    ///
    /// When a shape or a length does not fit; and when something is left out that the model feeds
    /// to the node.
    pub fn forward(&self, x: Tensor<3>, given: Given) -> Result<Outputs, Error> {
        let lengths = self.resolve("sequence_lens", given.sequence_lens, &self.sequence_lens)?;
        let initial_h = self.resolve("initial_h", given.initial_h, &self.initial_h)?;
        let initial_c = self.resolve("initial_c", given.initial_c, &self.initial_c)?;
        let lengths = lengths.as_ref();
        match &self.recurrence {
            Recurrence::Lstm(layer) => self.run(layer, x, [initial_h, initial_c], lengths),
            _ if initial_c.is_some() => {
                Err(self.refuse("initial_c", "none, which is an LSTM's", "a tensor"))
            }
            Recurrence::Rnn(layer) => self.run(layer, x, [initial_h], lengths),
            Recurrence::Gru(layer) => self.run(layer, x, [initial_h], lengths),
        }
    }

    /// What the caller gives, or what the model stores.
    fn resolve<T: Clone>(
        &self,
        input: &str,
        given: Option<T>,
        source: &Source<T>,
    ) -> Result<Option<T>, Error> {
        match (given, source) {
            (Some(given), _) => Ok(Some(given)),
            (None, Source::Absent) => Ok(None),
            (None, Source::Stored(stored)) => Ok(Some(stored.clone())),
            (None, Source::Fed(name)) => {
                let expected = format!("what the model feeds to it as `{name}`");
                Err(self.refuse(input, &expected, "nothing"))
            }
        }
    }

    fn refuse(&self, input: &str, expected: &str, found: &str) -> Error {
        Error::Input {
            node: self.node.name.clone(),
            input: input.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Between batch-first and this layer's order of axes, either way.
    fn swap(&self, tensor: Tensor<3>) -> Tensor<3> {
        match self.layout {
            Layout::TimeFirst => tensor.swap_dims(0, 1),
            Layout::BatchFirst => tensor,
        }
    }

    /// `S` states a direction: of an LSTM two, of the others one.
    fn run<C: Cell, const S: usize>(
        &self,
        layer: &Directed<C>,
        x: Tensor<3>,
        initial: [Option<Tensor<3>>; S],
        lengths: Option<&Lengths>,
    ) -> Result<Outputs, Error> {
        let x = self.swap(x);
        let batch = x.dims()[0];
        let (directions, hidden) = layer.sizes();
        for (name, tensor) in ["initial_h", "initial_c"].iter().zip(&initial) {
            let Some(tensor) = tensor else { continue };
            let expected = match self.layout {
                Layout::TimeFirst => [directions, batch, hidden],
                Layout::BatchFirst => [batch, directions, hidden],
            };
            if tensor.dims() != expected {
                return Err(Error::Shape {
                    node: self.node.name.clone(),
                    input: (*name).into(),
                    expected: format!("{expected:?}"),
                    found: tensor.dims().into(),
                });
            }
        }
        // Batch-first here, as `x` is.
        let initial = initial.map(|state| state.map(|state| self.swap(state)));
        let (outputs, states) = layer.run(x, initial, lengths)?;

        let [_, time, _] = outputs.dims();
        let y = outputs.reshape([batch, time, directions, hidden]);
        let y = match self.layout {
            Layout::TimeFirst => y.permute([1, 2, 0, 3]),
            Layout::BatchFirst => y,
        };
        // Each direction's states, `S` of them: those of one kind are `S` apart.
        let mut kinds = (0..S).map(|kind| {
            let one = states.iter().skip(kind).step_by(S).cloned();
            self.swap(Tensor::stack(one.collect(), 1))
        });
        Ok(Outputs {
            y,
            y_h: kinds.next().expect("every cell has a hidden state"),
            y_c: kinds.next(),
        })
    }
}

impl<C: Cell> Directed<C> {
    /// The number of directions, and the units of each.
    fn sizes(&self) -> (usize, usize) {
        match self {
            Self::One(layer) => (1, layer.output_size()),
            Self::Both(layer) => (2, layer.directions().forward.output_size()),
        }
    }

    fn run<const S: usize>(
        &self,
        x: Tensor<3>,
        initial: [Option<Tensor<3>>; S],
        lengths: Option<&Lengths>,
    ) -> Result<(Tensor<3>, Vec<Tensor<2>>), Error> {
        match self {
            Self::One(layer) => run(layer, x, initial, lengths),
            Self::Both(layer) => run(layer, x, initial, lengths),
        }
    }
}

/// Runs a layer from states `[batch, directions, hidden]`, zeros where there is none, and gives the
/// tensors of its final state: `S` of each direction.
fn run<L: Layer, const S: usize>(
    layer: &L,
    x: Tensor<3>,
    initial: [Option<Tensor<3>>; S],
    lengths: Option<&Lengths>,
) -> Result<(Tensor<3>, Vec<Tensor<2>>), Error> {
    let zeros = layer.initial_state(x.dims()[0]);
    // Zeros are of the type of the weights.
    let dtype = zeros.tensors().first().map_or(x.dtype(), Tensor::dtype);
    let mut index = 0;
    let state = zeros.map(&mut |zeros| {
        let (direction, kind) = (index / S, index % S);
        index += 1;
        match &initial[kind] {
            Some(state) => {
                let own = state.clone().slice_dim(1, direction..direction + 1);
                own.reshape(zeros.shape()).cast(dtype)
            }
            None => zeros,
        }
    });
    let LayerOutput { outputs, state } = layer.forward(
        LayerInput::new(x.cast(dtype))
            .with_state(state)
            .with_lengths(lengths),
    )?;
    Ok((outputs, state.tensors()))
}
