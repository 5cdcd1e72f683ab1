//! The transcriber's twin in PyTorch.
//!
//! ```text
//! recurrent   nn.LSTM(k features, H, num_layers, batch_first=True, bidirectional=..)
//! output      nn.Linear(H, labels + 1)                           the blank is symbol 0
//! ```

use backdraft_cells::{Error, Layer};
use backdraft_models::Transcriber;

use super::recurrent;
use crate::pytorch::{Parameter, Twin};

impl<L: Layer + Twin> Twin for Transcriber<L> {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let mut all = recurrent(&self.recurrent, "recurrent", "recurrent")?;
        let output = Parameter::of_linear(&self.output);
        all.extend(Parameter::all_within(output, "output", "output"));
        Ok(all)
    }
}
