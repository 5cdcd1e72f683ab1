//! Where frames lie in a sound.
//!
//! ```text
//! in a sound of L samples, window t begins at     windows
//! All       t S                                   1 + ceil(max(0, L - N) / S)
//! Centred   t S - K div 2 + (K - N) div 2         1 + (L + 2 (K div 2) - K) div S
//! Whole     t S + (K - N) div 2                   1 + (L - K) div S;  none if L < K
//! ```
//!
//! `N` samples of a window, `S` of a step, `K` of the transform. Outside of the sound is silence; where there is no
//! sample there is no window.

use serde::{Deserialize, Serialize};

/// Where frames lie in a sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// From the first sample on, until every sample is in one: the last frame may end in silence.
    #[default]
    All,
    /// Around every `S`-th sample, beginning with the first, with silence before and after the sound: librosa's
    /// `center=True, pad_mode="constant"`.
    #[doc(alias = "center")]
    #[doc(alias = "pad_mode")]
    Centred,
    /// As many as fit into the sound together with the zeros around a window that is shorter than the transform:
    /// librosa's `center=False`. A sound that is shorter than the transform has none.
    Whole,
}

/// The frames of sounds of one sample rate.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    pub(super) framing: Framing,
    /// `N`.
    pub(super) frame: usize,
    /// `S`.
    pub(super) step: usize,
    /// `K`.
    pub(super) size: usize,
}

impl Frames {
    /// The frames of so many samples.
    pub(super) fn count(&self, samples: usize) -> usize {
        if samples == 0 {
            return 0;
        }
        match self.framing {
            Framing::All => 1 + samples.saturating_sub(self.frame).div_ceil(self.step),
            Framing::Centred => 1 + (samples - self.size % 2) / self.step,
            Framing::Whole => match samples.checked_sub(self.size) {
                Some(others) => 1 + others / self.step,
                None => 0,
            },
        }
    }

    /// The samples of a frame's window that lie before the sound, and the sample of the sound at which the rest of the
    /// window begins.
    pub(super) fn begins(&self, frame: usize) -> (usize, usize) {
        let margin = (self.size - self.frame) / 2;
        let (before, after) = match self.framing {
            Framing::All => (0, 0),
            Framing::Centred => (self.size / 2 - margin, 0),
            Framing::Whole => (0, margin),
        };
        let place = frame * self.step + after;
        (before.saturating_sub(place), place.saturating_sub(before))
    }
}
