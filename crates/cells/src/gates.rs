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
    /// Weights of `gates` gates for the cell called `cell`.
    pub(crate) fn init(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        device: &Device,
    ) -> Result<Gates, Error> {
        Error::unless_positive(cell, "input size", input)?;
        Error::unless_positive(cell, "hidden size", hidden)?;
        let weight = |what, initialization: &Initialization, columns| {
            initialization
                .weight([gates, hidden, columns], device)
                .map(Param::from_tensor)
                .map_err(refuse(cell, what, "an initializer for this shape"))
        };
        let bias = || {
            self.bias_initialization
                .bias([gates, hidden], device)
                .map(Param::from_tensor)
                .map_err(refuse(
                    cell,
                    "bias initialization",
                    "one that is defined for a vector",
                ))
        };
        Ok(Gates {
            input_weight: weight("input initialization", &self.input_initialization, input)?,
            recurrent_weight: weight(
                "recurrent initialization",
                &self.recurrent_initialization,
                hidden,
            )?,
            input_bias: self.bias.then(bias).transpose()?,
            recurrent_bias: self.bias.then(bias).transpose()?,
        })
    }
}

/// The weights of the gates of a cell.
#[derive(Module, Debug)]
pub struct Gates {
    /// `W`: `[gates * hidden, input]`.
    pub input_weight: Param<Tensor<2>>,
    /// `R`: `[gates * hidden, hidden]`.
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

    /// Units of each gate.
    pub fn hidden_size(&self) -> usize {
        self.recurrent_weight.dims()[1]
    }

    /// `W x_t + b_W` for the whole sequence, as one matrix product.
    pub fn project(&self, input: Tensor<3>) -> Tensor<3> {
        let [time, batch, features] = input.dims();
        let input = input.reshape([time * batch, features]);
        let projected = input.matmul(self.input_weight.val().transpose());
        let projected = add_bias(projected, self.input_bias.as_ref());
        let width = projected.dims()[1];
        projected.reshape([time, batch, width])
    }

    /// `R h_{t-1} + b_R`.
    pub fn recur(&self, hidden: Tensor<2>) -> Tensor<2> {
        let recurrent = hidden.matmul(self.recurrent_weight.val().transpose());
        add_bias(recurrent, self.recurrent_bias.as_ref())
    }

    /// What [`recurrent`](Self::recurrent) multiplies with, for a cell's
    /// [`Equations::matrices`](crate::equations::Equations::matrices).
    pub fn matrices(&self) -> Vec<Tensor<2>> {
        vec![self.recurrent_weight.val()]
    }

    /// What [`recurrent`](Self::recurrent) adds, for a cell's
    /// [`Equations::vectors`](crate::equations::Equations::vectors); nothing without biases.
    pub fn vectors(&self) -> Vec<Tensor<1>> {
        let bias = self.recurrent_bias.as_ref().map(Param::val);
        bias.into_iter().collect()
    }

    /// `R h + b_R` in equations whose first matrix and first vector are
    /// [`matrices`](Self::matrices) and [`vectors`](Self::vectors).
    pub fn recurrent<V: Expression>(&self, at: &At<V>, hidden: &V) -> V {
        let recurrent = hidden.linear(&at.matrices[0]);
        match self.recurrent_bias {
            Some(_) => recurrent + at.vectors[0].clone(),
            None => recurrent,
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
        let weight = self.recurrent_weight.val();
        Tensor::zeros(
            [batch, self.hidden_size()],
            (&weight.device(), weight.dtype()),
        )
    }

    /// The `G` gates of `[batch, G H]`.
    pub(crate) fn split<const G: usize>(packed: Tensor<2>) -> [Tensor<2>; G] {
        let gates = packed.chunk(G, 1);
        gates.try_into().expect("a packed tensor holds its gates")
    }
}

fn add_bias(gates: Tensor<2>, bias: Option<&Param<Tensor<1>>>) -> Tensor<2> {
    match bias {
        Some(bias) => gates + bias.val().unsqueeze(),
        None => gates,
    }
}
