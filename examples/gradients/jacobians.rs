//! The Jacobian of one step of each cell, by hand; `ds_t/ds_i` is their product.
//!
//! ```text
//! Elman   h_t = tanh(W x_t + b + U h_{t-1})
//!
//!     dh_t/dh_{t-1} = D(1 - h_t^2) U                                      D(v): v on the diagonal
//!
//! LSTM    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o),  g = tanh(a_g)
//!         a = W x_t + b_W + R h_{t-1} + b_R,  c_t = f c_{t-1} + i g,  h_t = o tanh(c_t)
//!
//!     dc_t/dc_{t-1} = D(f)                                                the direct path
//!     dc_t/dh_{t-1} = D(c_{t-1} f (1 - f)) R_f + D(g i (1 - i)) R_i + D(i (1 - g^2)) R_g
//!     dh_t/dc_{t-1} = D(o (1 - tanh(c_t)^2)) dc_t/dc_{t-1}
//!     dh_t/dh_{t-1} = D(o (1 - tanh(c_t)^2)) dc_t/dh_{t-1} + D(tanh(c_t) o (1 - o)) R_o
//!
//! GRU     r, z = sigmoid(a_r), sigmoid(a_z),  n = tanh(W_n x_t + b_Wn + r m),  m = R_n h_{t-1} + b_Rn
//!         h_t = (1 - z) n + z h_{t-1}
//!
//!     dh_t/dh_{t-1} = D(z)                                                the direct path
//!                   + D((h_{t-1} - n) z (1 - z)) R_z
//!                   + D((1 - z) (1 - n^2)) (D(r) R_n + D(m r (1 - r)) R_r)
//! ```
//!
//! Along the direct path `dc_t/dc_i = f_{i+1} f_{i+2} .. f_t`, and in a GRU the same with z: each unit
//! on its own, no matrix. That is one of the paths that the whole derivative is the sum of.

use backdraft_cells::Gates;
use burn::module::Param;
use burn::tensor::Tensor;
use faer::Mat;

/// What the formulae take from a cell, in double precision.
pub struct Weights {
    input: Mat<f64>,
    input_bias: Vec<f64>,
    recurrent: Mat<f64>,
    recurrent_bias: Vec<f64>,
}

impl Weights {
    /// Those of a cell that has biases.
    pub fn of(gates: &Gates) -> Self {
        let bias = |bias: &Option<Param<Tensor<1>>>| {
            let bias = bias.as_ref().expect("cells have biases by default");
            bias.val().into_data().iter::<f64>().collect()
        };
        Self {
            input: matrix(gates.input_weight.val()),
            input_bias: bias(&gates.input_bias),
            recurrent: matrix(gates.recurrent_weight.val()),
            recurrent_bias: bias(&gates.recurrent_bias),
        }
    }

    /// H, the units.
    fn units(&self) -> usize {
        self.recurrent.ncols()
    }

    /// `W x + b_W` and `R h + b_R`, all gates.
    fn sums(&self, input: &[f64], hidden: &[f64]) -> [Vec<f64>; 2] {
        let of = |weight: &Mat<f64>, vector: &[f64], bias: &[f64]| -> Vec<f64> {
            let row = |at: usize| -> f64 {
                let products = vector.iter().enumerate().map(|(k, v)| weight[(at, k)] * v);
                bias[at] + products.sum::<f64>()
            };
            (0..bias.len()).map(row).collect()
        };
        [
            of(&self.input, input, &self.input_bias),
            of(&self.recurrent, hidden, &self.recurrent_bias),
        ]
    }

    /// `D(diagonal) R_gate`.
    fn scaled(&self, gate: usize, diagonal: impl Fn(usize) -> f64) -> Mat<f64> {
        let units = self.units();
        let entry = |row, column| diagonal(row) * self.recurrent[(gate * units + row, column)];
        Mat::from_fn(units, units, entry)
    }
}

/// One step: what it read, and the state before and after it, an LSTM's as `h` and then `c`.
pub struct Step<'a> {
    /// x_t.
    pub input: &'a [f64],
    /// s_{t-1}.
    pub before: &'a [f64],
    /// s_t.
    pub after: &'a [f64],
}

/// The derivative of a step.
pub struct Derivative {
    /// `ds_t/ds_{t-1}`.
    pub whole: Mat<f64>,
    /// The gate of the direct path, f or z; of a net without gates nothing.
    pub keeps: Option<Vec<f64>>,
}

/// One of the formulae below.
pub type Formula = fn(&Weights, &Step) -> Derivative;

/// Of an Elman net.
pub fn elman(weights: &Weights, step: &Step) -> Derivative {
    Derivative {
        whole: weights.scaled(0, |k| 1.0 - step.after[k].powi(2)),
        keeps: None,
    }
}

/// Of an LSTM: `[h, c]` by `[h, c]`.
pub fn lstm(weights: &Weights, step: &Step) -> Derivative {
    let units = weights.units();
    let (hidden, memory) = step.before.split_at(units);
    let [input, recurrent] = weights.sums(step.input, hidden);
    let sum = |gate: usize, k: usize| input[gate * units + k] + recurrent[gate * units + k];
    let gate = |gate: usize| -> Vec<f64> { (0..units).map(|k| sigmoid(sum(gate, k))).collect() };
    let (i, f, o) = (gate(0), gate(1), gate(3));
    let g: Vec<f64> = (0..units).map(|k| sum(2, k).tanh()).collect();
    let shown: Vec<f64> = step.after[units..].iter().map(|c| c.tanh()).collect();

    let memory_by_hidden = weights.scaled(1, |k| memory[k] * f[k] * (1.0 - f[k]))
        + weights.scaled(0, |k| g[k] * i[k] * (1.0 - i[k]))
        + weights.scaled(2, |k| i[k] * (1.0 - g[k].powi(2)));
    let through_output = weights.scaled(3, |k| shown[k] * o[k] * (1.0 - o[k]));
    let opened = |k: usize| o[k] * (1.0 - shown[k].powi(2));
    let diagonal = |row: usize, column: usize| if row == column { f[row] } else { 0.0 };
    let whole = Mat::from_fn(2 * units, 2 * units, |row, column| {
        match (row < units, column < units) {
            (true, true) => {
                opened(row) * memory_by_hidden[(row, column)] + through_output[(row, column)]
            }
            (true, false) => opened(row) * diagonal(row, column - units),
            (false, true) => memory_by_hidden[(row - units, column)],
            (false, false) => diagonal(row - units, column - units),
        }
    });
    Derivative {
        whole,
        keeps: Some(f),
    }
}

/// Of a GRU.
pub fn gru(weights: &Weights, step: &Step) -> Derivative {
    let units = weights.units();
    let [input, recurrent] = weights.sums(step.input, step.before);
    let gate = |gate: usize| -> Vec<f64> {
        let rows = gate * units..(gate + 1) * units;
        rows.map(|at| sigmoid(input[at] + recurrent[at])).collect()
    };
    let (r, z) = (gate(0), gate(1));
    let m = &recurrent[2 * units..];
    let n = |k: usize| (input[2 * units + k] + r[k] * m[k]).tanh();

    let admitted = |k: usize| (1.0 - z[k]) * (1.0 - n(k).powi(2));
    let mut whole = weights.scaled(1, |k| (step.before[k] - n(k)) * z[k] * (1.0 - z[k]))
        + weights.scaled(2, |k| admitted(k) * r[k])
        + weights.scaled(0, |k| admitted(k) * m[k] * r[k] * (1.0 - r[k]));
    for (k, z) in z.iter().enumerate() {
        whole[(k, k)] += z;
    }
    Derivative {
        whole,
        keeps: Some(z),
    }
}

/// The same numbers, for faer.
pub fn matrix(tensor: Tensor<2>) -> Mat<f64> {
    let [rows, columns] = tensor.dims();
    let values: Vec<f64> = tensor.into_data().iter::<f64>().collect();
    Mat::from_fn(rows, columns, |row, column| values[row * columns + column])
}

fn sigmoid(sum: f64) -> f64 {
    1.0 / (1.0 + (-sum).exp())
}
