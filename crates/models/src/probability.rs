//! Probabilities of a configuration, checked where a model is built.

use backdraft_cells::Error;
use burn::nn::{Dropout, DropoutConfig};

/// Dropout of a probability in `0.0..1.0`.
pub(crate) fn dropout(model: &str, what: &str, probability: f64) -> Result<Dropout, Error> {
    if !(0.0..1.0).contains(&probability) {
        let expected = "at least 0 and below 1";
        return Err(Error::new(model, what, expected, probability));
    }
    Ok(DropoutConfig::new(probability).init())
}
