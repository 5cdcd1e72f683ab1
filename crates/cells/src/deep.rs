//! Layers on top of each other: each reads the whole output sequence of the one below.
//!
//! ```text
//! x^1 = x,   x^{l+1} = dropout(layer_l(x^l))             y = layer_L(x^L)
//! ```
//!
//! Dropout stands between layers, on the connections that do not recur (Zaremba, Sutskever and
//! Vinyals 2014, arXiv 1409.2329), at each step anew or for the whole row. What may go around each layer is its [`Connection`].

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::recomputed::{common_cycle, in_pieces};
use crate::{
    Connection, Direction, Error, Layer, LayerInput, LayerOutput, Path, SequenceConfig,
    SequenceDropout, State, Trace,
};

/// Configuration of a [`Deep`] stack of layers of one kind.
#[doc(alias = "num_layers")]
#[doc(alias = "StackedRNNCells")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeepConfig<K> {
    /// The first layer; the upper ones are the same with the input size of the one below.
    pub layer: K,
    /// The number of layers.
    pub layers: usize,
    /// The probability of dropping a connection between two layers; 0 by default.
    #[serde(default)]
    pub dropout: f64,
    /// Whether what is dropped between two layers is the same at all steps of a row; off by
    /// default.
    #[serde(default)]
    pub variational: bool,
    /// What goes around each layer whose input and output have the same size; nothing by default.
    #[serde(default)]
    pub connection: Connection,
    /// The hidden sizes of the upper layers, one each; those of the first if there are none.
    #[serde(default)]
    pub sizes: Vec<usize>,
}

impl<K> DeepConfig<K> {
    /// `layers` layers of one size, without dropout, with nothing around them.
    pub fn new(layer: K, layers: usize) -> Self {
        Self {
            layer,
            layers,
            dropout: 0.0,
            variational: false,
            connection: Connection::Plain,
            sizes: Vec::new(),
        }
    }

    /// The same stack of layers that are made of these, or around them.
    pub fn map<L>(self, make: impl FnOnce(K) -> L) -> DeepConfig<L> {
        DeepConfig {
            layer: make(self.layer),
            layers: self.layers,
            dropout: self.dropout,
            variational: self.variational,
            connection: self.connection,
            sizes: self.sizes,
        }
    }

    /// Sets the probability of dropping a connection between two layers.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether what is dropped between two layers is the same at all steps of a row.
    #[must_use]
    pub fn with_variational(mut self, variational: bool) -> Self {
        self.variational = variational;
        self
    }

    /// Sets what goes around each layer.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets the hidden sizes of the upper layers, one each.
    #[must_use]
    pub fn with_sizes(mut self, sizes: impl Into<Vec<usize>>) -> Self {
        self.sizes = sizes.into();
        self
    }
}

impl<K: SequenceConfig> Config for DeepConfig<K> {}

impl<K: SequenceConfig<Built: Layer>> SequenceConfig for DeepConfig<K> {
    type Built = Deep<K::Built>;

    fn input_size(&self) -> usize {
        self.layer.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.layer = self.layer.with_input_size(input_size);
        self
    }

    /// Gives all layers this size.
    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.layer = self.layer.with_hidden_size(hidden_size);
        self.sizes.clear();
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        Error::unless_positive("Deep", "layers", self.layers)?;
        if !self.sizes.is_empty() && self.sizes.len() + 1 != self.layers {
            let (what, expected) = ("sizes, one for each upper layer", self.layers - 1);
            return Err(Error::count("Deep", what, expected, self.sizes.len()));
        }
        let mut layers = Vec::with_capacity(self.layers);
        let mut config = self.layer.clone();
        for index in 0..self.layers {
            let layer = config
                .init(device)
                .map_err(|error| error.within(name(index)))?;
            config = config.with_input_size(layer.output_size());
            if let Some(&size) = self.sizes.get(index) {
                config = config.with_hidden_size(size);
            }
            layers.push(layer);
        }
        Deep::new(layers, self.dropout, self.connection)?.with_variational(self.variational)
    }
}

/// Layers on top of each other.
#[doc(alias = "num_layers")]
#[derive(Module, Debug)]
pub struct Deep<L: Module> {
    /// The layers, lowest first.
    pub layers: Vec<L>,
    /// The gates of the layers' highways; none where there is no highway.
    pub gates: Vec<Option<Linear>>,
    dropout: SequenceDropout,
    #[module(skip)]
    connection: Connection,
    /// The masks of a run that has begun, one below each upper layer, where they are the same at all steps of a row.
    #[module(skip)]
    drawn: Vec<Tensor<3>>,
}

impl<L: Layer> Deep<L> {
    /// Stacks layers, lowest first, which may differ in size.
    ///
    /// # Errors
    ///
    /// When there is no layer, a layer's input is not what the one below puts out, the
    /// probability is not in `0.0..1.0`, or a connection would connect nothing.
    pub fn new(layers: Vec<L>, dropout: f64, connection: Connection) -> Result<Self, Error> {
        Error::unless_positive("Deep", "layers", layers.len())?;
        if layers.len() == 1 && dropout > 0.0 {
            let expected = "0 in a stack of one layer, since it is between layers";
            return Err(Error::new("Deep", "dropout", expected, dropout));
        }
        let dropout = SequenceDropout::new("Deep", dropout)?;
        for (index, pair) in layers.windows(2).enumerate() {
            let (below, above) = (pair[0].output_size(), pair[1].input_size());
            if below != above {
                let layer = format!("{}: {}", name(index + 1), pair[1].describe());
                let expected = format!("{below}, the output size of the layer below");
                return Err(Error::new(layer, "input size", expected, above));
            }
        }
        let connected = |layer: &L| layer.input_size() == layer.output_size();
        if connection != Connection::Plain && !layers.iter().any(connected) {
            let expected = "a layer whose input and output have the same size";
            return Err(Error::new("Deep", "connection", expected, "none"));
        }
        let gate = |layer: &L| match connected(layer) {
            true => connection.gate(layer.input_size(), &place(layer).0),
            false => Ok(None),
        };
        let gates = layers.iter().map(gate).collect::<Result<_, _>>()?;
        Ok(Self {
            layers,
            gates,
            dropout,
            connection,
            drawn: Vec::new(),
        })
    }

    /// Sets whether what is dropped between two layers is the same at all steps of a row.
    ///
    /// # Errors
    ///
    /// When nothing is dropped.
    pub fn with_variational(mut self, variational: bool) -> Result<Self, Error> {
        self.dropout = self.dropout.with_variational("Deep", variational)?;
        Ok(self)
    }

    /// The connection around each layer whose input and output have the same size.
    pub fn connection(&self) -> Connection {
        self.connection
    }

    /// Does `run` in each layer, on what the one below put out: the outputs of the highest, and
    /// what else each gave.
    fn climb<R>(
        &self,
        input: LayerInput<'_, Vec<L::State>>,
        run: impl Fn(&L, LayerInput<'_, L::State>) -> Result<(Tensor<3>, R), Error>,
    ) -> Result<(Tensor<3>, Vec<R>), Error> {
        let LayerInput {
            inputs: mut sequence,
            state,
            lengths,
        } = input;
        let depth = self.layers.len();
        if let Some(found) = state.as_ref().map(Vec::len).filter(|&found| found != depth) {
            return Err(Error::count(
                self.describe(),
                "initial states",
                depth,
                found,
            ));
        }
        let mut states = state.map(|states| states.into_iter());
        let mut results = Vec::with_capacity(depth);

        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                sequence = match self.drawn.get(index - 1) {
                    Some(mask) => sequence * mask.clone(),
                    None => self.dropout.forward(sequence),
                };
            }
            let around =
                self.connection != Connection::Plain && layer.input_size() == layer.output_size();
            let below = around.then(|| sequence.clone());
            let state = states.as_mut().and_then(Iterator::next);
            let input = LayerInput {
                inputs: sequence,
                state,
                lengths,
            };
            let (outputs, result) = run(layer, input).map_err(|error| error.within(name(index)))?;
            sequence = match below {
                Some(below) => {
                    let gate = self.gates[index].as_ref();
                    self.connection.join(outputs, below, gate, lengths)
                }
                None => outputs,
            };
            results.push(result);
        }
        Ok((sequence, results))
    }
}

/// Where a layer is and what its numbers are, told by its state.
fn place<L: Layer>(layer: &L) -> (Device, DType) {
    let tensors = layer.initial_state(1).tensors();
    let first = tensors.first().expect("a layer's state has a tensor");
    (first.device(), first.dtype())
}

fn name(index: usize) -> String {
    format!("layer {} of Deep", index + 1)
}

impl<L: Layer> Layer for Deep<L> {
    type State = Vec<L::State>;

    fn input_size(&self) -> usize {
        self.layers[0].input_size()
    }

    fn output_size(&self) -> usize {
        self.layers[self.layers.len() - 1].output_size()
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        self.layers
            .iter()
            .map(|layer| layer.initial_state(batch))
            .collect()
    }

    fn direction(&self) -> Option<Direction> {
        let direction = self.layers[0].direction();
        let same = self
            .layers
            .iter()
            .all(|layer| layer.direction() == direction);
        direction.filter(|_| same)
    }

    fn describe(&self) -> String {
        let layers = &self.layers;
        let size = layers[0].output_size();
        match layers.iter().all(|layer| layer.output_size() == size) {
            true => format!("Deep({} x {})", layers.len(), layers[0].describe()),
            false => {
                let names: Vec<String> = layers.iter().map(Layer::describe).collect();
                format!("Deep({})", names.join(", "))
            }
        }
    }

    fn unrolled(mut self) -> Self {
        self.layers = self.layers.into_iter().map(Layer::unrolled).collect();
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(index, layer)| {
                let paths = layer.paths().into_iter();
                paths.map(move |(layer, path)| (format!("{}: {layer}", name(index)), path))
            })
            .collect()
    }

    fn cycle(&self) -> usize {
        common_cycle(self.layers.iter().map(Layer::cycle))
    }

    fn prepared(&self, batch: usize) -> Self {
        let layers = self.layers.iter().map(|layer| layer.prepared(batch));
        let mask = |layer: &L| {
            self.dropout
                .mask_of_rows([batch, layer.input_size()], place(layer))
        };
        let drawn = match self.drawn.is_empty() {
            true => self.layers[1..].iter().filter_map(mask).collect(),
            false => self.drawn.clone(),
        };
        Self {
            layers: layers.collect(),
            drawn,
            ..self.clone()
        }
    }

    /// The stack as a whole, if it goes one way through time; else layer by layer.
    fn forward_recomputed(
        &self,
        input: LayerInput<'_, Self::State>,
        pieces: Option<usize>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        if self.direction().is_some() {
            return in_pieces(self, input, pieces);
        }
        let (outputs, state) = self.climb(input, |layer, input| {
            let run = layer.forward_recomputed(input, pieces)?;
            Ok((run.outputs, run.state))
        })?;
        Ok(LayerOutput { outputs, state })
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let (outputs, state) = self.climb(input, |layer, input| {
            let run = layer.forward(input)?;
            Ok((run.outputs, run.state))
        })?;
        Ok(LayerOutput { outputs, state })
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        let time = input.inputs.dims()[1];
        let (outputs, layers) = self.climb(input, |layer, input| {
            let trace = layer.trace(input)?;
            Ok((trace.outputs, (trace.states.into_iter(), trace.state)))
        })?;
        let (mut layers, state): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        let step = |_| layers.iter_mut().filter_map(Iterator::next).collect();
        Ok(Trace {
            outputs,
            states: (0..time).map(step).collect(),
            state,
        })
    }
}
