//! What a language model learns: to foresee each symbol of a text.

use backdraft_cells::{Error, Layer};
use backdraft_models::{LanguageModel, SymbolLoss};
use burn::tensor::{Int, Tensor};

use crate::{Loss, Objective};

impl<S> From<SymbolLoss<S>> for Loss<S> {
    fn from(loss: SymbolLoss<S>) -> Self {
        Self {
            losses: loss.nats,
            penalty: loss.penalty,
            state: loss.state,
        }
    }
}

/// Symbols and the symbols after them, each `[batch, time]`.
#[derive(Debug, Clone)]
pub struct SymbolBatch {
    /// What the model reads.
    pub inputs: Tensor<2, Int>,
    /// What it is to foresee.
    pub targets: Tensor<2, Int>,
}

crate::batch!(SymbolBatch { inputs, targets });

impl<L: Layer> Objective for LanguageModel<L> {
    type Batch = SymbolBatch;
    type State = L::State;

    fn loss(
        &self,
        batch: SymbolBatch,
        state: Option<Self::State>,
    ) -> Result<Loss<Self::State>, Error> {
        LanguageModel::loss(self, batch.inputs, batch.targets, state).map(Loss::from)
    }

    fn blank_state(&self, rows: usize) -> Self::State {
        self.initial_state(rows)
    }
}
