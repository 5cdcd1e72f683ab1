//! From a vector to the state that a layer begins with: how a decoder is told what it is to say.
//!
//! ```text
//! s_i = tanh(W_i v + b_i)          for each tensor s_i of the state, in each layer
//! ```
//!
//! The vector may be the final state of another layer, all its tensors side by side. Cho et al. 2014,
//! arXiv 1406.1078; Bahdanau, Cho and Bengio 2014, arXiv 1409.0473.
//!
//! What a state counts or scales by, rather than remembers, is neither read nor set: the normaliser
//! and the stabiliser of an sLSTM, the steps since a boundary of a hierarchical layer.

use backdraft_cells::{Error, Layer, Size, State};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::linear::linear;
use crate::tanh::tanh;

const NAME: &str = "Bridge";

/// The names of what a state counts or scales by.
const BOOKKEEPING: [&str; 3] = ["normalizer", "stabilizer", "since"];

fn is_remembered(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    !BOOKKEEPING.contains(&last)
}

/// Linear maps from a vector to all that a state remembers.
#[derive(Module, Debug)]
pub struct Bridge {
    /// `W_i` and `b_i`, one for each tensor of the state; none for what it does not remember.
    pub maps: Vec<Option<Linear>>,
    features: usize,
}

impl Bridge {
    /// From vectors of `features` to states of `layer`, with new weights, in the order of the state.
    ///
    /// # Errors
    ///
    /// When there is no feature.
    pub fn init<L: Layer>(features: usize, layer: &L, device: &Device) -> Result<Self, Error> {
        Error::unless_positive(NAME, "features", features)?;
        let mut maps = Vec::new();
        layer.initial_state(1).visit("", &mut |name, tensor| {
            let [_, units] = tensor.dims();
            maps.push(is_remembered(name).then(|| linear(features, units, true, device)));
        });
        Ok(Self { maps, features })
    }

    /// The state that `layer`, of the kind that this was built for, begins with, of `vector`
    /// (`[batch, features]`).
    ///
    /// # Errors
    ///
    /// When the vector or the layer does not fit.
    pub fn forward<L: Layer>(&self, vector: Tensor<2>, layer: &L) -> Result<L::State, Error> {
        let [batch, features] = vector.dims();
        if features != self.features {
            let what = "vector [batch, features]";
            let expected = [Size::Any, Size::Is(self.features)];
            return Err(Error::shape(NAME, what, expected, vector.dims()));
        }
        let own = layer.initial_state(batch);
        let tensors = own.tensors().len();
        if tensors != self.maps.len() {
            let what = "tensors in the state of the layer";
            return Err(Error::count(NAME, what, self.maps.len(), tensors));
        }
        let mut maps = self.maps.iter();
        Ok(own.map(&mut |own| match maps.next() {
            Some(Some(map)) => tanh(map.forward(vector.clone())),
            _ => own,
        }))
    }
}

/// All that a state remembers, side by side: `[batch, features]`.
pub fn state_features<S: State>(state: &S) -> Tensor<2> {
    let mut tensors = Vec::new();
    state.visit("", &mut |name, tensor| {
        if is_remembered(name) {
            tensors.push(tensor.clone());
        }
    });
    Tensor::cat(tensors, 1)
}
