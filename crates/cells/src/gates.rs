//! The weights that every gated cell has: `G` gates of `H` units, packed.
//!
//! ```text
//! a_t = W x_t + b_W          W: [G H, I]   b_W: [G H]
//! r_t = R h_{t-1} + b_R      R: [G H, H]   b_R: [G H]
//! ```
//!
//! Layout, names of the parts and initial values are those of PyTorch's `weight_ih`, `weight_hh`,
//! `bias_ih`, `bias_hh`: rows `k H .. (k + 1) H` belong to gate `k`.

use backdraft_kernels::{Direction, Inputs, Path, Projection, Recurrence, Walk};
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::equations::{At, Expression};
use crate::initialization::refuse;
use crate::{Error, Initialization, Sequence};

/// How the weights of a gated cell start; each kind has its own initialiser.
#[derive(Config, Debug)]
pub struct GatesConfig {
    /// Whether there are biases.
    #[config(default = true)]
    pub bias: bool,
    /// Of `W`, the input weights.
    #[config(default = "Initialization::default()")]
    pub input_initialization: Initialization,
    /// Of `R`, the recurrent weights.
    #[config(default = "Initialization::default()")]
    pub recurrent_initialization: Initialization,
    /// Of `b_W` and `b_R`, the biases.
    #[config(default = "Initialization::default()")]
    pub bias_initialization: Initialization,
}

impl Default for GatesConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl GatesConfig {
    /// Weights of `gates` gates for the cell called `cell`, which look back at their own units.
    pub(crate) fn init(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        device: &Device,
    ) -> Result<Gates, Error> {
        self.init_from(cell, [gates, input, hidden], hidden, device)
    }

    /// The same for gates that look back at `recurrent` features: `R` is `[gates * hidden, recurrent]`.
    pub(crate) fn init_from(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        recurrent: usize,
        device: &Device,
    ) -> Result<Gates, Error> {
        Ok(Gates {
            input_weight: self.input_weight(cell, [gates, input, hidden], device)?,
            recurrent_weight: self.recurrent_weight(cell, [gates, hidden, recurrent], device)?,
            input_bias: self.bias(cell, [gates, hidden], device)?,
            recurrent_bias: self.bias(cell, [gates, hidden], device)?,
        })
    }

    /// `W` of `gates` gates of `hidden` units.
    pub(crate) fn input_weight(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        device: &Device,
    ) -> Result<Param<Tensor<2>>, Error> {
        Error::unless_positive(cell, "input size", input)?;
        Error::unless_positive(cell, "hidden size", hidden)?;
        let weight = self
            .input_initialization
            .weight([gates, hidden, input], device);
        weight.map(Param::from_tensor).map_err(refuse(
            cell,
            "input initialization",
            "an initializer for this shape",
        ))
    }

    /// `R` of `gates` gates of `hidden` units, which multiplies `columns` features.
    pub(crate) fn recurrent_weight(
        &self,
        cell: &str,
        sizes: [usize; 3],
        device: &Device,
    ) -> Result<Param<Tensor<2>>, Error> {
        let weight = self.recurrent_initialization.weight(sizes, device);
        weight.map(Param::from_tensor).map_err(refuse(
            cell,
            "recurrent initialization",
            "an initializer for this shape",
        ))
    }

    /// One of the biases of `gates` gates of `hidden` units, if there are any.
    pub(crate) fn bias(
        &self,
        cell: &str,
        sizes: [usize; 2],
        device: &Device,
    ) -> Result<Option<Param<Tensor<1>>>, Error> {
        let draw = || {
            let bias = self.bias_initialization.bias(sizes, device);
            bias.map(Param::from_tensor).map_err(refuse(
                cell,
                "bias initialization",
                "one that is defined for a vector",
            ))
        };
        self.bias.then(draw).transpose()
    }
}

/// The weights of the gates of a cell.
#[derive(Module, Debug)]
pub struct Gates {
    /// `W`: `[gates * hidden, input]`.
    pub input_weight: Param<Tensor<2>>,
    /// `R`: `[gates * hidden, hidden]`; where what recurs has another size than the gates, that one
    /// is the number of columns.
    pub recurrent_weight: Param<Tensor<2>>,
    /// `b_W`: `[gates * hidden]`.
    pub input_bias: Option<Param<Tensor<1>>>,
    /// `b_R`: `[gates * hidden]`.
    pub recurrent_bias: Option<Param<Tensor<1>>>,
}

impl Gates {
    /// Features of the input.
    pub fn input_size(&self) -> usize {
        self.input_weight.dims()[1]
    }

    /// Features that `R` multiplies: the units of each gate, where these are what recurs.
    pub fn hidden_size(&self) -> usize {
        self.recurrent_weight.dims()[1]
    }

    /// `W x_t + b_W` for the whole sequence, as one matrix product.
    pub fn project(&self, input: Tensor<3>) -> Tensor<3> {
        project(input, &self.input_weight, self.input_bias.as_ref())
    }

    /// `W x_t` for the whole sequence, for a cell that does something to it before it adds `b_W`.
    pub(crate) fn project_without_bias(&self, input: Tensor<3>) -> Tensor<3> {
        project(input, &self.input_weight, None)
    }

    /// What [`recurrent`](Self::recurrent) multiplies with, for a cell's
    /// [`Equations::matrices`](crate::equations::Equations::matrices).
    pub fn matrices(&self) -> Vec<Tensor<2>> {
        vec![self.recurrent_weight.val()]
    }

    /// The same in parts of so many gates each, for gates that look at different things.
    pub(crate) fn matrices_of(&self, gates: &[usize]) -> Vec<Tensor<2>> {
        let weight = self.recurrent_weight.val();
        let rows = rows(gates, weight.dims()[0]);
        weight.split_with_sizes(rows, 0)
    }

    /// What [`recurrent`](Self::recurrent) adds, for a cell's
    /// [`Equations::vectors`](crate::equations::Equations::vectors); nothing without biases. A
    /// cell puts its own vectors after them.
    pub fn vectors(&self) -> Vec<Tensor<1>> {
        let bias = self.recurrent_bias.as_ref().map(Param::val);
        bias.into_iter().collect()
    }

    /// The same in parts of so many gates each.
    pub(crate) fn vectors_of(&self, gates: &[usize]) -> Vec<Tensor<1>> {
        let Some(bias) = self.recurrent_bias.as_ref().map(Param::val) else {
            return Vec::new();
        };
        let rows = rows(gates, bias.dims()[0]);
        bias.split_with_sizes(rows, 0)
    }

    /// The vectors of a cell that come after [`vectors`](Self::vectors).
    pub(crate) fn after_vectors<'a, V: Expression>(&self, at: &At<'a, V>) -> &'a [V] {
        &at.vectors[usize::from(self.recurrent_bias.is_some())..]
    }

    /// `R h + b_R` in equations whose first matrix and first vector are
    /// [`matrices`](Self::matrices) and [`vectors`](Self::vectors).
    pub fn recurrent<V: Expression>(&self, at: &At<V>, hidden: &V) -> V {
        self.recurrent_part(at, 0, hidden)
    }

    /// The same of one of the parts that [`matrices_of`](Self::matrices_of) and
    /// [`vectors_of`](Self::vectors_of) gave.
    pub(crate) fn recurrent_part<V: Expression>(&self, at: &At<V>, part: usize, hidden: &V) -> V {
        self.add_bias(at, part, hidden.linear(&at.matrices[part]))
    }

    /// `f(R h) + b_R`.
    pub(crate) fn recurrent_through<V: Expression>(
        &self,
        at: &At<V>,
        hidden: &V,
        f: impl FnOnce(V) -> V,
    ) -> V {
        self.add_bias(at, 0, f(hidden.linear(&at.matrices[0])))
    }

    fn add_bias<V: Expression>(&self, at: &At<V>, part: usize, product: V) -> V {
        match self.recurrent_bias {
            Some(_) => product + at.vectors[part].clone(),
            None => product,
        }
    }

    /// Which way a run of a cell with these weights takes, if there is a kernel for it.
    pub(crate) fn path(&self) -> Path {
        let weight = self.recurrent_weight.val();
        Path::of(&weight.device(), weight.dtype())
    }

    /// The whole loop over time as one operation: outputs and final states, the hidden one first.
    pub(crate) fn scan<const S: usize>(
        &self,
        recurrence: Recurrence,
        input: Sequence,
        states: [Tensor<2>; S],
        direction: Direction,
    ) -> (Tensor<3>, [Tensor<2>; S]) {
        let [_, batch, _] = input.values.dims();
        let hidden = self.hidden_size();
        let walk = Walk {
            direction,
            lengths: input.lengths.map(|lengths| lengths.as_slice().into()),
        };
        let weight = self.recurrent_weight.val();
        let packed = weight.dims()[0];
        let bias = |bias: Option<&Param<Tensor<1>>>| match bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([packed], (&weight.device(), weight.dtype())),
        };
        let inputs = Inputs {
            projection: Projection::Product {
                input: input.values,
                weight: self.input_weight.val(),
            },
            input_bias: bias(self.input_bias.as_ref()),
            recurrent_bias: bias(self.recurrent_bias.as_ref()),
            initial: match S {
                1 => states[0].clone().unsqueeze(),
                _ => Tensor::stack(states.to_vec(), 0),
            },
            weight,
        };
        let run = backdraft_kernels::run(recurrence, walk, inputs);
        let state = |s| match S {
            1 => run.state.clone().reshape([batch, hidden]),
            _ => run
                .state
                .clone()
                .slice_dim(0, s..s + 1)
                .reshape([batch, hidden]),
        };
        (run.outputs, std::array::from_fn(state))
    }

    /// The state of zeros: `[batch, hidden]`, on the device and of the type of the weights.
    pub fn zeros(&self, batch: usize) -> Tensor<2> {
        zeros(&self.input_weight, [batch, self.hidden_size()])
    }
}

/// `W x_t + b` for the whole sequence, as one matrix product.
pub(crate) fn project(
    input: Tensor<3>,
    weight: &Param<Tensor<2>>,
    bias: Option<&Param<Tensor<1>>>,
) -> Tensor<3> {
    let [time, batch, features] = input.dims();
    let input = input.reshape([time * batch, features]);
    let projected = input.matmul(weight.val().transpose());
    let projected = match bias {
        Some(bias) => projected + bias.val().unsqueeze(),
        None => projected,
    };
    let width = projected.dims()[1];
    projected.reshape([time, batch, width])
}

/// Zeros on the device and of the type of a weight.
pub(crate) fn zeros(weight: &Param<Tensor<2>>, shape: [usize; 2]) -> Tensor<2> {
    let weight = weight.val();
    Tensor::zeros(shape, (&weight.device(), weight.dtype()))
}

/// The rows of each part, of `all` rows that belong to as many gates as the parts have together.
fn rows(gates: &[usize], all: usize) -> Vec<usize> {
    let units = all / gates.iter().sum::<usize>();
    gates.iter().map(|gates| gates * units).collect()
}
