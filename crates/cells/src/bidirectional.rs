//! Two runs over one sequence, one in each direction, merged step by step.
//!
//! ```text
//! y_t = merge(forward_t, reverse_t)
//! ```
//!
//! Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    Cell, Direction, Error, Initial, Layer, LayerOutput, Lengths, Path, Recurrent, SequenceConfig,
    Trace, state,
};

/// How the outputs of the two directions become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Side by side, forward first: twice the features. PyTorch's and the default.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// Their product, element by element.
    Product,
}

/// The states of the two directions.
#[derive(Debug, Clone)]
pub struct BothDirections<S> {
    /// Of the forward direction; after a run, the state after each row's last valid step.
    pub forward: S,
    /// Of the reverse direction; after a run, the state after each row's first step.
    pub reverse: S,
}
state!(BothDirections<S> { forward, reverse });

/// Configuration of a [`Bidirectional`] layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BidirectionalConfig<K> {
    /// The cell; each direction has its own weights.
    pub cell: K,
    /// How the two outputs become one; concatenation by default.
    #[serde(default)]
    pub merge: Merge,
    /// What runs start from, in each direction on its own; zeros by default.
    #[serde(default)]
    pub initial: Initial,
}

impl<K> BidirectionalConfig<K> {
    /// The cell in both directions, concatenated.
    pub fn new(cell: K) -> Self {
        Self {
            cell,
            merge: Merge::default(),
            initial: Initial::default(),
        }
    }

    /// Sets how the two outputs become one.
    #[must_use]
    pub fn with_merge(mut self, merge: Merge) -> Self {
        self.merge = merge;
        self
    }

    /// Sets what runs start from, in each direction.
    #[must_use]
    pub fn with_initial(mut self, initial: Initial) -> Self {
        self.initial = initial;
        self
    }
}

impl<K: SequenceConfig<Built: Cell>> SequenceConfig for BidirectionalConfig<K> {
    type Built = Bidirectional<K::Built>;

    fn input_size(&self) -> usize {
        self.cell.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.cell = self.cell.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Option<Self> {
        self.cell = self.cell.with_hidden_size(hidden_size)?;
        Some(self)
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        let (forward, reverse) = (self.cell.init(device)?, self.cell.init(device)?);
        Bidirectional::new(forward, reverse, self.merge).with_initial(self.initial)
    }
}

/// A cell, run over a sequence in both directions.
#[derive(Module, Debug)]
pub struct Bidirectional<C: Module> {
    /// From the first step to the last.
    pub forward: Recurrent<C>,
    /// From each row's last valid step to the first.
    pub reverse: Recurrent<C>,
    /// How the two outputs become one.
    #[module(skip)]
    pub merge: Merge,
}

impl<C: Cell> Bidirectional<C> {
    /// Two cells, one for each direction.
    pub fn new(forward: C, reverse: C, merge: Merge) -> Self {
        let forward = Recurrent::new(forward, Direction::Forward);
        let reverse = Recurrent::new(reverse, Direction::Reverse);
        Self {
            forward,
            reverse,
            merge,
        }
    }

    /// Sets what runs start from, in each direction.
    ///
    /// # Errors
    ///
    /// When a standard deviation is not a finite number above 0.
    pub fn with_initial(mut self, initial: Initial) -> Result<Self, Error> {
        self.forward = self.forward.with_initial(initial)?;
        self.reverse = self.reverse.with_initial(initial)?;
        Ok(self)
    }

    /// Does `run` in each direction.
    fn each<R>(
        &self,
        state: Option<BothDirections<C::State>>,
        run: impl Fn(&Recurrent<C>, Option<C::State>) -> Result<R, Error>,
    ) -> Result<[R; 2], Error> {
        let (forward, reverse) = match state {
            Some(state) => (Some(state.forward), Some(state.reverse)),
            None => (None, None),
        };
        let forward = run(&self.forward, forward)
            .map_err(|error| error.within("forward of Bidirectional"))?;
        let reverse = run(&self.reverse, reverse)
            .map_err(|error| error.within("reverse of Bidirectional"))?;
        Ok([forward, reverse])
    }

    fn merged(&self, forward: Tensor<3>, reverse: Tensor<3>) -> Tensor<3> {
        match self.merge {
            Merge::Concat => Tensor::cat(vec![forward, reverse], 2),
            Merge::Sum => forward + reverse,
            Merge::Mean => (forward + reverse) * 0.5,
            Merge::Product => forward * reverse,
        }
    }
}

impl<C: Cell> Layer for Bidirectional<C> {
    type State = BothDirections<C::State>;

    fn input_size(&self) -> usize {
        self.forward.input_size()
    }

    fn output_size(&self) -> usize {
        match self.merge {
            Merge::Concat => 2 * self.forward.output_size(),
            Merge::Sum | Merge::Mean | Merge::Product => self.forward.output_size(),
        }
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        BothDirections {
            forward: self.forward.initial_state(batch),
            reverse: self.reverse.initial_state(batch),
        }
    }

    fn describe(&self) -> String {
        format!("Bidirectional: {}", self.forward.describe())
    }

    fn unrolled(mut self) -> Self {
        self.forward = self.forward.unrolled();
        self.reverse = self.reverse.unrolled();
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        let of = |name: &str, layer: &Recurrent<C>| {
            let paths = layer.paths().into_iter();
            let named =
                paths.map(|(layer, path)| (format!("{name} of Bidirectional: {layer}"), path));
            named.collect::<Vec<_>>()
        };
        [of("forward", &self.forward), of("reverse", &self.reverse)].concat()
    }

    fn forward(
        &self,
        input: Tensor<3>,
        state: Option<Self::State>,
        lengths: Option<&Lengths>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let [forward, reverse] = self.each(state, |layer, state| {
            Layer::forward(layer, input.clone(), state, lengths)
        })?;
        Ok(LayerOutput {
            outputs: self.merged(forward.outputs, reverse.outputs),
            state: BothDirections {
                forward: forward.state,
                reverse: reverse.state,
            },
        })
    }

    fn trace(
        &self,
        input: Tensor<3>,
        state: Option<Self::State>,
        lengths: Option<&Lengths>,
    ) -> Result<Trace<Self::State>, Error> {
        let [forward, reverse] = self.each(state, |layer, state| {
            layer.trace(input.clone(), state, lengths)
        })?;
        let steps = forward.states.into_iter().zip(reverse.states);
        Ok(Trace {
            outputs: self.merged(forward.outputs, reverse.outputs),
            states: steps
                .map(|(forward, reverse)| BothDirections { forward, reverse })
                .collect(),
            state: BothDirections {
                forward: forward.state,
                reverse: reverse.state,
            },
        })
    }
}
