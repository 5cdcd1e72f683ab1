//! Backpropagation through time as the textbook writes it, worked out step by step in plain
//! numbers for an Elman cell, against autodiff through the layer.
//!
//! ```text
//! s_t = tanh(W x_t + R s_{t-1} + b)       y_N = V s_N       E_N = 1/2 |y_N - d_N|^2
//!
//! dE_N/dW = sum over i = 1..N of  dE_N/dy_N  dy_N/ds_N  ds_N/ds_i  d+s_i/dW
//! ds_N/ds_i = product over t = i+1..N of  diag(1 - s_t^2) R
//! ```
//!
//! where `d+` differentiates step i alone, with s_{i-1} held fixed. So for the output W is reused
//! N times, and each use has its own term.

use backdraft_cells::prelude::*;
use burn::tensor::Tensor;

use crate::support::{assert_close, backends, random, values};

const N: usize = 6;
const I: usize = 3;
const H: usize = 4;
const O: usize = 2;

type Matrix = Vec<Vec<f64>>;

fn matrix(values: &[f64], columns: usize) -> Matrix {
    values.chunks(columns).map(<[f64]>::to_vec).collect()
}

fn times(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    let dot = |row: &Vec<f64>| row.iter().zip(vector).map(|(m, v)| m * v).sum();
    matrix.iter().map(dot).collect()
}

/// `row` times `matrix`.
fn row_times(row: &[f64], matrix: &Matrix) -> Vec<f64> {
    let column = |j: usize| row.iter().zip(matrix).map(|(r, m)| r * m[j]).sum();
    (0..matrix[0].len()).map(column).collect()
}

#[test]
fn the_explicit_sum_over_time_is_what_autodiff_gives() {
    for backend in backends() {
        let config = RecurrentConfig::new(ElmanConfig::new(I, H));
        let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 11);
        let input = backend.random::<3>(1, [1, N, I]);
        let readout = backend.random::<2>(2, [H, O]); // V transposed
        let target = random(3, O);

        let run = layer.forward(input.clone()).unwrap();
        let y = run
            .outputs
            .slice([0..1, N - 1..N])
            .reshape([1, H])
            .matmul(readout.clone());
        let error = y - backend.tensor(&target, [1, O]);
        let gradients = (error.powi_scalar(2).sum() * 0.5).backward();

        // The same, by hand.
        let gates = &layer.cell.gates;
        let w = matrix(&values(&gates.input_weight.val()), I);
        let r = matrix(&values(&gates.recurrent_weight.val()), H);
        let b = values(
            &(gates.input_bias.as_ref().unwrap().val()
                + gates.recurrent_bias.as_ref().unwrap().val()),
        );
        let v = matrix(&values(&readout.clone().transpose()), H);
        let x = matrix(&values(&input), I);
        let mut s = vec![vec![0.0; H]];
        for x in &x {
            let (wx, rs) = (times(&w, x), times(&r, s.last().unwrap()));
            s.push((0..H).map(|k| (wx[k] + rs[k] + b[k]).tanh()).collect());
        }
        let y = times(&v, &s[N]);
        let de_dy: Vec<f64> = y.iter().zip(&target).map(|(y, d)| y - d).collect();
        let de_ds_n = row_times(&de_dy, &v);

        let (mut de_dw, mut de_dr, mut de_db) = (vec![0.0; H * I], vec![0.0; H * H], vec![0.0; H]);
        for i in 1..=N {
            // dE_N/ds_i, through the product of the Jacobians of steps N down to i + 1.
            let mut de_ds_i = de_ds_n.clone();
            for t in (i + 1..=N).rev() {
                let through: Vec<f64> = de_ds_i
                    .iter()
                    .zip(&s[t])
                    .map(|(d, s)| d * (1.0 - s * s))
                    .collect();
                de_ds_i = row_times(&through, &r);
            }
            // d+s_i/dW: unit k of s_i depends on row k of W alone, by (1 - s_i^2) x_i.
            for k in 0..H {
                let term = de_ds_i[k] * (1.0 - s[i][k] * s[i][k]);
                (0..I).for_each(|j| de_dw[k * I + j] += term * x[i - 1][j]);
                (0..H).for_each(|j| de_dr[k * H + j] += term * s[i - 1][j]);
                de_db[k] += term;
            }
        }

        let grad = |tensor: Tensor<2>| values(&tensor.grad(&gradients).unwrap());
        let tolerance = backend.tolerance;
        assert_close("dE/dW", &grad(gates.input_weight.val()), &de_dw, tolerance);
        assert_close(
            "dE/dR",
            &grad(gates.recurrent_weight.val()),
            &de_dr,
            tolerance,
        );
        for bias in [&gates.input_bias, &gates.recurrent_bias] {
            let bias = bias.as_ref().unwrap().val();
            assert_close(
                "dE/db",
                &values(&bias.grad(&gradients).unwrap()),
                &de_db,
                tolerance,
            );
        }
    }
}
