//! How large each learned tensor is.
//!
//! ```text
//! norm = sqrt(sum w^2)       rms = sqrt(mean w^2)       largest = max |w|
//! ```

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::Serialize;

/// The size of one tensor of weights.
#[derive(Debug, Clone, Serialize)]
pub struct WeightSummary {
    /// Where it is in the model: `recurrent.layers.0.cell.gates.recurrent_weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The square root of the sum of squares.
    pub norm: f64,
    /// The square root of the mean of squares.
    pub rms: f64,
    /// The largest absolute value.
    pub largest: f64,
}

/// Each tensor of a module, in the module's order.
pub(super) fn summarize<M: Module>(module: &M) -> Vec<WeightSummary> {
    let mut summary = Summary::default();
    module.visit(&mut summary);
    summary.weights
}

#[derive(Default)]
struct Summary {
    path: Vec<String>,
    weights: Vec<WeightSummary>,
}

impl ModuleVisitor for Summary {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        let (mut count, mut squares, mut largest) = (0usize, 0.0, 0.0f64);
        for value in data.iter::<f64>() {
            count += 1;
            squares += value * value;
            // `max` alone would pass over what is no number.
            largest = match value.is_nan() {
                true => f64::NAN,
                false => largest.max(value.abs()),
            };
        }
        self.weights.push(WeightSummary {
            name: self.path.join("."),
            shape: param.dims().to_vec(),
            norm: f64::sqrt(squares),
            rms: f64::sqrt(squares / count as f64),
            largest,
        });
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    #[test]
    fn each_tensor_is_named_and_measured() {
        let device = Device::flex();
        let linear: Linear = LinearConfig::new(2, 1).init(&device);
        let weight = Tensor::<2>::from_data([[3.0], [-4.0]], &device);
        let linear = Linear {
            weight: Param::from_tensor(weight),
            ..linear
        };
        let weights = summarize(&linear);
        assert_eq!(weights[0].name, "weight");
        assert_eq!(weights[0].shape, [2, 1]);
        assert_eq!((weights[0].norm, weights[0].largest), (5.0, 4.0));
        assert!((weights[0].rms - 12.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(weights[1].name, "bias");
    }
}
