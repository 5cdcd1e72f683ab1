//! How long the derivative of the last state with respect to an earlier one is, against how much
//! earlier that is: by the formula and by autodiff.
//!
//! ```text
//! |ds_T/ds_i| against T - i,     the norm: how much longer the derivative can make a vector
//! ```

use backdraft_cells::{Cell, Elman, Error, Gates, Gru, Layer, Lstm, LstmState, Recurrent};
use faer::Mat;

use crate::jacobians::{self, Derivative, Formula, Step, Weights};
use crate::measured::{self, Inputs};
use crate::spectra::norm;

/// How far back the kernel is compared: so that single precision has room for the smallest norms.
const BACK_IN_KERNEL: usize = 20;
/// How well each has to agree with the formula.
const TOLERANCE: f64 = 1e-9;
const TOLERANCE_OF_KERNEL: f64 = 1e-4;

/// A norm at each T - i, from 1.
pub struct Norms {
    /// Of the product of the formulae.
    pub predicted: Vec<f64>,
    /// Of what autodiff gave.
    pub measured: Vec<f64>,
}

/// One net on one sequence.
pub struct Curve {
    /// Which.
    pub name: String,
    /// `|ds_T/ds_i|`.
    pub whole: Norms,
    /// The largest unit of the direct path; of a net without gates nothing.
    pub direct: Option<Norms>,
    /// `|measured - predicted| / |predicted|` at worst, of the matrices, not of their norms.
    pub difference: f64,
    /// The same of the kernel in single precision.
    pub difference_of_kernel: f64,
    /// gamma: the largest `1 - h^2` of any unit at any step.
    pub gamma: f64,
}

impl Curve {
    /// What the norm is multiplied by with a step, over the further half of the steps.
    pub fn factor(&self) -> f64 {
        let norms = &self.whole.predicted;
        let (near, far) = (norms.len() / 2, norms.len());
        (norms[far - 1] / norms[near - 1]).powf(1.0 / (far - near) as f64)
    }

    /// What that means.
    pub fn verdict(&self) -> &'static str {
        match self.factor() {
            factor if factor < 0.97 => "vanishes",
            factor if factor > 1.03 => "explodes",
            _ => "lasts",
        }
    }
}

/// A simple recurrent network.
pub fn elman(name: String, layer: &Recurrent<Elman>, inputs: &Inputs) -> Result<Curve, Error> {
    compared(name, layer, &layer.cell.gates, inputs, jacobians::elman).map(|(curve, _)| curve)
}

/// A long short-term memory. Its direct path is what is left of autodiff where `h` is cut off the
/// graph before each step.
pub fn lstm(name: String, layer: &Recurrent<Lstm>, inputs: &Inputs) -> Result<Curve, Error> {
    let (mut curve, kept) = compared(name, layer, &layer.cell.gates, inputs, jacobians::lstm)?;
    let cut = |state: LstmState| LstmState {
        hidden: state.hidden.detach(),
        cell: state.cell,
    };
    let mut measured = Vec::new();
    for (kept, whole) in kept.iter().zip(measured::jacobians(layer, inputs, cut)?) {
        let units = kept.len();
        // dc_T/dc_i, which is to be diagonal.
        let found = Mat::from_fn(units, units, |row, column| {
            whole[(units + row, units + column)]
        });
        let predicted = diagonal(kept);
        let difference = relative(&found, &predicted);
        assert!(difference < TOLERANCE, "direct path: {difference}");
        measured.push(norm(&found));
    }
    curve.direct = Some(Norms {
        predicted: kept.iter().map(|kept| largest(kept)).collect(),
        measured,
    });
    Ok(curve)
}

/// A gated recurrent unit. Its direct path cannot be cut out of the rest, `h` being all there is: the
/// gate is taken from the cell.
pub fn gru(name: String, layer: &Recurrent<Gru>, inputs: &Inputs) -> Result<Curve, Error> {
    let (mut curve, kept) = compared(name, layer, &layer.cell.gates, inputs, jacobians::gru)?;
    let gates = measured::gate(layer, inputs, "update")?;
    let measured = products(gates.iter().rev());
    for (kept, found) in kept.iter().zip(&measured) {
        let difference = relative(&diagonal(found), &diagonal(kept));
        assert!(difference < TOLERANCE, "direct path: {difference}");
    }
    curve.direct = Some(Norms {
        predicted: kept.iter().map(|kept| largest(kept)).collect(),
        measured: measured.iter().map(|kept| largest(kept)).collect(),
    });
    Ok(curve)
}

/// The whole derivative by both; beside it, what each unit keeps along the direct path.
fn compared<C: Cell>(
    name: String,
    layer: &Recurrent<C>,
    gates: &Gates,
    inputs: &Inputs,
    formula: Formula,
) -> Result<(Curve, Vec<Vec<f64>>), Error> {
    let weights = Weights::of(gates);
    let states = measured::states(layer, inputs)?;
    let steps = states
        .windows(2)
        .zip(&inputs.0)
        .map(|(states, input)| Step {
            input,
            before: &states[0],
            after: &states[1],
        });
    let backwards: Vec<Derivative> = steps.map(|step| formula(&weights, &step)).rev().collect();
    // J_T, J_T J_{T-1}, J_T J_{T-1} J_{T-2} ..
    let mut predicted: Vec<Mat<f64>> = Vec::new();
    for Derivative { whole, .. } in &backwards {
        predicted.push(match predicted.last() {
            Some(after) => after * whole,
            None => whole.clone(),
        });
    }

    let measured = measured::jacobians(layer, inputs, |state| state)?;
    let pairs = measured.iter().zip(&predicted);
    let difference = pairs.map(|(found, by_hand)| relative(found, by_hand));
    let difference = difference.fold(0.0, f64::max);
    let i = inputs.0.len() - BACK_IN_KERNEL;
    let in_kernel = measured::jacobian_of_kernel(layer, inputs, (i, &states[i]))?;
    let difference_of_kernel = relative(&in_kernel, &predicted[BACK_IN_KERNEL - 1]);
    let what = format!("{} {name}", layer.describe());
    assert!(difference < TOLERANCE, "{what}: {difference}");
    assert!(
        difference_of_kernel < TOLERANCE_OF_KERNEL,
        "{what}: {difference_of_kernel}"
    );

    let slopes = states[1..]
        .iter()
        .flatten()
        .map(|value| 1.0 - value.powi(2));
    let curve = Curve {
        name,
        whole: Norms {
            predicted: predicted.iter().map(norm).collect(),
            measured: measured.iter().map(norm).collect(),
        },
        direct: None,
        difference,
        difference_of_kernel,
        gamma: slopes.fold(0.0, f64::max),
    };
    Ok((
        curve,
        products(backwards.iter().filter_map(|step| step.keeps.as_ref())),
    ))
}

/// The first, the first times the second, ..: unit by unit.
fn products<'a>(gates: impl Iterator<Item = &'a Vec<f64>>) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for gate in gates {
        found.push(match found.last() {
            Some(after) => after.iter().zip(gate).map(|(a, b)| a * b).collect(),
            None => gate.clone(),
        });
    }
    found
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn diagonal(values: &[f64]) -> Mat<f64> {
    let entry = |row, column| if row == column { values[row] } else { 0.0 };
    Mat::from_fn(values.len(), values.len(), entry)
}

fn relative(found: &Mat<f64>, expected: &Mat<f64>) -> f64 {
    (found - expected).norm_l2() / expected.norm_l2()
}
