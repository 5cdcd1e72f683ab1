//! The composer's twin in PyTorch.
//!
//! ```text
//! key_embedding   nn.Embedding(key words, D)               if keys are words; their mean is the key
//! embedding       nn.Embedding(V + 1, D)                   the last row is that of <BOS>
//! recurrent       nn.LSTM(D, H, num_layers, batch_first=True)
//! bridge.0 ..     nn.Linear(key, H)                        of each tensor of the state, if it begins there
//! output          nn.Linear(H, V + 1)                      the last row is that of <EOS>
//! ```

use backdraft_cells::{Error, Layer};
use backdraft_models::Composer;

use super::{bridge, recurrent};
use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for Composer<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let embedding = |name: &str| Parameter::all_within(Parameter::of_embedding(), name, name);
        let mut all = embedding("embedding");
        if self.key_embedding.is_some() {
            all.extend(embedding("key_embedding"));
        }
        all.extend(recurrent(&self.recurrent, "recurrent", "recurrent")?);
        all.extend(self.bridge.iter().flat_map(bridge));
        let output = Parameter::of_linear(&self.output);
        all.extend(Parameter::all_within(output, "output", "output"));
        Ok(all)
    }
}
