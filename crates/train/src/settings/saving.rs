//! When a training is saved, as it is asked for.

use serde::{Deserialize, Serialize};

/// When a training is saved, beside the ends of its epochs; and how long that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saving {
    /// After so many steps, if at all.
    pub steps: Option<usize>,
    /// After so many seconds, if at all.
    pub seconds: Option<f64>,
    /// Checkpoints that stay.
    pub keep: usize,
}

impl Default for Saving {
    fn default() -> Self {
        Self {
            steps: None,
            seconds: Some(60.0),
            keep: 2,
        }
    }
}
