//! What each parameter of a layer is called in PyTorch.

use std::fmt::Debug;

use backdraft_cells::{
    Activation, AnyCell, Bidirectional, Cell, CellBase, Connection, Deep, Direction, Elman, Error,
    Gates, Gru, GruActivations, Layer, Lstm, LstmActivations, Merge, Recurrent, Reset, WeightNorm,
};
use backdraft_models::Encoder;
use burn::module::Module;
use burn::nn::Linear;

/// A parameter here and there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Where it is in the layer: `layers.0.cell.gates.input_weight`.
    pub path: String,
    /// What a state dict calls it: `weight_ih_l0`. More than one name where PyTorch ties modules:
    /// then any of them will do, and those that are there must hold the same numbers.
    pub names: Vec<String>,
    /// Whether what is a row of the matrix here is a column there, as in a [`Linear`].
    pub transposed: bool,
}

impl Parameter {
    /// One parameter of one name.
    pub fn new(path: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            names: vec![name.into()],
            transposed: false,
        }
    }

    /// Those of a [`Linear`] and of its twin, an `nn.Linear`, whose weight has a row for each output.
    pub fn of_linear(linear: &Linear) -> Vec<Self> {
        let weight = Self {
            transposed: true,
            ..Self::new("weight", "weight")
        };
        let bias = linear.bias.as_ref().map(|_| Self::new("bias", "bias"));
        [weight].into_iter().chain(bias).collect()
    }

    /// That of an `nn.Embedding`.
    pub fn of_embedding() -> Vec<Self> {
        vec![Self::new("weight", "weight")]
    }

    /// Several parameters, each [`within`](Self::within) the same field and module.
    pub fn all_within(parameters: Vec<Self>, field: &str, module: &str) -> Vec<Self> {
        let parameters = parameters.into_iter();
        parameters
            .map(|parameter| parameter.within(field, module))
            .collect()
    }

    /// The same parameter, seen from a module that has its layer in `field` and, in PyTorch, in
    /// `module`.
    #[must_use]
    pub fn within(mut self, field: &str, module: &str) -> Self {
        self.path = format!("{field}.{}", self.path);
        for name in &mut self.names {
            *name = format!("{module}.{name}");
        }
        self
    }
}

/// A layer or a model whose weights a PyTorch module can hold.
///
/// A model of one's own gets it from its parts, each with [`Parameter::within`].
pub trait Twin: Module {
    /// Every parameter, with its name in the module's `state_dict()`.
    ///
    /// # Errors
    ///
    /// When PyTorch has no such layer: the option in which they differ.
    fn parameters(&self) -> Result<Vec<Parameter>, Error>;
}

/// A cell that PyTorch has.
pub trait TwinCell: Cell {
    /// Each parameter's path in the cell, and its name without the layer: `weight_ih`.
    ///
    /// # Errors
    ///
    /// When PyTorch has no such cell.
    fn parameters(&self) -> Result<Vec<(&'static str, &'static str)>, Error>;

    /// Units of a gate.
    fn hidden_size(&self) -> usize;
}

/// One of the `num_layers` of a PyTorch module: a cell in one direction or in both.
pub trait Level: Layer {
    /// The parameters of the layer that PyTorch counts as `level`, from 0.
    ///
    /// # Errors
    ///
    /// When PyTorch has no such layer.
    fn parameters_at(&self, level: usize) -> Result<Vec<Parameter>, Error>;

    /// What is the same on each level of a PyTorch module: units, outputs, whether there are
    /// biases.
    fn sizes(&self) -> String;
}

impl TwinCell for Elman {
    fn parameters(&self) -> Result<Vec<(&'static str, &'static str)>, Error> {
        let known = matches!(self.activation, Activation::Tanh | Activation::Relu);
        let cell = self.describe();
        let expected = "Tanh or Relu, which nn.RNN has";
        require(&cell, "activation", expected, self.activation, known)?;
        unclipped(&cell, "gate clip", self.gate_clip)?;
        gates(&cell, &self.gates)
    }

    fn hidden_size(&self) -> usize {
        self.gates.hidden_size()
    }
}

impl TwinCell for Lstm {
    fn parameters(&self) -> Result<Vec<(&'static str, &'static str)>, Error> {
        let (cell, usual) = (self.describe(), LstmActivations::new());
        let peepholes = self.peepholes.is_some();
        require(&cell, "peepholes", "none", peepholes, !peepholes)?;
        require(&cell, "coupled", "false", self.coupled, !self.coupled)?;
        unclipped(&cell, "cell clip", self.cell_clip)?;
        unclipped(&cell, "output clip", self.output_clip)?;
        unclipped(&cell, "gate clip", self.gate_clip)?;
        let expected = "sigmoid, and tanh twice";
        let same = self.activations == usual;
        require(&cell, "activations", expected, self.activations, same)?;
        let mut names = gates(&cell, &self.gates)?;
        if self.projection.is_some() {
            let (hidden, features) = (self.hidden_size(), self.output_size());
            let expected = format!("less than the {hidden} units");
            require(&cell, "proj size", &expected, features, features < hidden)?;
            names.push(("projection", "weight_hr"));
        }
        Ok(names)
    }

    fn hidden_size(&self) -> usize {
        self.hidden_size()
    }
}

impl TwinCell for Gru {
    fn parameters(&self) -> Result<Vec<(&'static str, &'static str)>, Error> {
        let (cell, usual) = (self.describe(), GruActivations::new());
        let after = self.reset == Reset::AfterProduct;
        require(&cell, "reset", "AfterProduct", self.reset, after)?;
        unclipped(&cell, "gate clip", self.gate_clip)?;
        let same = self.activations == usual;
        require(
            &cell,
            "activations",
            "sigmoid and tanh",
            self.activations,
            same,
        )?;
        gates(&cell, &self.gates)
    }

    fn hidden_size(&self) -> usize {
        self.gates.hidden_size()
    }
}

/// Of the cells that PyTorch has, what each says; others are refused.
impl TwinCell for AnyCell {
    fn parameters(&self) -> Result<Vec<(&'static str, &'static str)>, Error> {
        match self {
            Self::Elman(cell) => TwinCell::parameters(cell),
            Self::Lstm(cell) => TwinCell::parameters(cell),
            Self::Gru(cell) => TwinCell::parameters(cell),
            _ => {
                let (expected, found) =
                    ("one that PyTorch has: Elman, Lstm or Gru", self.describe());
                Err(Error::new("PyTorch", "cell", expected, found))
            }
        }
    }

    fn hidden_size(&self) -> usize {
        match self {
            Self::Elman(cell) => TwinCell::hidden_size(cell),
            Self::Lstm(cell) => TwinCell::hidden_size(cell),
            Self::Gru(cell) => TwinCell::hidden_size(cell),
            // Nobody compares it: it is refused.
            _ => self.output_size(),
        }
    }
}

/// Refuses an option that PyTorch does not have.
fn require(
    cell: &str,
    what: &str,
    expected: &str,
    found: impl Debug,
    holds: bool,
) -> Result<(), Error> {
    match holds {
        true => Ok(()),
        false => Err(Error::new(cell, what, expected, format!("{found:?}"))),
    }
}

fn unclipped(cell: &str, what: &str, clip: Option<f64>) -> Result<(), Error> {
    clip.map_or(Ok(()), |clip| require(cell, what, "none", clip, false))
}

fn gates(cell: &str, gates: &Gates) -> Result<Vec<(&'static str, &'static str)>, Error> {
    let norm = gates.weight_norm();
    let expected = "off: `materialize()` gives the layer with plain weights";
    require(cell, "weight norm", expected, norm, norm == WeightNorm::Off)?;
    let mut names = vec![
        ("gates.input_weight", "weight_ih"),
        ("gates.recurrent_weight", "weight_hh"),
    ];
    match (&gates.input_bias, &gates.recurrent_bias) {
        (None, None) => {}
        (Some(_), Some(_)) => names.extend([
            ("gates.input_bias", "bias_ih"),
            ("gates.recurrent_bias", "bias_hh"),
        ]),
        (input, _) => {
            let found = match input {
                Some(_) => "of the input alone",
                None => "of the recurrence alone",
            };
            return Err(Error::new(cell, "biases", "both or none", found));
        }
    }
    Ok(names)
}

/// The parameters of the cell in `field` of a layer, called by `suffix`.
fn cell<C: TwinCell>(cell: &C, field: &str, suffix: &str) -> Result<Vec<Parameter>, Error> {
    let parameters = TwinCell::parameters(cell)?;
    let named = parameters
        .into_iter()
        .map(|(path, name)| Parameter::new(format!("{field}.{path}"), format!("{name}{suffix}")));
    Ok(named.collect())
}

fn sizes<C: TwinCell>(cell: &C) -> String {
    let biases = match TwinCell::parameters(cell) {
        Ok(parameters) if parameters.iter().any(|(_, name)| *name == "bias_ih") => "biases",
        _ => "no biases",
    };
    let (hidden, output) = (cell.hidden_size(), cell.output_size());
    format!("{hidden} units, {output} outputs, {biases}")
}

impl<C: TwinCell> Level for Recurrent<C> {
    fn parameters_at(&self, level: usize) -> Result<Vec<Parameter>, Error> {
        if self.direction != Direction::Forward {
            let expected = "Forward; PyTorch has the reverse only beside it, as Bidirectional";
            let found = format!("{:?}", self.direction);
            return Err(Error::new(self.describe(), "direction", expected, found));
        }
        cell(&self.cell, "cell", &format!("_l{level}"))
    }

    fn sizes(&self) -> String {
        sizes(&self.cell)
    }
}

impl<C: TwinCell> Level for Bidirectional<C> {
    fn parameters_at(&self, level: usize) -> Result<Vec<Parameter>, Error> {
        let refuse = |what, expected: String, found: String| {
            Err(Error::new(self.describe(), what, expected, found))
        };
        if self.merge != Merge::Concat {
            let expected = "Concat, which is PyTorch's".to_string();
            return refuse("merge", expected, format!("{:?}", self.merge));
        }
        let both = self.directions().into_array();
        let directions = both.map(|layer| layer.direction);
        if directions != [Direction::Forward, Direction::Reverse] {
            let expected = "[Forward, Reverse]".to_string();
            return refuse("directions", expected, format!("{directions:?}"));
        }
        let [forward, reverse] = both.map(|layer| &layer.cell);
        if sizes(forward) != sizes(reverse) {
            let expected = format!("{}, as forward", sizes(forward));
            return refuse("reverse", expected, sizes(reverse));
        }
        let forward = cell(forward, "forward.cell", &format!("_l{level}"))?;
        let reverse = cell(reverse, "reverse.cell", &format!("_l{level}_reverse"))?;
        Ok([forward, reverse].concat())
    }

    fn sizes(&self) -> String {
        sizes(&self.directions().forward.cell)
    }
}

impl<C: TwinCell> Twin for Recurrent<C> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        self.parameters_at(0)
    }
}

impl<C: TwinCell> Twin for Bidirectional<C> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        self.parameters_at(0)
    }
}

impl<L: Level> Twin for Deep<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        if self.connection() != Connection::Plain {
            let found = format!("{:?}", self.connection());
            return Err(Error::new(self.describe(), "connection", "plain", found));
        }
        let first = self.layers[0].sizes();
        let mut all = Vec::new();
        for (level, layer) in self.layers.iter().enumerate() {
            let within = |error: Error| error.within(format!("layer {} of Deep", level + 1));
            let sizes = layer.sizes();
            if sizes != first {
                let expected = format!("{first}, as layer 1");
                return Err(within(Error::new(
                    layer.describe(),
                    "sizes",
                    expected,
                    sizes,
                )));
            }
            let parameters = layer.parameters_at(level).map_err(within)?;
            all.extend(parameters.into_iter().map(|mut parameter| {
                parameter.path = format!("layers.{level}.{}", parameter.path);
                parameter
            }));
        }
        Ok(all)
    }
}

impl Twin for Encoder {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        match self {
            Self::Forward(stack) => stack.parameters(),
            Self::Both(stack) => stack.parameters(),
        }
    }
}
