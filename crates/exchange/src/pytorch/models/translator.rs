//! The translator's twin in PyTorch.
//!
//! ```text
//! source_embedding   nn.Embedding(source symbols, D)
//! encoder            nn.LSTM(D, H / 2, num_layers, batch_first=True, bidirectional=True)
//! target_embedding   nn.Embedding(V + 1, D)                 the last row is that of <BOS>
//! decoder            nn.LSTM(D, H, num_layers, batch_first=True)         of D + H with input feeding
//! bridge.0 ..        nn.Linear(final states, H)             of each tensor of the decoder's state
//! attention.keys     nn.Linear(M, H, bias=False)            and .query, .fit of the additive score
//! combine            nn.Linear(H + M, H)
//! output             nn.Linear(H, V + 1)                    the last row is that of <EOS>
//! ```

use backdraft_cells::{Error, Layer};
use backdraft_models::Translator;

use super::{attention, bridge, recurrent};
use crate::pytorch::{Parameter, Twin};

impl<E: Layer + Twin, D: Layer + Twin> Twin for Translator<E, D> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let mut all = recurrent(&self.encoder, "encoder", "encoder")?;
        all.extend(recurrent(&self.decoder, "decoder", "decoder")?);
        for embedding in ["source_embedding", "target_embedding"] {
            let own = Parameter::of_embedding();
            all.extend(Parameter::all_within(own, embedding, embedding));
        }
        all.extend(bridge(&self.bridge));
        all.extend(self.attention.iter().flat_map(attention));
        for (name, linear) in [("combine", &self.combine), ("output", &self.output)] {
            let own = Parameter::of_linear(linear);
            all.extend(Parameter::all_within(own, name, name));
        }
        Ok(all)
    }
}
