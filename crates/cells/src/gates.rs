//! The weights that every gated cell has: `G` gates of `H` units, packed.
//!
//! ```text
//! a_t = W x_t + b_W          W: [G H, I]   b_W: [G H]
//! r_t = R h_{t-1} + b_R      R: [G H, H]   b_R: [G H]
//! ```
//!
//! In training, parts of it may be dropped (see [`GateDropout`](crate::GateDropout)); either weight
//! may be kept as a direction and a length ([`WeightNorm`](crate::WeightNorm)).
//!
//! Layout, names of the parts and initial values are those of PyTorch's `weight_ih`, `weight_hh`,
//! `bias_ih`, `bias_hh`: rows `k H .. (k + 1) H` belong to gate `k`.

use backdraft_kernels::{Direction, Inputs, Path, Projection, Recurrence, Walk};
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::equations::{self, At, Equations, Expression};
use crate::initialization::refuse;
use crate::weight_norm::normalize;
use crate::{Error, GateDropout, Initialization, MaskSpan, Regularizer, Sequence, WeightNorm};

/// How the weights of a gated cell start, each kind with its own initialiser; and what holds them
/// back in training.
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
    /// Which weights are kept as a direction and a length.
    #[config(default = "WeightNorm::Off")]
    pub weight_norm: WeightNorm,
    /// The probability of dropping a recurrent weight for a whole run.
    #[config(default = 0.0)]
    pub drop_connect: f64,
    /// The probability of dropping a unit of `h_{t-1}` for a whole run, in `R h_{t-1}`.
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// The probability of dropping a unit of the candidate, what is about to be remembered.
    #[config(default = 0.0)]
    pub candidate_dropout: f64,
    /// How long a mask on the candidate stays; a step by default.
    #[config(default = "MaskSpan::Step")]
    pub candidate_span: MaskSpan,
}

impl Default for GatesConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl GatesConfig {
    /// Weights of `gates` gates for a cell called `cell` that has no place for any
    /// [`Regularizer`].
    ///
    /// # Errors
    ///
    /// When a size is 0, an initialiser is not one for its shape, or a regulariser is asked for.
    pub fn init(&self, cell: &str, sizes: [usize; 3], device: &Device) -> Result<Gates, Error> {
        self.init_regularized(cell, sizes, &[], device)
    }

    /// Weights of `gates` gates, for `[gates, input, hidden]`, for a cell called `cell` that has a
    /// place for the regularisers of `takes`. Any cell takes weight normalisation.
    ///
    /// # Errors
    ///
    /// When a size is 0, an initialiser is not one for its shape, a probability is not in
    /// `0.0..1.0`, or a regulariser is asked for that the cell does not take.
    pub fn init_regularized(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        takes: &[Regularizer],
        device: &Device,
    ) -> Result<Gates, Error> {
        Error::unless_positive(cell, "input size", input)?;
        Error::unless_positive(cell, "hidden size", hidden)?;
        let dropout = GateDropout::new(self, cell, takes)?;
        let weight = |what, initialization: &Initialization, columns, normed| {
            let weight = initialization
                .weight([gates, hidden, columns], device)
                .map(Param::from_tensor)
                .map_err(refuse(cell, what, "an initializer for this shape"))?;
            match normed {
                true => normalize(weight).map_err(refuse(
                    cell,
                    "weight norm",
                    "rows that have a direction",
                )),
                false => Ok(weight),
            }
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
            input_weight: weight(
                "input initialization",
                &self.input_initialization,
                input,
                self.weight_norm == WeightNorm::Both,
            )?,
            recurrent_weight: weight(
                "recurrent initialization",
                &self.recurrent_initialization,
                hidden,
                self.weight_norm != WeightNorm::Off,
            )?,
            input_bias: self.bias.then(bias).transpose()?,
            recurrent_bias: self.bias.then(bias).transpose()?,
            dropout,
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
    /// What is dropped inside the recurrence, in training.
    pub dropout: GateDropout,
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

    /// `G H`.
    fn packed_size(&self) -> usize {
        self.recurrent_weight.dims()[0]
    }

    /// The weights as one run sees them: computed from what they are parametrised by, and with the
    /// run's mask on the recurrent ones. Gradients reach what is learned. What a cell's
    /// [`prepared`](crate::Cell::prepared) is made of.
    #[must_use]
    pub fn prepared(&self) -> Self {
        let recurrent = self.dropout.weights.forward(self.recurrent_weight.val());
        Self {
            input_weight: Param::initialized(self.input_weight.id, self.input_weight.val()),
            recurrent_weight: Param::initialized(self.recurrent_weight.id, recurrent),
            ..self.clone()
        }
    }

    /// `W x_t + b_W` for the whole sequence, as one matrix product; beside it, where there are
    /// any, the run's masks on `h_{t-1}` and on the candidate, `H` columns each.
    pub fn project(&self, input: Tensor<3>) -> Tensor<3> {
        let [time, batch, features] = input.dims();
        let input = input.reshape([time * batch, features]);
        let projected = input.matmul(self.input_weight.val().transpose());
        let projected = add_bias(projected, self.input_bias.as_ref());
        let projected = projected.reshape([time, batch, self.packed_size()]);
        let mut masks = self.dropout.draw(&projected, self.hidden_size());
        match masks.is_empty() {
            true => projected,
            false => {
                masks.insert(0, projected);
                Tensor::cat(masks, 2)
            }
        }
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

    /// `W x_t + b_W` in equations: `at.projected` without the masks beside it.
    pub fn projected<V: Expression>(&self, at: &At<V>) -> V {
        at.projected.narrow(0, self.packed_size())
    }

    /// `R (m . h) + b_R` in equations whose first matrix and first vector are
    /// [`matrices`](Self::matrices) and [`vectors`](Self::vectors); `m` is the run's mask, if
    /// there is one.
    pub fn recurrent<V: Expression>(&self, at: &At<V>, hidden: &V) -> V {
        let [masked, _] = self.masks();
        let recurrent = match masked {
            true => (hidden.clone() * self.mask(at, 0)).linear(&at.matrices[0]),
            false => hidden.linear(&at.matrices[0]),
        };
        match self.recurrent_bias {
            Some(_) => recurrent + at.vectors[0].clone(),
            None => recurrent,
        }
    }

    /// `m_t . g` in equations, `g` being what is about to be remembered; `g` itself where a run
    /// has no mask on it.
    pub fn candidate<V: Expression>(&self, at: &At<V>, candidate: V) -> V {
        match self.masks() {
            [_, false] => candidate,
            [before, true] => candidate * self.mask(at, usize::from(before)),
        }
    }

    fn mask<V: Expression>(&self, at: &At<V>, index: usize) -> V {
        let hidden = self.hidden_size();
        at.projected
            .narrow(self.packed_size() + index * hidden, hidden)
    }

    fn masks(&self) -> [bool; 2] {
        self.dropout.masks(&self.recurrent_weight.device())
    }

    /// Whether runs have masks beside the projection, which only equations know of.
    pub(crate) fn is_masked(&self) -> bool {
        self.masks().contains(&true)
    }

    /// Which way a run of `cell`, which has these weights and a kernel of its own, takes.
    pub(crate) fn path_of<C: Equations>(&self, cell: &C) -> Path {
        match (self.is_masked(), equations::path(cell)) {
            (false, _) => self.path(),
            (true, Path::Unrolled(reason)) => {
                Path::Unrolled(format!("dropout inside the recurrence, and {reason}").into())
            }
            (true, kernel) => kernel,
        }
    }

    /// Which way a run without masks takes, if there is a kernel for the cell.
    fn path(&self) -> Path {
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
}

fn add_bias(gates: Tensor<2>, bias: Option<&Param<Tensor<1>>>) -> Tensor<2> {
    match bias {
        Some(bias) => gates + bias.val().unsqueeze(),
        None => gates,
    }
}
