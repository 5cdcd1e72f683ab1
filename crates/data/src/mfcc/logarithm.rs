//! How loud an energy is heard.
//!
//! ```text
//! E = ln max(e, 10^-10)                                             natural
//! E = max(10 log10 max(e, 10^-10), E_max - top_db)                  decibels
//! ```
//!
//! `E_max` is the greatest of all frames and filters of a sound.

use serde::{Deserialize, Serialize};

/// Silence has no logarithm: the least energy.
const LEAST: f64 = 1e-10;

/// How energies become loudness.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Logarithm {
    /// The natural logarithm.
    #[default]
    Natural,
    /// Decibels, ten times the decimal logarithm: librosa's `power_to_db`.
    #[doc(alias = "power_to_db")]
    Decibels {
        /// How far the quietest may lie below the loudest of the same sound; any if not given.
        top_db: Option<f64>,
    },
}

impl Logarithm {
    /// The energies of a whole sound.
    pub(super) fn of(self, energies: &mut [f64]) {
        for energy in energies.iter_mut() {
            let audible = energy.max(LEAST);
            *energy = match self {
                Self::Natural => audible.ln(),
                Self::Decibels { .. } => 10.0 * audible.log10(),
            };
        }
        if let Self::Decibels { top_db: Some(top) } = self {
            let loudest = energies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for energy in energies {
                *energy = energy.max(loudest - top);
            }
        }
    }
}
