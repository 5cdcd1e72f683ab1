//! Weight normalisation: the length of each row of a matrix, apart from its direction.
//!
//! ```text
//! W = g v / |v|         a row at a time; g: one number a row, |v| the Euclidean norm of the row
//! ```
//!
//! Both `v` and `g` are learned. `g` starts at `|v|`, so a new cell starts from the weights that
//! were drawn. Each gate of a unit has a row of its own.
//!
//! Salimans and Kingma 2016, "Weight normalization: a simple reparameterization to accelerate
//! training of deep neural networks", arXiv 1602.07868.

use burn::module::{Module, Param, Reparameterization, Reparameterizer};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Which weights of a cell are normalised.
#[doc(alias = "weight_norm")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightNorm {
    /// None.
    #[default]
    Off,
    /// `R`, the recurrent ones.
    Recurrent,
    /// `R` and `W`.
    Both,
}

/// `g`, on a weight that holds `v`. The weight's [`Param::val`] is `g v / |v|`, its
/// [`Param::base`] is `v`.
#[derive(Module, Debug)]
pub struct WeightGain {
    /// `g`: `[rows]`.
    pub gain: Param<Tensor<1>>,
}

impl Reparameterization for WeightGain {
    const NAME: &'static str = "weight_norm";

    fn apply<const D: usize>(&self, v: Tensor<D>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[0] = v.dims()[0];
        let gain = self.gain.val().reshape(shape);
        gain * v.clone() / length(v)
    }
}

/// `|v|` of each row: `[rows, 1, ..]`.
fn length<const D: usize>(v: Tensor<D>) -> Tensor<D> {
    let squares = v.clone() * v;
    (1..D).fold(squares, Tensor::sum_dim).sqrt()
}

/// `weight` as `v`, with the gain that leaves its value as it is; or the row that has no direction.
pub(crate) fn normalize(weight: Param<Tensor<2>>) -> Result<Param<Tensor<2>>, String> {
    let rows = weight.dims()[0];
    let gain = length(weight.val()).reshape([rows]).detach();
    let zero = gain.to_data().iter::<f64>().position(|gain| gain == 0.0);
    match zero {
        Some(row) => Err(format!("row {row} of zeros")),
        None => Ok(weight.apply_reparameterization(Attach(gain))),
    }
}

struct Attach(Tensor<1>);

impl Reparameterizer for Attach {
    type Reparam = WeightGain;

    fn reparameterize<const D: usize>(
        &mut self,
        _: &str,
        v: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<WeightGain>) {
        let gain = Param::from_tensor(self.0.clone());
        (v, Some(WeightGain { gain }))
    }
}
