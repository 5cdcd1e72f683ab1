//! A run of a program as ONE node of the graph; see [`crate::gradient`] for how it has two outputs.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::{Program, ProgramBackend, ProgramLeft, ProgramRead, ProgramRun};
use crate::Walk;
use crate::gradient::{Slots, output, register, taken};
use crate::operation::OutputGradients;

#[derive(Debug)]
struct Core;

#[derive(Clone, Debug)]
struct CoreState<B: Backend> {
    program: Program,
    walk: Walk,
    read: [NodeId; 3],
    kept: FloatTensor<B>,
    slots: Slots<B>,
}

impl<B: ProgramBackend> Backward<B, 3> for Core {
    type State = CoreState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let CoreState {
            program,
            walk,
            read,
            kept,
            slots,
        } = ops.state;
        let gradients_of_outputs: OutputGradients<B> = taken(&slots);
        let [projected, parameters, initial] =
            read.map(|node| checkpointer.retrieve_node_output(node));
        let read = ProgramRead {
            projected,
            parameters,
            initial,
        };
        let left = ProgramLeft { read, kept };
        let found = B::program_backward(program, walk, left, gradients_of_outputs);
        let found = [found.projected, found.parameters, found.initial];
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 3>(parents, found, gradients);
    }
}

impl<B: ProgramBackend, C: CheckpointStrategy> ProgramBackend for Autodiff<B, C> {
    fn program(program: Program, walk: Walk, read: ProgramRead<Self>) -> ProgramRun<Self> {
        let tensors = [read.projected, read.parameters, read.initial];
        let nodes = tensors.clone().map(|tensor| tensor.node());
        let core = Core.prepare::<C>(nodes).compute_bound().stateful();
        let [projected, parameters, initial] = tensors.clone().map(|t| t.into_primitive());
        let read = ProgramRead {
            projected,
            parameters,
            initial,
        };
        match core {
            OpsKind::Tracked(mut prep) => {
                let nodes = tensors.map(|tensor| prep.checkpoint(&tensor));
                let run = B::program_kept(program.clone(), walk.clone(), read);
                let slots = Slots::<B>::default();
                let state = CoreState::<B> {
                    program,
                    walk,
                    read: nodes,
                    kept: run.kept.clone(),
                    slots: slots.clone(),
                };
                let values = [run.outputs, run.state];
                let core: FloatTensor<Self> = prep.finish(state, values[1].clone());
                let [outputs, state] = [0, 1]
                    .map(|slot| output::<B, C>(&core, (slot, slots.clone()), values[slot].clone()));
                let kept = FloatTensor::<Self>::new(run.kept);
                ProgramRun {
                    outputs,
                    state,
                    kept,
                }
            }
            OpsKind::UnTracked(_) => {
                let run = B::program(program, walk, read);
                ProgramRun {
                    outputs: FloatTensor::<Self>::new(run.outputs),
                    state: FloatTensor::<Self>::new(run.state),
                    kept: FloatTensor::<Self>::new(run.kept),
                }
            }
        }
    }

    fn program_kept(program: Program, walk: Walk, read: ProgramRead<Self>) -> ProgramRun<Self> {
        Self::program(program, walk, read)
    }

    fn program_backward(
        _: Program,
        _: Walk,
        _: ProgramLeft<Self>,
        _: OutputGradients<Self>,
    ) -> ProgramRead<Self> {
        unreachable!("gradients of gradients are not recorded")
    }
}
