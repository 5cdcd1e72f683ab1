//! Filters that are evenly spaced as pitch is heard.
//!
//! ```text
//! mel(f) = 2595 log10(1 + f / 700)                                          HTK
//! mel(f) = 3 f / 200 below 1000 Hz, else 15 + 27 ln(f / 1000) / ln 6.4      Slaney
//!
//! f_0 .. f_{M+1}                evenly spaced in mel, from the lowest to the highest frequency
//! g_k = k rate / K              the frequencies of the transform
//! H_m(k) = a_m max(0, min((g_k - f_m) / (f_{m+1} - f_m), (f_{m+2} - g_k) / (f_{m+2} - f_{m+1})))
//! a_m = 1   or   2 / (f_{m+2} - f_m)                                        for equal areas
//! ```
//!
//! O'Shaughnessy 1987, "Speech communication"; Slaney 1998, "Auditory Toolbox".

use serde::{Deserialize, Serialize};

use super::{MfccConfig, dot};
use crate::DataError;

/// How high a frequency is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MelScale {
    /// `2595 log10(1 + f / 700)`: librosa's `htk=True`.
    #[default]
    Htk,
    /// Straight below 1000 Hz, logarithmic above: librosa's `htk=False`.
    Slaney,
}

/// In mel, below and above which Slaney's scale is straight and logarithmic.
const BEND: f64 = 15.0;

impl MelScale {
    fn mel(self, hertz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
            Self::Slaney if hertz < 1000.0 => 3.0 * hertz / 200.0,
            Self::Slaney => BEND + 27.0 * (hertz / 1000.0).ln() / 6.4_f64.ln(),
        }
    }

    fn hertz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10_f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < BEND => 200.0 * mel / 3.0,
            Self::Slaney => 1000.0 * ((mel - BEND) * 6.4_f64.ln() / 27.0).exp(),
        }
    }
}

/// `H_m`, from the first frequency at which it is not 0 to the last.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    first: usize,
    heights: Vec<f64>,
}

impl Filter {
    /// `sum_k H_m(k) P_k`.
    pub(super) fn energy(&self, power: &[f64]) -> f64 {
        dot(&self.heights, &power[self.first..])
    }
}

/// `H_0 .. H_{M-1}` of a configuration that was checked; refuses one that no frequency falls into.
pub(super) fn filters(config: &MfccConfig, rate: u32) -> Result<Vec<Filter>, DataError> {
    let (scale, size) = (config.mel_scale, config.size(rate));
    let (low, high) = (scale.mel(config.low_hz), scale.mel(config.high(rate)));
    let step = (high - low) / (config.filters + 1) as f64;
    let corner = |at: usize| scale.hertz(low + step * at as f64);
    let filter = |m: usize| {
        let [left, top, right] = [corner(m), corner(m + 1), corner(m + 2)];
        let area = if config.equal_areas {
            2.0 / (right - left)
        } else {
            1.0
        };
        let height = |k: usize| {
            let at = k as f64 * f64::from(rate) / size as f64;
            let (up, down) = ((at - left) / (top - left), (right - at) / (right - top));
            area * up.min(down)
        };
        let rises = (0..=size / 2).map(height).enumerate();
        let mut rises = rises.skip_while(|(_, height)| *height <= 0.0).peekable();
        let Some(&(first, _)) = rises.peek() else {
            return Err(DataError::Invalid {
                what: "the filters",
                expected: format!("so few that each of {} frequencies", size / 2)
                    + " can tell them apart",
                found: format!("{}, of which number {m} has none", config.filters),
            });
        };
        let heights = rises.map(|(_, height)| height);
        Ok(Filter {
            first,
            heights: heights.take_while(|height| *height > 0.0).collect(),
        })
    };
    (0..config.filters).map(filter).collect()
}
