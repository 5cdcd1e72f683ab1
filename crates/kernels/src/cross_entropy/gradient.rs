//! A cross-entropy as ONE node of the graph.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::operation::{CrossEntropyBackend, CrossEntropyRun, Targets};
use crate::gradient::register;

#[derive(Debug)]
struct CrossEntropy;

#[derive(Debug, Clone)]
struct State<B: Backend> {
    targets: Targets,
    scores: NodeId,
    kept: FloatTensor<B>,
}

impl<B: CrossEntropyBackend> Backward<B, 1> for CrossEntropy {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<B>(&ops.node);
        let State {
            targets,
            scores,
            kept,
        } = ops.state;
        let scores = checkpointer.retrieve_node_output(scores);
        let found = B::cross_entropy_backward(targets, scores, kept, gradient);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 1>(parents, [found], gradients);
    }
}

impl<B: CrossEntropyBackend, C: CheckpointStrategy> CrossEntropyBackend for Autodiff<B, C> {
    fn cross_entropy(targets: Targets, scores: FloatTensor<Self>) -> CrossEntropyRun<Self> {
        let node = scores.node();
        let run = B::cross_entropy(targets.clone(), scores.clone().into_primitive());
        let nats = match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = State {
                    targets,
                    scores: prep.checkpoint(&scores),
                    kept: run.kept.clone(),
                };
                prep.finish(state, run.nats)
            }
            OpsKind::UnTracked(prep) => prep.finish(run.nats),
        };
        CrossEntropyRun {
            nats,
            kept: FloatTensor::<Self>::new(run.kept),
        }
    }

    fn cross_entropy_backward(
        _: Targets,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        unreachable!("gradients of gradients are not recorded")
    }
}
