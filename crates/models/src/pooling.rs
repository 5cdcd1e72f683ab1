//! One vector for a whole sequence, of any length `T`.
//!
//! ```text
//! last:       s = h_T                     forward
//!             s = h_1                     reverse
//!             s = forward_T, reverse_1    both: each direction where it has read everything
//! mean:       s = (h_1 + .. + h_T) / T
//! max:        s = max(h_1, .., h_T)       feature by feature
//! attention:  s = sum_t a_t h_t,   a = softmax(q . u_1, .., q . u_T),   u_t = tanh(W h_t + b)
//! ```
//!
//! Attention with a learnt query `q`: Yang et al. 2016, "Hierarchical attention networks for
//! document classification".

use backdraft_cells::{Direction, Error, Lengths};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::softmax};
use serde::{Deserialize, Serialize};

use crate::linear::{linear, uniform};
use crate::tanh::tanh;

/// How the outputs at all steps become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The output where everything has been read.
    ///
    /// Of a layer that goes both ways, the first half of the features at the last step and the
    /// second half at the first: what [`Merge::Concat`](backdraft_cells::Merge::Concat) puts out.
    #[default]
    Last,
    /// The mean over the steps.
    Mean,
    /// The largest value of each feature.
    Max,
    /// A mean weighted by how well each step answers a learnt query.
    Attention {
        /// The features of the query.
        size: usize,
    },
}

impl Pooling {
    /// Builds it for outputs of `features` features from layers that go in `direction`
    /// (`None`: both ways).
    ///
    /// # Errors
    ///
    /// When a size is zero, or the features of a layer that goes both ways cannot be halved.
    pub fn init(
        self,
        features: usize,
        direction: Option<Direction>,
        device: &Device,
    ) -> Result<Pool, Error> {
        let name = "Pooling";
        Error::unless_positive(name, "features", features)?;
        if self == Self::Last && direction.is_none() && features % 2 == 1 {
            let expected = "an even number, a half for each direction";
            return Err(Error::new(name, "features", expected, features));
        }
        let query = match self {
            Self::Attention { size } => {
                Error::unless_positive(name, "size of the query", size)?;
                Some(LearntQuery::new(features, size, device))
            }
            Self::Last | Self::Mean | Self::Max => None,
        };
        Ok(Pool {
            query,
            pooling: self,
            direction,
        })
    }
}

/// A [`Pooling`] with its weights, if it has any.
#[derive(Module, Debug)]
pub struct Pool {
    /// What attention asks for.
    pub query: Option<LearntQuery>,
    #[module(skip)]
    pooling: Pooling,
    #[module(skip)]
    direction: Option<Direction>,
}

/// What attention asks of each step.
#[derive(Module, Debug)]
pub struct LearntQuery {
    /// `W` and `b`.
    pub transform: Linear,
    /// `q`: `[size]`.
    pub query: Param<Tensor<1>>,
}

impl LearntQuery {
    /// `W` and `b` are drawn uniformly within 1/sqrt(features), then `q` within 1/sqrt(size).
    fn new(features: usize, size: usize, device: &Device) -> Self {
        let transform = linear(features, size, true, device);
        Self {
            transform,
            query: uniform([size], size, device),
        }
    }

    /// The weights `a` of the steps: `[batch, time, 1]`, zero in padding.
    pub fn weights(&self, outputs: Tensor<3>, lengths: &Lengths) -> Tensor<3> {
        let u = tanh(self.transform.forward(outputs));
        let query = self.query.val().unsqueeze::<3>();
        let scores = (u * query).sum_dim(2);
        softmax(beyond(scores, lengths, f64::NEG_INFINITY), 1)
    }
}

impl Pool {
    /// How it pools.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// From `[batch, time, features]` to `[batch, features]`. What stands in padding is not read.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit or one is 0.
    pub fn forward(&self, outputs: Tensor<3>, lengths: &Lengths) -> Result<Tensor<2>, Error> {
        let [batch, time, _] = outputs.dims();
        lengths.check("Pooling", batch, time)?;
        let mut rows = lengths.as_slice().iter();
        if let Some(row) = rows.position(|&length| length == 0) {
            let what = format!("length of row {row}");
            return Err(Error::new("Pooling", what, "at least 1", 0));
        }
        let outputs = lengths.clear_padding(outputs);
        Ok(match (self.pooling, &self.query) {
            (Pooling::Mean, _) => mean(outputs, lengths),
            (Pooling::Max, _) => {
                let outputs = beyond(outputs, lengths, f64::NEG_INFINITY);
                outputs.max_dim(1).squeeze_dim(1)
            }
            (Pooling::Attention { .. }, Some(query)) => {
                let weights = query.weights(outputs.clone(), lengths);
                (outputs * weights).sum_dim(1).squeeze_dim(1)
            }
            (Pooling::Last | Pooling::Attention { .. }, _) => self.last(outputs, lengths),
        })
    }

    fn last(&self, outputs: Tensor<3>, lengths: &Lengths) -> Tensor<2> {
        match self.direction {
            Some(Direction::Forward) => at_last(outputs, lengths),
            Some(Direction::Reverse) => outputs.narrow(1, 0, 1).squeeze_dim(1),
            None => {
                let half = outputs.dims()[2] / 2;
                let reverse = outputs.clone().narrow(1, 0, 1).narrow(2, half, half);
                let forward = at_last(outputs.narrow(2, 0, half), lengths);
                Tensor::cat(vec![forward, reverse.squeeze_dim(1)], 1)
            }
        }
    }
}

/// The last valid step of each row.
fn at_last(outputs: Tensor<3>, lengths: &Lengths) -> Tensor<2> {
    let [batch, time, features] = outputs.dims();
    if lengths.all_are(time) {
        return outputs.narrow(1, time - 1, 1).squeeze_dim(1);
    }
    let last: Vec<i64> = lengths.as_slice().iter().map(|&t| t as i64 - 1).collect();
    let last = TensorData::new(last, [batch, 1, 1]);
    let last = Tensor::<3, Int>::from_data(last, &outputs.device());
    let last = last.expand([batch, 1, features]);
    outputs.gather(1, last).squeeze_dim(1)
}

fn mean(outputs: Tensor<3>, lengths: &Lengths) -> Tensor<2> {
    let steps: Vec<f32> = lengths.as_slice().iter().map(|&t| t as f32).collect();
    let place = (&outputs.device(), outputs.dtype());
    let steps =
        Tensor::<2>::from_data(TensorData::new(steps, [lengths.as_slice().len(), 1]), place);
    outputs.sum_dim(1).squeeze_dim::<2>(1) / steps
}

/// `sequence` with `value` in the padding.
fn beyond(sequence: Tensor<3>, lengths: &Lengths, value: f64) -> Tensor<3> {
    let [_, time, _] = sequence.dims();
    if lengths.all_are(time) {
        return sequence;
    }
    let padding = lengths.mask(time, &sequence.device()).bool_not();
    let padding = padding.unsqueeze_dim::<3>(2).expand(sequence.shape());
    sequence.mask_fill(padding, value)
}
