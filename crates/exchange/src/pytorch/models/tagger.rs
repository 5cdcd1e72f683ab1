//! The tagger's twin in PyTorch.
//!
//! ```text
//! embedding               nn.Embedding(words, D)
//! characters.embedding    nn.Embedding(characters, D)           if characters are read
//! characters.recurrent    nn.LSTM(D, H, batch_first=True, bidirectional=True)
//! recurrent               nn.LSTM(D, H, num_layers, batch_first=True, bidirectional=True)
//! output                  nn.Linear(2 H, tags)
//! crf                     torchcrf.CRF(tags, batch_first=True), of the package pytorch-crf
//! ```

use backdraft_cells::{Error, Layer};
use backdraft_models::Tagger;

use super::recurrent;
use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for Tagger<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let embedding = |name: &str| Parameter::all_within(Parameter::of_embedding(), name, name);
        let mut all = embedding("embedding");
        if let Some(characters) = &self.characters {
            let name = "characters.recurrent";
            all.extend(embedding("characters.embedding"));
            all.extend(recurrent(&characters.recurrent, name, name)?);
        }
        all.extend(recurrent(&self.recurrent, "recurrent", "recurrent")?);
        let output = Parameter::of_linear(&self.output);
        all.extend(Parameter::all_within(output, "output", "output"));
        if self.crf.is_some() {
            let field = |here, there| Parameter::new(here, there).within("crf", "crf");
            all.extend([
                field("transitions", "transitions"),
                field("start", "start_transitions"),
                field("end", "end_transitions"),
            ]);
        }
        Ok(all)
    }
}
