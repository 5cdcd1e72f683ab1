//! Additive scores as ONE node of the graph.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::operation::{AdditiveBackend, AdditiveRead};
use crate::gradient::register;

#[derive(Debug)]
struct Scores;

impl<B: AdditiveBackend> Backward<B, 3> for Scores {
    type State = [NodeId; 3];

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<B>(&ops.node);
        let read = ops
            .state
            .map(|node| checkpointer.retrieve_node_output(node));
        let found = B::additive_scores_backward(AdditiveRead::new(read), gradient);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 3>(parents, found.all(), gradients);
    }
}

impl<B: AdditiveBackend, C: CheckpointStrategy> AdditiveBackend for Autodiff<B, C> {
    fn additive_scores(read: AdditiveRead<Self>) -> FloatTensor<Self> {
        let tensors = read.all();
        let nodes = tensors.clone().map(|tensor| tensor.node());
        let values = tensors.clone().map(|tensor| tensor.into_primitive());
        let scores = B::additive_scores(AdditiveRead::new(values));
        match Scores.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = tensors.map(|tensor| prep.checkpoint(&tensor));
                prep.finish(state, scores)
            }
            OpsKind::UnTracked(prep) => prep.finish(scores),
        }
    }

    fn additive_scores_backward(_: AdditiveRead<Self>, _: FloatTensor<Self>) -> AdditiveRead<Self> {
        unreachable!("gradients of gradients are not recorded")
    }
}

impl<B: Backend> AdditiveRead<B> {
    fn new([queries, keys, fit]: [FloatTensor<B>; 3]) -> Self {
        Self { queries, keys, fit }
    }

    fn all(self) -> [FloatTensor<B>; 3] {
        [self.queries, self.keys, self.fit]
    }
}
