//! The language model's twin in PyTorch.
//!
//! ```text
//! embedding   nn.Embedding(V, D)                                     E
//! recurrent   nn.LSTM(D, H, num_layers, batch_first=True)            the recurrent stack
//! output      nn.Linear(H, V)                                        U [V, H], c
//! tied:       output.weight = embedding.weight
//! ```
//!
//! Dropout stands after the embedding, between the layers and before the output.

use backdraft_cells::{Error, Layer};
use backdraft_models::LanguageModel;

use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for LanguageModel<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        if !self.output.tails.is_empty() {
            let found = "adaptive";
            return Err(Error::new(
                "LanguageModel",
                "softmax",
                "of every symbol",
                found,
            ));
        }
        let mut embedding = Parameter::new("weight", "weight").within("embedding", "embedding");
        let output = "output.weight".to_string();
        let mut all = Vec::new();
        match self.output.weight {
            Some(_) => all.push(Parameter::new("output.weight", output)),
            None => embedding.names.push(output),
        }
        all.push(embedding);
        all.push(Parameter::new("output.bias", "output.bias"));
        let recurrent = Twin::parameters(&self.recurrent)?.into_iter();
        all.extend(recurrent.map(|parameter| parameter.within("recurrent", "recurrent")));
        Ok(all)
    }
}
