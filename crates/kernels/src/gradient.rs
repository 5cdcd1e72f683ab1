//! The recurrence as ONE node of the graph.
//!
//! A node of burn-autodiff has one output; a run has two, the outputs and the final state. So the
//! run is a core node, whose own output nobody sees, and one small node for each output. Backward
//! visits these first: each leaves its gradient in a slot that it shares with the core. The core
//! then takes what is in the slots. What was not used leaves nothing, and costs nothing.

use std::sync::{Arc, Mutex};

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use crate::operation::{
    Gradient, InputGradients, Kept, OutputGradients, Read, RecurrentBackend, Run,
};
use crate::recurrence::{Recurrence, Walk};

/// The whole run.
#[derive(Debug)]
struct Core;

/// One of the outputs of a run.
#[derive(Debug)]
struct Output;

/// The input's part of a run.
#[derive(Debug)]
struct Projection;

type Slots<B> = Arc<Mutex<[Option<FloatTensor<B>>; 2]>>;

#[derive(Clone, Debug)]
struct CoreState<B: Backend> {
    recurrence: Recurrence,
    walk: Walk,
    weight: NodeId,
    initial: NodeId,
    kept: Kept<B>,
    slots: Slots<B>,
}

/// `W x`: `d x = d y W`, `d W = d y^T x`.
impl<B: RecurrentBackend> Backward<B, 2> for Projection {
    type State = (Option<NodeId>, Option<NodeId>);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<B>(&ops.node);
        let [input_node, weight_node] = ops.parents;
        let (input, weight) = ops.state;
        if let (Some(node), Some(weight)) = (input_node, weight) {
            let weight = checkpointer.retrieve_node_output(weight);
            gradients.register::<B>(node.id, B::float_matmul(gradient.clone(), weight));
        }
        if let (Some(node), Some(input)) = (weight_node, input) {
            let input = checkpointer.retrieve_node_output(input);
            let gradient = B::float_swap_dims(gradient, 0, 1);
            gradients.register::<B>(node.id, B::float_matmul(gradient, input));
        }
    }
}

impl<B: RecurrentBackend> Backward<B, 1> for Output {
    type State = (usize, Slots<B>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (slot, slots) = ops.state;
        slots.lock().expect("no holder of this lock panics")[slot] = Some(gradient);
    }
}

impl<B: RecurrentBackend> Backward<B, 5> for Core {
    type State = CoreState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let state = ops.state;
        let slots =
            std::mem::take(&mut *state.slots.lock().expect("no holder of this lock panics"));
        let [outputs, last] = slots.map(|slot| slot.map_or(Gradient::Zero, Gradient::Some));
        let InputGradients {
            projected,
            weight,
            input_bias,
            recurrent_bias,
            initial,
        } = B::recurrence_backward(
            state.recurrence,
            state.walk,
            checkpointer.retrieve_node_output(state.weight),
            checkpointer.retrieve_node_output(state.initial),
            state.kept,
            OutputGradients {
                outputs,
                state: last,
            },
        );
        let found = [projected, weight, input_bias, recurrent_bias, initial];
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(parent) = parent {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: RecurrentBackend, C: CheckpointStrategy> RecurrentBackend for Autodiff<B, C> {
    fn projection(input: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [input.node(), weight.node()];
        match Projection.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                // Each is needed for the gradient of the other alone.
                let ids = (
                    weight.is_tracked().then(|| prep.checkpoint(&input)),
                    input.is_tracked().then(|| prep.checkpoint(&weight)),
                );
                prep.finish(
                    ids,
                    B::projection(input.into_primitive(), weight.into_primitive()),
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(B::projection(
                input.into_primitive(),
                weight.into_primitive(),
            )),
        }
    }

    fn recurrence(recurrence: Recurrence, walk: Walk, inputs: Read<Self>) -> Run<Self> {
        let Read {
            projected,
            weight,
            input_bias,
            recurrent_bias,
            initial,
        } = inputs;
        let inputs = [&projected, &weight, &input_bias, &recurrent_bias, &initial];
        let nodes = inputs.map(|input| input.node());
        let core = Core.prepare::<C>(nodes).compute_bound().stateful();
        let parents = (weight.clone(), initial.clone());
        // By value: a body may compute in place where nobody else holds a tensor.
        let read = Read {
            projected: projected.into_primitive(),
            weight: weight.into_primitive(),
            input_bias: input_bias.into_primitive(),
            recurrent_bias: recurrent_bias.into_primitive(),
            initial: initial.into_primitive(),
        };
        match core {
            OpsKind::Tracked(mut prep) => {
                let (weight, initial) = (prep.checkpoint(&parents.0), prep.checkpoint(&parents.1));
                let kept = B::recurrence_kept(recurrence, walk.clone(), read);
                let outputs = [kept.outputs.clone(), kept.state.clone()];
                let slots = Slots::<B>::default();
                let state = CoreState {
                    recurrence,
                    walk,
                    weight,
                    initial,
                    kept,
                    slots: slots.clone(),
                };
                let core: FloatTensor<Self> = prep.finish(state, outputs[1].clone());
                let [outputs, state] = [0, 1].map(|slot| {
                    output::<B, C>(&core, (slot, slots.clone()), outputs[slot].clone())
                });
                Run { outputs, state }
            }
            OpsKind::UnTracked(_) => {
                drop(parents);
                let run = B::recurrence(recurrence, walk, read);
                Run {
                    outputs: FloatTensor::<Self>::new(run.outputs),
                    state: FloatTensor::<Self>::new(run.state),
                }
            }
        }
    }
}

fn output<B: RecurrentBackend, C: CheckpointStrategy>(
    core: &FloatTensor<Autodiff<B, C>>,
    state: (usize, Slots<B>),
    value: FloatTensor<B>,
) -> FloatTensor<Autodiff<B, C>> {
    match Output
        .prepare::<C>([core.node()])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(state, value),
        OpsKind::UnTracked(prep) => prep.finish(value),
    }
}
