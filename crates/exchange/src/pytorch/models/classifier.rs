//! The classifier's twin in PyTorch.
//!
//! ```text
//! embedding        nn.Embedding(V, D)                     E, if symbols are read
//! recurrent        nn.LSTM(D, H, num_layers, batch_first=True, bidirectional=..)
//! pool.transform   nn.Linear(features, size)              W and b, of attention
//! pool.query       nn.Parameter of [size]                 q
//! output           nn.Linear(features, classes)           U and c
//! ```

use backdraft_cells::{Error, Layer};
use backdraft_models::Classifier;

use super::recurrent;
use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for Classifier<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let mut all = recurrent(&self.recurrent, "recurrent", "recurrent")?;
        if self.embedding.is_some() {
            let embedding = Parameter::of_embedding();
            all.extend(Parameter::all_within(embedding, "embedding", "embedding"));
        }
        if let Some(asked) = &self.pool.query {
            let transform = Parameter::of_linear(&asked.transform);
            all.extend(Parameter::all_within(
                transform,
                "pool.query.transform",
                "pool.transform",
            ));
            all.push(Parameter::new("pool.query.query", "pool.query"));
        }
        let output = Parameter::of_linear(&self.output);
        all.extend(Parameter::all_within(output, "output", "output"));
        Ok(all)
    }
}
