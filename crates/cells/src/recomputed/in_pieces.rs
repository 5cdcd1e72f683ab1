//! A run in pieces, of which the states between them are kept, as one node of the graph.

use std::ops::Range;

use backdraft_kernels::{InputSlopes, NodeInputs, NodeOutputs, OutputSlopes, one_node};
use burn::tensor::{GradientCheckpointingStrategy, Tensor};

use super::cut::cut;
use super::parameters::{self, Constants, Leaves, constant, flat, leaf};
use super::seeds::{Pass, Seeds};
use crate::recurrent::is_watched;
use crate::state::check_place;
use crate::{Error, Layer, LayerInput, LayerOutput, Lengths, State, stepwise};

/// Runs `layer`, which goes one way through time, over at least one step of at least one row.
pub(crate) fn in_pieces<L: Layer>(
    layer: &L,
    input: LayerInput<'_, L::State>,
    pieces: Option<usize>,
) -> Result<LayerOutput<L::State>, Error> {
    let LayerInput {
        inputs,
        state,
        lengths,
    } = input;
    let [batch, time, _] = inputs.dims();
    let state = stepwise::start(layer, batch, state)?;
    check_place(|| layer.describe(), &inputs, &state)?;
    let layer = layer.prepared(batch);
    let parameters = flat(&layer);
    let Some(graph) = Graph::of(&inputs, &state, parameters.as_ref()) else {
        let input = LayerInput::new(inputs).with_state(state);
        return layer.forward(input.with_lengths(lengths));
    };
    let refused = |expected| Error::new("Recomputed", "layer", expected, layer.describe());
    let Some(direction) = layer.direction() else {
        return Err(refused("one that goes one way through time"));
    };
    if is_watched(&layer) {
        let expected = "one that is not watched, as its steps are taken twice";
        return Err(refused(expected));
    }

    // What stands for the parameters of a layer without any.
    let nothing = || Tensor::zeros([1], (&inputs.device().inner(), inputs.dtype()));
    let parameters = parameters.unwrap_or_else(nothing);
    let state = state.map(&mut |tensor| graph.lifted(tensor));
    let read = NodeInputs {
        sequence: graph.lifted(inputs),
        state: side_by_side(&state),
        parameters: graph.lifted(parameters),
    };
    let pieces = cut(time, pieces, layer.cycle(), direction);
    let run = Run {
        layer: layer.map(&mut Constants),
        inputs: constant(read.sequence.clone()),
        lengths: lengths.cloned(),
        seeds: Seeds::drawn(&read.sequence.device(), pieces.len()),
        pieces,
        wanted: Wanted {
            inputs: read.sequence.is_tracked(),
            parameters: read.parameters.is_tracked(),
        },
    };
    let (values, starts) = run.forward(state.clone().map(&mut constant))?;
    let shape = state.clone();
    let after = one_node(read, values, move |slopes| run.backward(starts, slopes));
    Ok(LayerOutput {
        outputs: after.outputs,
        state: apart(shape, after.state),
    })
}

/// The kind of graph that a run may be part of.
///
/// Whether it is part of one is of no account: inside another run in pieces it is in the second pass alone, and has to
/// draw the same masks in both.
struct Graph {
    strategy: GradientCheckpointingStrategy,
}

impl Graph {
    /// That of whatever has autodiff; `None` if nothing has.
    fn of<S: State>(inputs: &Tensor<3>, state: &S, parameters: Option<&Tensor<1>>) -> Option<Self> {
        let states = state.tensors();
        let of_states = states.iter().map(Tensor::gradient_checkpointing_strategy);
        let of_parameters = parameters.map(Tensor::gradient_checkpointing_strategy);
        let all = [inputs.gradient_checkpointing_strategy()].into_iter();
        let strategy = all.chain(of_states).chain(of_parameters).flatten().next()?;
        Some(Self { strategy })
    }

    /// `tensor` as one of the graph; a constant if it was of none.
    fn lifted<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        match tensor.is_autodiff() {
            true => tensor,
            false => tensor
                .autodiff()
                .with_gradient_checkpointing_strategy(self.strategy),
        }
    }
}

/// Which gradients somebody will look at.
struct Wanted {
    inputs: bool,
    parameters: bool,
}

/// What both passes know. It is of constants.
struct Run<L> {
    layer: L,
    inputs: Tensor<3>,
    lengths: Option<Lengths>,
    /// In the direction's order.
    pieces: Vec<Range<usize>>,
    seeds: Seeds,
    wanted: Wanted,
}

impl<L: Layer> Run<L> {
    /// The outputs and the final state, and the state that each piece starts from.
    fn forward(&self, mut state: L::State) -> Result<(NodeOutputs, Vec<L::State>), Error> {
        let mut starts = Vec::with_capacity(self.pieces.len());
        let mut outputs = vec![None; self.pieces.len()];
        for (index, place) in in_time(&self.pieces) {
            starts.push(state.clone());
            let run = self.piece(&self.layer, index, self.slice(index), state)?;
            // A state may be a view of the outputs of all steps, which would be kept with it: this copies it.
            state = run
                .state
                .map(&mut |tensor| constant(tensor.mul_scalar(1.0)));
            outputs[place] = Some(run.outputs.without_autodiff());
            forget(&self.inputs);
        }
        self.seeds.end(Pass::Forward);
        let values = NodeOutputs {
            outputs: Tensor::cat(outputs.into_iter().flatten().collect(), 1),
            state: side_by_side(&state).without_autodiff(),
        };
        Ok((values, starts))
    }

    /// The gradients, from the last piece to the first.
    fn backward(self, mut starts: Vec<L::State>, slopes: OutputSlopes) -> InputSlopes {
        let constants = parameters::each(&self.layer);
        let mut of_parameters: Vec<Option<Tensor<1>>> = vec![None; constants.len()];
        let mut of_inputs = vec![None; self.pieces.len()];
        let mut of_state = slopes.state;
        for (index, place) in in_time(&self.pieces).into_iter().rev() {
            let start = starts.pop().expect("each piece has a start").map(&mut leaf);
            let inputs = match self.wanted.inputs {
                true => leaf(self.slice(index)),
                false => self.slice(index),
            };
            let layer = match self.wanted.parameters {
                true => self.layer.clone().map(&mut Leaves),
                false => self.layer.clone(),
            };
            let run = self.piece(&layer, index, inputs.clone(), start.clone());
            let run = run.expect("it ran in the forward pass");
            let of_outputs = slopes.outputs.as_ref().map(|slopes| {
                let slopes = slopes.clone().slice_dim(1, self.pieces[index].clone());
                (run.outputs * slopes).sum()
            });
            let of_end = of_state.map(|slopes| (side_by_side(&run.state) * slopes).sum());
            let products = of_outputs.into_iter().chain(of_end);
            let objective = products.reduce(|sum, product| sum + product);
            let objective = objective.filter(Tensor::is_tracked);
            let gradients = objective.map(|objective| objective.backward());

            // What the piece does not depend on has no gradient there.
            let of_start = start.map(&mut |tensor| {
                let slope = gradients
                    .as_ref()
                    .and_then(|gradients| tensor.grad(gradients));
                slope.unwrap_or_else(|| tensor.without_autodiff().zeros_like())
            });
            of_state = Some(side_by_side(&of_start));
            if self.wanted.inputs {
                let slope = gradients
                    .as_ref()
                    .and_then(|gradients| inputs.grad(gradients));
                let slope = slope.unwrap_or_else(|| inputs.without_autodiff().zeros_like());
                of_inputs[place] = Some(slope);
            }
            if let (true, Some(gradients)) = (self.wanted.parameters, &gradients) {
                let found = parameters::gradients(&layer, gradients);
                for (sum, found) in of_parameters.iter_mut().zip(found) {
                    *sum = match (sum.take(), found) {
                        (Some(sum), Some(found)) => Some(sum + found),
                        (sum, found) => sum.or(found),
                    };
                }
            }
        }
        self.seeds.end(Pass::Backward);
        InputSlopes {
            sequence: self
                .wanted
                .inputs
                .then(|| Tensor::cat(of_inputs.into_iter().flatten().collect(), 1)),
            state: of_state,
            parameters: self.wanted.parameters.then(|| {
                let slopes = of_parameters.into_iter().zip(constants);
                let slopes = slopes.map(|(slope, constant)| {
                    slope.unwrap_or_else(|| constant.without_autodiff().zeros_like())
                });
                Tensor::cat(slopes.collect(), 0)
            }),
        }
    }

    /// One piece, with the masks that it has in both passes.
    fn piece(
        &self,
        layer: &L,
        index: usize,
        inputs: Tensor<3>,
        state: L::State,
    ) -> Result<LayerOutput<L::State>, Error> {
        let steps = &self.pieces[index];
        let lengths = self.lengths.as_ref();
        let lengths = lengths.map(|lengths| lengths.window(steps.start, steps.len()));
        self.seeds.begin(index);
        let input = LayerInput::new(inputs).with_state(state);
        layer.forward(input.with_lengths(lengths.as_ref()))
    }

    fn slice(&self, index: usize) -> Tensor<3> {
        self.inputs.clone().slice_dim(1, self.pieces[index].clone())
    }
}

/// Has Burn forget what it has noted of operations without a gradient, which it otherwise does in the next backward
/// pass: of a layer that runs step by step, that is as much as a graph.
fn forget(like: &Tensor<3>) {
    let place = (&like.device(), like.dtype());
    Tensor::<1>::zeros([1], place).require_grad().backward();
}

/// The index of each piece in the direction's order, and its place in time.
fn in_time(pieces: &[Range<usize>]) -> Vec<(usize, usize)> {
    let count = pieces.len();
    let reverse = pieces[0].start > 0;
    let place = |index| match reverse {
        true => count - 1 - index,
        false => index,
    };
    (0..count).map(|index| (index, place(index))).collect()
}

/// All tensors of a state in one: `[batch, units of all]`.
fn side_by_side<S: State>(state: &S) -> Tensor<2> {
    Tensor::cat(state.tensors(), 1)
}

/// The inverse of [`side_by_side`], for a state with tensors as `shape` has them.
fn apart<S: State>(shape: S, tensor: Tensor<2>) -> S {
    let mut start = 0;
    shape.map(&mut |like| {
        let end = start + like.dims()[1];
        let own = tensor.clone().slice_dim(1, start..end);
        start = end;
        own
    })
}
