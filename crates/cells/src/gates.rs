//! The weights that every gated cell has: `G` gates of `H` units, packed.
//!
//! ```text
//! a_t = W x_t + b_W          W: [G H, I]   b_W: [G H]
//! r_t = R h_{t-1} + b_R      R: [G H, H]   b_R: [G H]
//! ```
//!
//! In training, parts of it may be dropped (see [`GateDropout`]); either weight
//! may be kept as a direction and a length ([`WeightNorm`]).
//!
//! Layout, names of the parts and initial values are those of PyTorch's `weight_ih`, `weight_hh`,
//! `bias_ih`, `bias_hh`: rows `k H .. (k + 1) H` belong to gate `k`.

mod config;

use backdraft_kernels::{Direction, Inputs, Path, Projection, Recurrence, Walk};
use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::equations::{At, Expression};
use crate::{GateDropout, Projected, Sequence, WeightGain, WeightNorm};

pub use config::GatesConfig;

/// The weights of the gates of a cell.
#[derive(Module, Debug)]
pub struct Gates {
    /// `W`: `[gates * hidden, input]`.
    #[doc(alias = "weight_ih")]
    #[doc(alias = "kernel")]
    pub input_weight: Param<Tensor<2>>,
    /// `R`: `[gates * hidden, hidden]`; if the vector that is fed back does not have the size of a gate,
    /// its size is the number of columns.
    #[doc(alias = "weight_hh")]
    #[doc(alias = "recurrent_kernel")]
    pub recurrent_weight: Param<Tensor<2>>,
    /// `b_W`: `[gates * hidden]`.
    #[doc(alias = "bias_ih")]
    pub input_bias: Option<Param<Tensor<1>>>,
    /// `b_R`: `[gates * hidden]`.
    #[doc(alias = "bias_hh")]
    pub recurrent_bias: Option<Param<Tensor<1>>>,
    /// What is dropped inside the recurrence, in training.
    pub dropout: GateDropout,
}

impl Gates {
    /// Given weights, of which nothing is dropped.
    pub fn new(
        [input_weight, recurrent_weight]: [Tensor<2>; 2],
        [input_bias, recurrent_bias]: [Option<Tensor<1>>; 2],
    ) -> Self {
        Self {
            input_weight: Param::from_tensor(input_weight),
            recurrent_weight: Param::from_tensor(recurrent_weight),
            input_bias: input_bias.map(Param::from_tensor),
            recurrent_bias: recurrent_bias.map(Param::from_tensor),
            dropout: GateDropout::nothing(),
        }
    }

    /// Features of the input.
    pub fn input_size(&self) -> usize {
        self.input_weight.dims()[1]
    }

    /// Features that `R` multiplies: the units of each gate, where these are what recurs.
    pub fn hidden_size(&self) -> usize {
        self.recurrent_weight.dims()[1]
    }

    /// Which weights are kept as a direction and a length. Burn's `materialize` of a module leaves
    /// them as plain weights.
    pub fn weight_norm(&self) -> WeightNorm {
        let normed = [&self.input_weight, &self.recurrent_weight]
            .map(|weight| weight.reparameterization::<WeightGain>().is_some());
        match normed {
            [true, _] => WeightNorm::Both,
            [false, true] => WeightNorm::Recurrent,
            [false, false] => WeightNorm::Off,
        }
    }

    /// The weights as one run of `batch` rows sees them: computed from what they are parametrised by, and with the
    /// run's mask on the recurrent ones; and the other masks that stay for the whole run. Gradients reach what is
    /// learned. What a cell's [`prepared`](crate::CellBase::prepared) is made of.
    #[must_use]
    pub fn prepared(&self, batch: usize) -> Self {
        let recurrent = self.dropout.weights.forward(self.recurrent_weight.val());
        let place = (&recurrent.device(), recurrent.dtype());
        Self {
            dropout: self.dropout.prepared(batch, self.hidden_size(), place),
            input_weight: Param::initialized(self.input_weight.id, self.input_weight.val()),
            recurrent_weight: Param::initialized(self.recurrent_weight.id, recurrent),
            ..self.clone()
        }
    }

    /// `W x_t + b_W` for the whole sequence, as one matrix product; with it, where there are
    /// any, the run's masks on `h_{t-1}` and on the candidate, in this order.
    pub fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.with_masks(project(input, &self.input_weight, self.input_bias.as_ref()))
    }

    /// The same without `b_W`, for a cell that does something to `W x_t` before it adds it.
    pub(crate) fn project_without_bias(&self, input: Tensor<3>) -> Projected<3> {
        self.with_masks(project(input, &self.input_weight, None))
    }

    fn with_masks(&self, values: Tensor<3>) -> Projected<3> {
        let masks = self.dropout.draw(&values, self.hidden_size());
        Projected { values, masks }
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

    /// The rows of `R` that belong to each gate, by the names of the gates in their packed order;
    /// none where `R` does not multiply as many units as a gate has. For a cell's
    /// [`recurrent_matrices`](crate::CellBase::recurrent_matrices).
    pub fn named_matrices<const G: usize>(
        &self,
        names: [&'static str; G],
    ) -> Vec<(&'static str, Tensor<2>)> {
        let weight = self.recurrent_weight.val();
        let [rows, columns] = weight.dims();
        match rows == G * columns {
            true => names.into_iter().zip(weight.chunk(G, 0)).collect(),
            false => Vec::new(),
        }
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

    /// `R (m . h) + b_R` in equations whose first matrix and first vector are
    /// [`matrices`](Self::matrices) and [`vectors`](Self::vectors); `m` is the run's mask, if
    /// there is one.
    pub fn recurrent<V: Expression>(&self, at: &At<V>, hidden: &V) -> V {
        self.recurrent_part(at, 0, hidden)
    }

    /// The same of one of the parts that [`matrices_of`](Self::matrices_of) and
    /// [`vectors_of`](Self::vectors_of) gave.
    pub(crate) fn recurrent_part<V: Expression>(&self, at: &At<V>, part: usize, hidden: &V) -> V {
        self.add_bias(at, part, self.product(at, part, hidden))
    }

    /// `f(R (m . h)) + b_R`.
    pub(crate) fn recurrent_through<V: Expression>(
        &self,
        at: &At<V>,
        hidden: &V,
        f: impl FnOnce(V) -> V,
    ) -> V {
        self.add_bias(at, 0, f(self.product(at, 0, hidden)))
    }

    fn product<V: Expression>(&self, at: &At<V>, part: usize, hidden: &V) -> V {
        let [masked, _] = self.masks();
        match masked {
            true => (hidden.clone() * at.masks[0].clone()).linear(&at.matrices[part]),
            false => hidden.linear(&at.matrices[part]),
        }
    }

    fn add_bias<V: Expression>(&self, at: &At<V>, part: usize, product: V) -> V {
        match self.recurrent_bias {
            Some(_) => product + at.vectors[part].clone(),
            None => product,
        }
    }

    /// `m_t . g` in equations, `g` being what is about to be remembered; `g` itself where a run
    /// has no mask on it.
    pub fn candidate<V: Expression>(&self, at: &At<V>, candidate: V) -> V {
        match self.masks() {
            [_, false] => candidate,
            [hidden, true] => candidate * at.masks[usize::from(hidden)].clone(),
        }
    }

    fn masks(&self) -> [bool; 2] {
        self.dropout.masks(&self.recurrent_weight.device())
    }

    /// Whether runs have masks beside the projection, which only equations know of.
    pub(crate) fn is_masked(&self) -> bool {
        self.masks().contains(&true)
    }

    /// Which way a run takes for which somebody wrote a kernel; `program` is the way of the one that is made of the
    /// equations, which alone knows of masks.
    pub(crate) fn path(&self, program: impl FnOnce() -> Path) -> Path {
        if !self.is_masked() {
            let weight = self.recurrent_weight.val();
            return Path::of(&weight.device(), weight.dtype());
        }
        match program() {
            Path::Unrolled(reason) => {
                Path::Unrolled(format!("dropout inside the recurrence, and {reason}").into())
            }
            kernel => kernel,
        }
    }

    /// The whole loop over time as one operation: outputs and final states, the hidden one first.
    pub(crate) fn scan(
        &self,
        recurrence: Recurrence,
        input: Sequence,
        states: Vec<Tensor<2>>,
        direction: Direction,
    ) -> (Tensor<3>, Vec<Tensor<2>>) {
        let [_, batch, _] = input.values.dims();
        let (hidden, count) = (self.hidden_size(), states.len());
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
            initial: match states.as_slice() {
                [only] => only.clone().unsqueeze(),
                _ => Tensor::stack(states, 0),
            },
            weight,
        };
        let run = backdraft_kernels::run(recurrence, walk, inputs);
        let states = match count {
            1 => vec![run.state],
            _ => run.state.chunk(count, 0),
        };
        let states = states.into_iter();
        let states = states.map(|state| state.reshape([batch, hidden]));
        (run.outputs, states.collect())
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

/// What a [`CellBase`](crate::CellBase) with a field `gates: Gates` has from them: its sizes, what a run
/// sees of its weights, and its projection, by the name of the method of [`Gates`].
macro_rules! by_gates {
    () => {
        by_gates!(project);
    };
    ($project:ident) => {
        $crate::gates::prepared_by_gates!();

        fn input_size(&self) -> usize {
            self.gates.input_size()
        }

        fn output_size(&self) -> usize {
            self.gates.hidden_size()
        }

        fn project(&self, input: burn::tensor::Tensor<3>) -> $crate::Projected<3> {
            self.gates.$project(input)
        }
    };
}
pub(crate) use by_gates;

/// Of that, what a run sees of its weights alone: for a cell that shows something else.
macro_rules! prepared_by_gates {
    () => {
        fn prepared(&self, batch: usize) -> Self {
            let mut cell = self.clone();
            cell.gates = self.gates.prepared(batch);
            cell
        }
    };
}
pub(crate) use prepared_by_gates;
