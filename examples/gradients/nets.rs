//! The nets that are taken apart, and what they read.
//!
//! ```text
//! W_jk ~ N(0, 1 / I),   x_t ~ N(0, strength^2),   so that W x_t ~ N(0, strength^2) in each unit
//! ```

use backdraft_cells::prelude::*;
use backdraft_cells::{Error, Memory};
use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use faer::Mat;

use crate::jacobians::matrix;
use crate::measured::Inputs;

/// Features and units.
const INPUT: usize = 4;
const UNITS: usize = 24;
/// Steps that are looked back in the plain net, and in one with gates.
pub const SHORT: usize = 40;
pub const LONG: usize = 100;

/// A simple recurrent network with a dense U and no biases.
pub fn plain(device: &Device) -> Result<Recurrent<Elman>, Error> {
    let normal = |fan: usize| Initializer::Normal {
        mean: 0.0,
        std: (fan as f64).sqrt().recip(),
    };
    let gates = GatesConfig::new()
        .with_input_initialization(normal(INPUT).into())
        .with_recurrent_initialization(normal(UNITS).into())
        .with_bias_initialization(Initializer::Zeros.into());
    RecurrentConfig::new(ElmanConfig::new(INPUT, UNITS).with_gates(gates)).init(device)
}

/// U.
pub fn recurrent_matrix(layer: &Recurrent<Elman>) -> Mat<f64> {
    matrix(layer.cell.gates.recurrent_weight.val())
}

/// The same net with another U.
pub fn with_recurrent_matrix(layer: &Recurrent<Elman>, recurrent: &Mat<f64>) -> Recurrent<Elman> {
    let mut layer = layer.clone();
    let weight = &mut layer.cell.gates.recurrent_weight;
    let values: Vec<f64> = (0..UNITS * UNITS)
        .map(|at| recurrent[(at / UNITS, at % UNITS)])
        .collect();
    let values = TensorData::new(values, [UNITS, UNITS]);
    let on = (&weight.device(), DType::F64);
    *weight = Param::from_tensor(Tensor::from_data(values, on));
    layer
}

/// An LSTM as it starts.
pub fn lstm(memory: Memory, device: &Device) -> Result<Recurrent<Lstm>, Error> {
    RecurrentConfig::new(LstmConfig::new(INPUT, UNITS).with_memory(memory)).init(device)
}

/// A GRU as it starts.
pub fn gru(memory: Memory, device: &Device) -> Result<Recurrent<Gru>, Error> {
    RecurrentConfig::new(GruConfig::new(INPUT, UNITS).with_memory(memory)).init(device)
}

/// Standard normal numbers to read, as many as the longest of the nets takes.
pub fn noise(device: &Device) -> Vec<Vec<f64>> {
    let normal = Distribution::Normal(0.0, 1.0);
    let drawn = Tensor::<2>::random([LONG, INPUT], normal, device);
    let values: Vec<f64> = drawn.into_data().iter::<f64>().collect();
    values.chunks(INPUT).map(<[f64]>::to_vec).collect()
}

/// x_1 .. x_T of this strength.
pub fn inputs(noise: &[Vec<f64>], steps: usize, strength: f64) -> Inputs {
    let step = |values: &Vec<f64>| values.iter().map(|value| strength * value).collect();
    Inputs(noise[..steps].iter().map(step).collect())
}
