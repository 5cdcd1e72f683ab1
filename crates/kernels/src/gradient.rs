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
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use crate::operation::{
    Gradient, Kept, LeftOfInput, OutputGradients, Parameters, ReadInput, ReadProjected,
    RecurrenceRun, RecurrentBackend, Wanted,
};
use crate::recurrence::{Recurrence, Walk};

/// The whole run, from the projection.
#[derive(Debug)]
struct Core;

/// The whole run, from the input.
#[derive(Debug)]
struct CoreOfInput;

/// One of the outputs of a run.
#[derive(Debug)]
struct Output;

/// Where the gradients of the two outputs are left for the core.
pub(crate) type Slots<B> = Arc<Mutex<[Option<FloatTensor<B>>; 2]>>;

#[derive(Clone, Debug)]
struct CoreState<B: Backend> {
    recurrence: Recurrence,
    walk: Walk,
    weight: NodeId,
    initial: NodeId,
    kept: Kept<B>,
    slots: Slots<B>,
}

impl<B: Backend> CoreState<B> {
    fn new(
        recurrence: Recurrence,
        walk: Walk,
        [weight, initial]: [NodeId; 2],
        kept: Kept<B>,
    ) -> Self {
        Self {
            recurrence,
            walk,
            weight,
            initial,
            kept,
            slots: Slots::<B>::default(),
        }
    }
}

/// The gradients that the outputs have left in the slots.
pub(crate) fn taken<B: Backend>(slots: &Slots<B>) -> OutputGradients<B> {
    let slots = std::mem::take(&mut *slots.lock().expect("no holder of this lock panics"));
    let [outputs, state] = slots.map(|slot| slot.map_or(Gradient::Zero, Gradient::Some));
    OutputGradients { outputs, state }
}

/// Leaves each gradient with the parent that asked for it.
pub(crate) fn register<B: Backend, const N: usize>(
    parents: [Option<NodeId>; N],
    found: [FloatTensor<B>; N],
    gradients: &mut Gradients,
) {
    for (parent, gradient) in parents.into_iter().zip(found) {
        if let Some(parent) = parent {
            gradients.register::<B>(parent, gradient);
        }
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
        let run = ops.state;
        let gradients_of_outputs = taken(&run.slots);
        let found = B::recurrence_backward(
            run.recurrence,
            run.walk,
            checkpointer.retrieve_node_output(run.weight),
            checkpointer.retrieve_node_output(run.initial),
            run.kept,
            gradients_of_outputs,
        );
        let [a, b, c, d] = found.parameters.all();
        let found = [found.projected, a, b, c, d];
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 5>(parents, found, gradients);
    }
}

#[derive(Clone, Debug)]
struct CoreOfInputState<B: Backend> {
    run: CoreState<B>,
    input: NodeId,
    input_weight: NodeId,
}

impl<B: RecurrentBackend> Backward<B, 6> for CoreOfInput {
    type State = CoreOfInputState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 6>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let CoreOfInputState {
            run,
            input,
            input_weight,
        } = ops.state;
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let gradients_of_outputs = taken(&run.slots);
        let found = B::recurrence_of_input_backward(
            run.recurrence,
            run.walk,
            Wanted {
                input: parents[0].is_some(),
                weight: parents[1].is_some(),
            },
            LeftOfInput {
                input: checkpointer.retrieve_node_output(input),
                input_weight: checkpointer.retrieve_node_output(input_weight),
                weight: checkpointer.retrieve_node_output(run.weight),
                initial: checkpointer.retrieve_node_output(run.initial),
            },
            run.kept,
            gradients_of_outputs,
        );
        let [a, b, c, d] = found.parameters.all();
        let found = [found.input, found.input_weight, a, b, c, d];
        register::<B, 6>(parents, found, gradients);
    }
}

impl<B: Backend> Backward<B, 1> for Output {
    type State = (usize, Slots<B>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (slot, slots) = ops.state;
        slots.lock().expect("no holder of this lock panics")[slot] = Some(gradient);
    }
}

impl<B: RecurrentBackend, C: CheckpointStrategy> RecurrentBackend for Autodiff<B, C> {
    fn recurrence(
        recurrence: Recurrence,
        walk: Walk,
        inputs: ReadProjected<Self>,
    ) -> RecurrenceRun<Self> {
        let ReadProjected {
            projected,
            parameters,
        } = inputs;
        let [a, b, c, d] = parameters.nodes();
        let nodes = [projected.node(), a, b, c, d];
        let core = Core.prepare::<C>(nodes).compute_bound().stateful();
        let read = ReadProjected {
            // By value: a body may compute in place where nobody else holds a tensor.
            projected: projected.into_primitive(),
            parameters: parameters.primitives(),
        };
        match core {
            OpsKind::Tracked(mut prep) => {
                let weight = prep.checkpoint(&parameters.weight);
                let initial = prep.checkpoint(&parameters.initial);
                let kept = B::recurrence_kept(recurrence, walk.clone(), read);
                let state = CoreState::new(recurrence, walk, [weight, initial], kept);
                tracked(state, |state, value| prep.finish(state, value))
            }
            OpsKind::UnTracked(_) => untracked(B::recurrence(recurrence, walk, read)),
        }
    }

    fn recurrence_of_input(
        recurrence: Recurrence,
        walk: Walk,
        inputs: ReadInput<Self>,
    ) -> RecurrenceRun<Self> {
        let ReadInput {
            input,
            input_weight,
            parameters,
        } = inputs;
        let [a, b, c, d] = parameters.nodes();
        let nodes = [input.node(), input_weight.node(), a, b, c, d];
        let core = CoreOfInput.prepare::<C>(nodes).compute_bound().stateful();
        let read = ReadInput {
            input: input.primitive().clone(),
            input_weight: input_weight.primitive().clone(),
            parameters: parameters.primitives(),
        };
        match core {
            OpsKind::Tracked(mut prep) => {
                let input = prep.checkpoint(&input);
                let input_weight = prep.checkpoint(&input_weight);
                let weight = prep.checkpoint(&parameters.weight);
                let initial = prep.checkpoint(&parameters.initial);
                let kept = B::recurrence_of_input_kept(recurrence, walk.clone(), read);
                let run = CoreState::new(recurrence, walk, [weight, initial], kept);
                tracked(run, |run, value| {
                    let state = CoreOfInputState {
                        run,
                        input,
                        input_weight,
                    };
                    prep.finish(state, value)
                })
            }
            OpsKind::UnTracked(_) => untracked(B::recurrence_of_input(recurrence, walk, read)),
        }
    }
}

impl<B: Backend> Parameters<B> {
    /// In the order in which they are parents.
    fn all(self) -> [FloatTensor<B>; 4] {
        [
            self.weight,
            self.input_bias,
            self.recurrent_bias,
            self.initial,
        ]
    }
}

impl<B: Backend, C: CheckpointStrategy> Parameters<Autodiff<B, C>> {
    fn nodes(&self) -> [NodeGuard; 4] {
        self.clone().all().map(|tensor| tensor.node())
    }

    fn primitives(&self) -> Parameters<B> {
        let [weight, input_bias, recurrent_bias, initial] =
            self.clone().all().map(|tensor| tensor.into_primitive());
        Parameters {
            weight,
            input_bias,
            recurrent_bias,
            initial,
        }
    }
}

/// The outputs of a run as nodes of the graph; `core` makes the core's.
fn tracked<B: RecurrentBackend, C: CheckpointStrategy>(
    state: CoreState<B>,
    core: impl FnOnce(CoreState<B>, FloatTensor<B>) -> FloatTensor<Autodiff<B, C>>,
) -> RecurrenceRun<Autodiff<B, C>> {
    let values = [state.kept.outputs.clone(), state.kept.state.clone()];
    let slots = state.slots.clone();
    let core = core(state, values[1].clone());
    let [outputs, state] =
        [0, 1].map(|slot| output::<B, C>(&core, (slot, slots.clone()), values[slot].clone()));
    RecurrenceRun { outputs, state }
}

fn untracked<B: RecurrentBackend, C: CheckpointStrategy>(
    run: RecurrenceRun<B>,
) -> RecurrenceRun<Autodiff<B, C>> {
    RecurrenceRun {
        outputs: FloatTensor::<Autodiff<B, C>>::new(run.outputs),
        state: FloatTensor::<Autodiff<B, C>>::new(run.state),
    }
}

/// One of the two outputs, as a node behind the core.
pub(crate) fn output<B: Backend, C: CheckpointStrategy>(
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
