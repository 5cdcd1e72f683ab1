//! A recurrence that skips: each step continues from `d` steps before.
//!
//! ```text
//! s_t = f(x_t, s_{t-d})              d chains, each of each d-th step, that never meet
//! ```
//!
//! The chains are rows of one batch, `d` times as many and as much shorter, so that whatever runs
//! the layer runs them. What is carried from run to run is the last `d` states, the oldest first: it
//! is the first that goes on.
//!
//! Chang et al. 2017, "Dilated recurrent neural networks", arXiv 1710.02224: layers on top of each
//! other that skip 1, 2, 4 .. steps.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    Connection, Deep, Direction, Error, Layer, LayerInput, LayerOutput, Lengths, Path,
    SequenceConfig, State, Trace, stepwise,
};

/// Configuration of a [`Dilated`] layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DilatedConfig<K> {
    /// The layer; it goes one way through time.
    pub layer: K,
    /// `d`: how many steps back each step continues from; 1 is the layer itself.
    pub skip: usize,
}

impl<K> DilatedConfig<K> {
    /// `layer`, each step of which continues from `skip` steps before.
    pub fn new(layer: K, skip: usize) -> Self {
        Self { layer, skip }
    }
}

impl<K: SequenceConfig> Config for DilatedConfig<K> {}

impl<K: SequenceConfig<Built: Layer>> SequenceConfig for DilatedConfig<K> {
    type Built = Dilated<K::Built>;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.layer = self.layer.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.layer = self.layer.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        Dilated::new(self.layer.init(device)?, self.skip)
    }
}

/// Configuration of dilated layers on top of each other, a [`Deep`] stack that skips more and more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DilatedStackConfig<K> {
    /// The first layer; the upper ones are the same with the input size of the one below.
    pub layer: K,
    /// How many steps each layer skips, the lowest first: 1, 2, 4 .. in the paper.
    pub skips: Vec<usize>,
    /// The probability of dropping a connection between two layers; 0 by default.
    #[serde(default)]
    pub dropout: f64,
    /// What goes around each layer whose input and output have the same size; nothing by default.
    #[serde(default)]
    pub connection: Connection,
}

impl<K> DilatedStackConfig<K> {
    /// A layer for each of `skips`, without dropout, with nothing around them.
    pub fn new(layer: K, skips: impl Into<Vec<usize>>) -> Self {
        Self {
            layer,
            skips: skips.into(),
            dropout: 0.0,
            connection: Connection::Plain,
        }
    }

    /// Sets the probability of dropping a connection between two layers.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets what goes around each layer.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }
}

impl<K: SequenceConfig> Config for DilatedStackConfig<K> {}

impl<K: SequenceConfig<Built: Layer>> SequenceConfig for DilatedStackConfig<K> {
    type Built = Deep<Dilated<K::Built>>;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.layer = self.layer.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.layer = self.layer.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        let mut config = self.layer.clone();
        let mut layers = Vec::with_capacity(self.skips.len());
        for &skip in &self.skips {
            let layer = DilatedConfig::new(config.clone(), skip).init(device)?;
            config = config.with_input_size(layer.output_size());
            layers.push(layer);
        }
        Deep::new(layers, self.dropout, self.connection)
    }
}

/// A layer, each step of which continues from `d` steps before. Its state is `d` of the layer's,
/// the oldest first.
#[doc(alias = "dilation")]
#[derive(Module, Debug)]
pub struct Dilated<L: Module> {
    /// The layer.
    pub layer: L,
    #[module(skip)]
    skip: usize,
    #[module(skip)]
    direction: Direction,
}

impl<L: Layer> Dilated<L> {
    /// `layer`, each step of which continues from `skip` steps before.
    ///
    /// # Errors
    ///
    /// When `skip` is 0 or the layer goes both ways through time: its two states would have to be
    /// handed on in two orders.
    pub fn new(layer: L, skip: usize) -> Result<Self, Error> {
        Error::unless_positive("Dilated", "skip", skip)?;
        let Some(direction) = layer.direction() else {
            let expected = "one that goes one way through time";
            return Err(Error::new("Dilated", "layer", expected, layer.describe()));
        };
        Ok(Self {
            layer,
            skip,
            direction,
        })
    }

    /// `d`: how many steps back each step continues from.
    pub fn skip(&self) -> usize {
        self.skip
    }

    /// For each chain, the state of each row that it goes on from: rows of the states side by side.
    fn starts(&self, lengths: &[usize]) -> Vec<usize> {
        let skip = self.skip;
        let start = |chain: usize, length: usize| match self.direction {
            Direction::Forward => chain,
            // The row's last step is the first to come, and takes the oldest.
            Direction::Reverse => (length + skip - 1 - chain) % skip,
        };
        self.rows(lengths, start)
    }

    /// For each state that is handed on, the chain that goes on from it in each row.
    fn ends(&self, lengths: &[usize]) -> Vec<usize> {
        let skip = self.skip;
        let end = |age: usize, length: usize| match self.direction {
            Direction::Forward => (length + age) % skip,
            Direction::Reverse => skip - 1 - age,
        };
        self.rows(lengths, end)
    }

    fn rows(&self, lengths: &[usize], which: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let batch = lengths.len();
        let row =
            |index: usize| which(index / batch, lengths[index % batch]) * batch + index % batch;
        (0..self.skip * batch).map(row).collect()
    }

    /// Chain by chain: `[batch, time, features]` to `[d batch, ceil(time / d), features]`.
    fn fold(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, time, features] = input.dims();
        let steps = time.div_ceil(self.skip);
        let input = input.swap_dims(0, 1);
        let missing = steps * self.skip - time;
        let input = match missing {
            0 => input,
            _ => {
                let end =
                    Tensor::zeros([missing, batch, features], (&input.device(), input.dtype()));
                Tensor::cat(vec![input, end], 0)
            }
        };
        input
            .reshape([steps, self.skip * batch, features])
            .swap_dims(0, 1)
    }

    /// The inverse of [`fold`](Self::fold).
    fn unfold(&self, outputs: Tensor<3>, time: usize) -> Tensor<3> {
        let [rows, steps, features] = outputs.dims();
        let outputs = outputs.swap_dims(0, 1);
        let outputs = outputs.reshape([steps * self.skip, rows / self.skip, features]);
        outputs.slice_dim(0, 0..time).swap_dims(0, 1)
    }
}

/// The rows of all states, those of the first before those of the second.
fn join<S: State>(states: Vec<S>) -> S {
    let tensors = states.iter().map(|state| state.tensors().into_iter());
    let mut tensors: Vec<_> = tensors.collect();
    let first = states.into_iter().next().expect("a skip is at least 1");
    first.map(&mut |_| Tensor::cat(tensors.iter_mut().filter_map(Iterator::next).collect(), 0))
}

/// The rows of a state in another order.
fn reorder<S: State>(state: S, rows: &[usize]) -> S {
    if rows.iter().enumerate().all(|(index, &row)| index == row) {
        return state;
    }
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    state.map(&mut |tensor| {
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &tensor.device());
        tensor.select(0, rows)
    })
}

impl<L: Layer> Layer for Dilated<L> {
    type State = Vec<L::State>;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn output_size(&self) -> usize {
        self.layer.output_size()
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        let states = (0..self.skip).map(|_| self.layer.initial_state(batch));
        states.collect()
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn describe(&self) -> String {
        format!("Dilated({}, {})", self.skip, self.layer.describe())
    }

    fn unrolled(mut self) -> Self {
        self.layer = self.layer.unrolled();
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        let paths = self.layer.paths().into_iter();
        paths
            .map(|(layer, path)| (format!("Dilated({}): {layer}", self.skip), path))
            .collect()
    }

    /// Each chain has its rows of a mask that stays for a whole run, so pieces have to begin with the same chain.
    fn cycle(&self) -> usize {
        self.skip * self.layer.cycle()
    }

    fn prepared(&self, batch: usize) -> Self {
        Self {
            layer: self.layer.prepared(self.skip * batch),
            ..self.clone()
        }
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let [batch, time, _] = input.inputs.dims();
        let state = stepwise::start(self, batch, input.state)?;
        let lengths = match input.lengths {
            Some(lengths) => lengths.as_slice().to_vec(),
            None => vec![time; batch],
        };
        let of_chain = |index: usize| {
            let (chain, length) = (index / batch, lengths[index % batch]);
            length.saturating_sub(chain).div_ceil(self.skip)
        };
        let chains = (0..self.skip * batch).map(of_chain).collect::<Vec<_>>();

        let state = reorder(join(state), &self.starts(&lengths));
        let chains = Lengths::new(chains);
        let chains = LayerInput {
            inputs: self.fold(input.inputs),
            state: Some(state),
            lengths: Some(&chains),
        };
        let run = self.layer.forward(chains);
        let run = run.map_err(|error| error.within("Dilated"))?;
        let state = reorder(run.state, &self.ends(&lengths));
        let of_age = |age: usize| {
            let rows = age * batch..(age + 1) * batch;
            state
                .clone()
                .map(&mut |tensor| tensor.slice_dim(0, rows.clone()))
        };
        Ok(LayerOutput {
            outputs: self.unfold(run.outputs, time),
            state: (0..self.skip).map(of_age).collect(),
        })
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        stepwise::trace(self, self.direction, input)
    }
}
