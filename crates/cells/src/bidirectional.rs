//! Two runs over one sequence, one in each direction, merged step by step.
//!
//! ```text
//! y_t = merge(forward_t, reverse_t)
//! ```
//!
//! Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    Cell, Direction, Error, Initial, Layer, LayerInput, LayerOutput, Path, Recurrent,
    SequenceConfig, Trace, state,
};

/// How the outputs of the two directions become one.
#[doc(alias = "merge_mode")]
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

/// What there is of each direction: the states of a run, or the recurrences themselves.
#[derive(Debug, Clone)]
pub struct BothDirections<S> {
    /// Of the forward direction; as the state of a run, that after each row's last valid step.
    pub forward: S,
    /// Of the reverse direction; as the state of a run, that after each row's first step.
    pub reverse: S,
}
state!(BothDirections<S> { forward, reverse });

impl<S> BothDirections<S> {
    /// The forward one and the reverse one.
    pub fn into_array(self) -> [S; 2] {
        [self.forward, self.reverse]
    }
}

/// Configuration of a [`Bidirectional`] layer.
#[doc(alias = "bidirectional")]
#[doc(alias = "merge_mode")]
#[doc(alias = "BiLstm")]
#[doc(alias = "BiGru")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl<K: SequenceConfig> Config for BidirectionalConfig<K> {}

impl<K: SequenceConfig<Built: Cell>> SequenceConfig for BidirectionalConfig<K> {
    type Built = Bidirectional<K::Built>;

    fn input_size(&self) -> usize {
        self.cell.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.cell = self.cell.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.cell = self.cell.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        let (forward, reverse) = (self.cell.init(device)?, self.cell.init(device)?);
        Bidirectional::new(forward, reverse, self.merge).with_initial(self.initial)
    }
}

/// A cell, run over a sequence in both directions.
///
/// A state that is given is where each direction starts, as in PyTorch: the forward one at step 0, the reverse one at
/// each row's last valid step. From window to window of a long sequence only the forward direction goes on; the reverse
/// one has not seen the windows to come, and starts anew: give it its [`initial_state`](Layer::initial_state).
#[doc(alias = "bidirectional")]
#[derive(Module, Debug)]
pub struct Bidirectional<C: Module> {
    /// From the first step to the last.
    forward: Recurrent<C>,
    /// From each row's last valid step to the first.
    reverse: Recurrent<C>,
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

    /// The recurrences of the two directions, each with its own weights.
    pub fn directions(&self) -> BothDirections<&Recurrent<C>> {
        BothDirections {
            forward: &self.forward,
            reverse: &self.reverse,
        }
    }

    /// The same, to change them.
    pub fn directions_mut(&mut self) -> BothDirections<&mut Recurrent<C>> {
        BothDirections {
            forward: &mut self.forward,
            reverse: &mut self.reverse,
        }
    }

    /// Does `run` in each direction.
    fn each<R>(
        &self,
        input: LayerInput<'_, BothDirections<C::State>>,
        run: impl Fn(&Recurrent<C>, LayerInput<'_, C::State>) -> Result<R, Error>,
    ) -> Result<BothDirections<R>, Error> {
        let of = |state: Option<C::State>| LayerInput {
            inputs: input.inputs.clone(),
            state,
            lengths: input.lengths,
        };
        let (forward, reverse) = match input.state {
            Some(state) => (Some(state.forward), Some(state.reverse)),
            None => (None, None),
        };
        let within = |name: &'static str| move |error: Error| error.within(name);
        Ok(BothDirections {
            forward: run(&self.forward, of(forward)).map_err(within("forward of Bidirectional"))?,
            reverse: run(&self.reverse, of(reverse)).map_err(within("reverse of Bidirectional"))?,
        })
    }

    fn joined(
        &self,
        runs: BothDirections<LayerOutput<C::State>>,
    ) -> LayerOutput<BothDirections<C::State>> {
        LayerOutput {
            outputs: self.merged(runs.forward.outputs, runs.reverse.outputs),
            state: BothDirections {
                forward: runs.forward.state,
                reverse: runs.reverse.state,
            },
        }
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

    fn prepared(&self, batch: usize) -> Self {
        Self {
            forward: self.forward.prepared(batch),
            reverse: self.reverse.prepared(batch),
            merge: self.merge,
        }
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let runs = self.each(input, |layer, input| layer.forward(input))?;
        Ok(self.joined(runs))
    }

    /// Each direction by itself, in its own order.
    fn forward_recomputed(
        &self,
        input: LayerInput<'_, Self::State>,
        pieces: Option<usize>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let runs = self.each(input, |layer, input| {
            layer.forward_recomputed(input, pieces)
        })?;
        Ok(self.joined(runs))
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        let BothDirections { forward, reverse } =
            self.each(input, |layer, input| layer.trace(input))?;
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
