//! What can be wrong with what a caller hands over: a configuration, or a tensor's shape.

use std::fmt::Display;

/// A configuration that describes no layer, or a tensor that does not fit the layer it is given to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{layer}: {what}: expected {expected}, found {found}")]
pub struct Error {
    /// The layer, outermost first: `layer 2 of Deep: reverse of Bidirectional: Lstm(8 -> 16)`.
    pub layer: String,
    /// The part of it: `input`, `initial state \`cell\``, `dropout` ..
    pub what: String,
    /// What would have fitted.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl Error {
    /// An error about `what` of `layer`.
    pub fn new(
        layer: impl Display,
        what: impl Display,
        expected: impl Display,
        found: impl Display,
    ) -> Self {
        Self {
            layer: layer.to_string(),
            what: what.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// The same error, told from one layer further out.
    pub fn within(mut self, outer: impl Display) -> Self {
        self.layer = format!("{outer}: {}", self.layer);
        self
    }

    /// Refuses a size of zero.
    pub fn unless_positive(layer: &str, what: &str, size: usize) -> Result<(), Self> {
        if size == 0 {
            return Err(Self::new(layer, what, "at least 1", size));
        }
        Ok(())
    }

    /// Refuses a bound that bounds nothing: 0, below 0 or not finite.
    pub fn unless_bound(layer: &str, what: &str, bound: Option<f64>) -> Result<(), Self> {
        match bound {
            Some(bound) if !bound.is_finite() || bound <= 0.0 => {
                Err(Self::new(layer, what, "a finite number above 0", bound))
            }
            _ => Ok(()),
        }
    }
}
