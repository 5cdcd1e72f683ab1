//! How the text is cut into windows, as it is asked for.

use backdraft_data::{Cut, DataError};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a window continues from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Carrying {
    /// The window before it
    #[default]
    Always,
    /// The window before it, but each document begins with a new state
    Documents,
    /// Nowhere: every window begins with a new state
    Never,
}

/// How the text is cut into windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Steps from window to window (k1); as many as the gradient goes back (k2) if not given.
    pub stride: Option<usize>,
    /// Whether their lengths are drawn.
    pub drawn: bool,
    /// What a window continues from.
    pub carry: Carrying,
    /// What is between two documents of the text; it is put between the files of a folder, too.
    pub separator: Option<String>,
    /// Windows that a step learns from, one after the other.
    pub accumulate: usize,
    /// Whether what the backward pass needs is computed again, from every sqrt(T)-th state.
    pub recompute: bool,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            stride: None,
            drawn: false,
            carry: Carrying::default(),
            separator: None,
            accumulate: 1,
            recompute: false,
        }
    }
}

impl Windows {
    /// The cut, where the gradient goes back `unroll` steps.
    pub(crate) fn cut(&self, unroll: usize, seed: u64) -> Result<Cut, DataError> {
        let cut = Cut::new(unroll)?;
        let cut = match self.stride {
            Some(stride) => cut.with_stride(stride)?,
            None => cut,
        };
        Ok(match self.drawn {
            true => cut.with_drawn_lengths(seed),
            false => cut,
        })
    }

    /// What is put between documents, and found between them.
    pub(crate) fn separator(&self) -> &str {
        self.separator.as_deref().unwrap_or("")
    }
}
