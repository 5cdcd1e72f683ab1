//! The forecaster's twin in PyTorch.
//!
//! ```text
//! recurrent   nn.LSTM(2 + covariates, H, num_layers, batch_first=True)
//! output      nn.Linear(H, parameters of the distribution)
//! ```
//!
//! What is positive, such as a deviation, is `softplus` of the output, plus 1e-4.

use backdraft_cells::{Error, Layer};
use backdraft_models::Forecaster;

use super::recurrent;
use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for Forecaster<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let mut all = recurrent(&self.layer, "layer", "recurrent")?;
        all.extend([
            Parameter::new("output_weight", "output.weight"),
            Parameter::new("output_bias", "output.bias"),
        ]);
        Ok(all)
    }
}
