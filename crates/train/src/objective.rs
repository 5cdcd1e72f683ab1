//! What is learned: the loss of one window of a sequence, and the state it leaves behind.

use backdraft_cells::{Cell, Error, State};
use backdraft_models::LanguageModel;
use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Int, Tensor};
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};

use crate::metrics::WindowValues;

/// A model that can be trained on sequences which come in windows.
pub trait Objective: Module + ModuleDisplay + 'static {
    /// One window of the data.
    type Batch: Send + 'static;
    /// What a window leaves to the next.
    type State: State;

    /// The loss at each predicted position of a window, in nats, and the state after it.
    ///
    /// # Errors
    ///
    /// When batch and state do not fit the model.
    fn loss(
        &self,
        batch: Self::Batch,
        state: Option<Self::State>,
    ) -> Result<(Tensor<1>, Self::State), Error>;

    /// A state for so many rows, whatever it holds: what a saved one is put into.
    fn blank_state(&self, rows: usize) -> Self::State;
}

/// Symbols and the symbols after them, each `[batch, time]`.
#[derive(Debug, Clone)]
pub struct SymbolBatch {
    /// What the model reads.
    pub inputs: Tensor<2, Int>,
    /// What it is to foresee.
    pub targets: Tensor<2, Int>,
}

impl<C: Cell> Objective for LanguageModel<C> {
    type Batch = SymbolBatch;
    type State = Vec<C::State>;

    fn loss(
        &self,
        batch: SymbolBatch,
        state: Option<Self::State>,
    ) -> Result<(Tensor<1>, Self::State), Error> {
        let loss = LanguageModel::loss(self, batch.inputs, batch.targets, state)?;
        Ok((loss.nats, loss.state))
    }

    fn blank_state(&self, rows: usize) -> Self::State {
        self.initial_state(rows)
    }
}

/// A window on its way through burn-train, with the state that it continues from.
#[derive(Debug)]
pub struct Window<M: Objective> {
    /// The data.
    pub batch: M::Batch,
    /// Whether the streams begin here, with no state before them.
    pub first: bool,
    /// The state after the last window; put there by what drives the training.
    pub state: Option<M::State>,
}

/// What a window gave.
#[derive(Debug)]
pub struct WindowOutput<S> {
    /// The loss at each position, in nats.
    pub nats: Tensor<1>,
    /// The norm of the whole gradient before clipping, in training.
    pub gradient_norm: Option<Tensor<1>>,
    /// The state after the window, cut off from its graph.
    pub state: Option<S>,
}

/// A model as burn-train's `Learner` takes it.
#[derive(Module, Debug)]
pub struct Trainee<M: Module> {
    /// The model.
    pub model: M,
}

impl<M: Objective> TrainStep for Trainee<M> {
    type Input = Window<M>;
    type Output = WindowOutput<M::State>;

    /// Forward and backward; the loss is the mean over all positions.
    fn step(&self, window: Window<M>) -> TrainOutput<Self::Output> {
        let (nats, state) = run(&self.model, window);
        let gradients = nats.clone().mean().backward();
        let (nats, state) = (nats.detach(), Some(state.detach()));
        TrainOutput::new(
            self,
            gradients,
            WindowOutput {
                nats,
                gradient_norm: None,
                state,
            },
        )
    }
}

impl<M: Objective> InferenceStep for Trainee<M> {
    type Input = Window<M>;
    type Output = WindowOutput<M::State>;

    fn step(&self, window: Window<M>) -> Self::Output {
        let (nats, state) = run(&self.model, window);
        WindowOutput {
            nats,
            gradient_norm: None,
            state: Some(state),
        }
    }
}

fn run<M: Objective>(model: &M, window: Window<M>) -> (Tensor<1>, M::State) {
    let result = model.loss(window.batch, window.state);
    // The loader and the state are made for this model; burn-train's steps cannot fail.
    result.unwrap_or_else(|error| panic!("a window does not fit its model: {error}"))
}

impl<S: State> ItemLazy for WindowOutput<S> {
    fn sync(self) -> Result<Self, burn::backend::ExecutionError> {
        self.nats.device().flush()?;
        Ok(Self {
            nats: self.nats.without_autodiff(),
            gradient_norm: self.gradient_norm.map(Tensor::without_autodiff),
            state: self.state,
        })
    }
}

impl<S> Adaptor<LossInput> for WindowOutput<S> {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.nats.clone())
    }
}

impl<S> Adaptor<WindowValues> for WindowOutput<S> {
    fn adapt(&self) -> WindowValues {
        WindowValues {
            nats: self.nats.clone(),
            gradient_norm: self.gradient_norm.clone(),
        }
    }
}
