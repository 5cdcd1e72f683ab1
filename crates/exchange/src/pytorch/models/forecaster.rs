//! The forecaster's twin in PyTorch.
//!
//! ```text
//! categories.0 ..   nn.Embedding(N, D)              one for each kind of category, if there are any
//! recurrent         nn.LSTM(2 + covariates + features of categories, H, num_layers, batch_first=True)
//! output            nn.Linear(H, parameters of the distribution)
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
        let kinds = self.categories.iter().flat_map(|all| &all.embeddings);
        for (kind, _) in kinds.enumerate() {
            let (here, there) = (
                format!("categories.embeddings.{kind}"),
                format!("categories.{kind}"),
            );
            let embedding = Parameter::of_embedding();
            all.extend(Parameter::all_within(embedding, &here, &there));
        }
        all.extend([
            Parameter::new("output_weight", "output.weight"),
            Parameter::new("output_bias", "output.bias"),
        ]);
        Ok(all)
    }
}
