//! The same Jacobians from the library: autodiff through its layers.
//!
//! ```text
//! s_t = F(x_t, s_{t-1} + z_{t-1}),   z = 0          dL/dz_i = dL/ds_i
//! L   = s_T[1] of row 1 + s_T[2] of row 2 + ..      the rows of a batch do not see each other,
//!                                                   so row j of dL/dz_i is row j of ds_T/ds_i
//! ```
//!
//! One backward pass gives `ds_T/ds_i` whole, and for every i at once: backpropagation through time.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Error, Path, State};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use faer::Mat;

use crate::jacobians::matrix;

/// What a net reads: x_1 .. x_T.
pub struct Inputs(pub Vec<Vec<f64>>);

impl Inputs {
    /// The steps from `first` on, the same in every row: `[rows, steps, features]`.
    fn tensor(&self, first: usize, rows: usize, on: (&Device, DType)) -> Tensor<3> {
        let shape = [1, self.0.len() - first, self.0[0].len()];
        let data = TensorData::new(self.0[first..].concat(), shape);
        Tensor::<3>::from_data(data, on).repeat_dim(0, rows)
    }
}

/// Casts weights.
struct To(DType);

impl ModuleMapper for To {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, param.val().cast(self.0))
    }
}

/// s_0, s_1 .. s_T in double precision; what a state has several tensors of, one after the other.
pub fn states<C: Cell>(layer: &Recurrent<C>, inputs: &Inputs) -> Result<Vec<Vec<f64>>, Error> {
    let (layer, on) = in_precision(layer, DType::F64);
    let start = layer.initial_state(1);
    let trace = layer.trace(inputs.tensor(0, 1, (&on, DType::F64)))?;
    let values = |state: &C::State| together(state).into_data().iter::<f64>().collect();
    Ok([start].iter().chain(&trace.states).map(values).collect())
}

/// A gate at each step, as the cell computes it.
pub fn gate<C: Cell>(
    layer: &Recurrent<C>,
    inputs: &Inputs,
    name: &str,
) -> Result<Vec<Vec<f64>>, Error> {
    let (layer, on) = in_precision(layer, DType::F64);
    let inputs = inputs.tensor(0, 1, (&on, DType::F64));
    let projected = layer.cell.project(inputs.clone().swap_dims(0, 1)).steps();
    let mut state = layer.initial_state(1);
    let mut found = Vec::new();
    for (t, after) in layer.trace(inputs)?.states.into_iter().enumerate() {
        let gates = layer.cell.gate_activations(projected[t].clone(), &state);
        let gate = gates.into_iter().find(|(of, _)| *of == name);
        let (_, gate) = gate.expect("a gate of the cell");
        found.push(gate.into_data().iter::<f64>().collect());
        state = after;
    }
    Ok(found)
}

/// `ds_T/ds_i` for i = T - 1, T - 2 .. 0, in double precision, one step after the other. `between`
/// may cut paths: it is done to the state before each step.
pub fn jacobians<C: Cell>(
    layer: &Recurrent<C>,
    inputs: &Inputs,
    between: impl Fn(C::State) -> C::State,
) -> Result<Vec<Mat<f64>>, Error> {
    let (layer, on) = in_precision(layer, DType::F64);
    let rows = together(&layer.initial_state(1)).dims()[1];
    let sequence = inputs.tensor(0, rows, (&on, DType::F64));

    let mut state = layer.initial_state(rows);
    let mut zeros = Vec::new();
    for t in 0..inputs.0.len() {
        let mut of_step = Vec::new();
        let watched = state.map(&mut |tensor| {
            let zero = tensor.zeros_like().autodiff().require_grad();
            of_step.push(zero.clone());
            tensor + zero
        });
        zeros.push(of_step);
        let input = sequence.clone().slice_dim(1, t..t + 1);
        state = layer
            .forward(LayerInput::new(input).with_state(between(watched)))?
            .state;
    }
    let found = rows_of_gradients(&state, zeros);
    Ok(found.into_iter().rev().collect())
}

/// `ds_T/ds_i` in single precision from ONE operation over the steps i + 1 .. T, whose derivative is
/// written by hand: the kernel that trainings run.
pub fn jacobian_of_kernel<C: Cell>(
    layer: &Recurrent<C>,
    inputs: &Inputs,
    (i, state): (usize, &[f64]),
) -> Result<Mat<f64>, Error> {
    let (layer, on) = in_precision(layer, DType::F32);
    let kernel = |(_, path): &(String, Path)| matches!(path, Path::Kernel(_));
    assert!(layer.paths().iter().all(kernel), "{:?}", layer.paths());
    let rows = state.len();
    let (mut leaves, mut values) = (Vec::new(), state.iter().copied());
    let start = layer.initial_state(rows).map(&mut |like| {
        let units = like.dims()[1];
        let part: Vec<f64> = values.by_ref().take(units).collect();
        let part = Tensor::<2>::from_data(TensorData::new(part, [1, units]), (&on, DType::F32));
        let part = part.repeat_dim(0, rows).autodiff().require_grad();
        leaves.push(part.clone());
        part
    });
    let sequence = inputs.tensor(i, rows, (&on, DType::F32));
    let run = layer.forward(LayerInput::new(sequence).with_state(start))?;
    Ok(rows_of_gradients(&run.state, vec![leaves]).remove(0))
}

/// Backward from `end`, the derivative of whose unit j is wanted in row j.
fn rows_of_gradients<S: State>(end: &S, leaves: Vec<Vec<Tensor<2>>>) -> Vec<Mat<f64>> {
    let end = together(end);
    let one_each = Tensor::<2>::eye(end.dims()[0], &end.device()).cast(end.dtype());
    let gradients = (end * one_each).sum().backward();
    // What no path leads from has no gradient.
    let gradient = |leaf: Tensor<2>| {
        let found = leaf.grad(&gradients);
        found.unwrap_or_else(|| leaf.without_autodiff().zeros_like())
    };
    let of_step =
        |leaves: Vec<Tensor<2>>| matrix(Tensor::cat(leaves.into_iter().map(gradient).collect(), 1));
    leaves.into_iter().map(of_step).collect()
}

/// The layer with such weights, and where it is. Autodiff is asked for of states alone: beside them
/// weights and inputs are constants.
fn in_precision<C: Cell>(layer: &Recurrent<C>, dtype: DType) -> (Recurrent<C>, Device) {
    let device = together(&layer.initial_state(1)).device();
    (layer.clone().map(&mut To(dtype)), device)
}

/// The tensors of a state side by side.
fn together<S: State>(state: &S) -> Tensor<2> {
    let mut tensors = Vec::new();
    state.visit("", &mut |_, tensor| tensors.push(tensor.clone()));
    Tensor::cat(tensors, 1)
}
