//! How sound becomes vectors.

use serde::{Deserialize, Serialize};

use super::{Framing, Logarithm, MelScale, Mfcc, WindowFunction};
use crate::DataError;

/// The most samples of a frame, a step and a transform.
const LARGEST: usize = 1 << 24;

/// Configuration of [`Mfcc`].
///
/// By default with HTK's mel scale, pre-emphasis and Hamming windows; [`MfccConfig::librosa`] computes what librosa does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MfccConfig {
    /// `a`; 0.97 by default, 0 for none. It is librosa's `effects.preemphasis(y, coef=a, zi=[0])`.
    #[doc(alias = "preemphasis")]
    pub pre_emphasis: f64,
    /// The length of a frame, in milliseconds; 25 by default.
    #[doc(alias = "win_length")]
    pub frame_ms: f64,
    /// From frame to frame, in milliseconds; 10 by default.
    #[doc(alias = "hop_length")]
    pub step_ms: f64,
    /// Where frames lie; from the first sample on until the last by default.
    #[doc(alias = "center")]
    pub framing: Framing,
    /// What a frame is multiplied by; a Hamming window by default.
    pub window: WindowFunction,
    /// `K`, the size of the transform: samples of a frame and zeros. The least power of two that holds a frame, if
    /// not given.
    #[doc(alias = "n_fft")]
    pub transform: Option<usize>,
    /// Whether powers are divided by `K`; true by default.
    pub periodogram: bool,
    /// `M`; 26 by default.
    #[doc(alias = "n_mels")]
    pub filters: usize,
    /// What the filters are evenly spaced in; HTK's mel by default.
    #[doc(alias = "htk")]
    pub mel_scale: MelScale,
    /// Whether all filters have the same area, librosa's `mel_norm="slaney"`, and not the same height, its
    /// `mel_norm=None`; false by default.
    #[doc(alias = "mel_norm")]
    #[doc(alias = "norm")]
    pub equal_areas: bool,
    /// Where the lowest filter begins, in hertz; 0 by default.
    #[doc(alias = "fmin")]
    pub low_hz: f64,
    /// Where the highest filter ends; half the sample rate if not given.
    #[doc(alias = "fmax")]
    pub high_hz: Option<f64>,
    /// How energies become loudness; by the natural logarithm by default.
    #[doc(alias = "power_to_db")]
    pub logarithm: Logarithm,
    /// The coefficients that are kept; 13 by default.
    #[doc(alias = "n_mfcc")]
    pub coefficients: usize,
    /// `L`, which raises the coefficients in the middle as librosa does; 0, for none, by default.
    pub lifter: f64,
    /// The order of the deltas that are appended to the coefficients: 1 for deltas, 2 for the deltas of the
    /// deltas (accelerations) too; 0 by default.
    pub deltas: usize,
}

impl Default for MfccConfig {
    fn default() -> Self {
        Self {
            pre_emphasis: 0.97,
            frame_ms: 25.0,
            step_ms: 10.0,
            framing: Framing::All,
            window: WindowFunction::Hamming,
            transform: None,
            periodogram: true,
            filters: 26,
            mel_scale: MelScale::Htk,
            equal_areas: false,
            low_hz: 0.0,
            high_hz: None,
            logarithm: Logarithm::Natural,
            coefficients: 13,
            lifter: 0.0,
            deltas: 0,
        }
    }
}

impl MfccConfig {
    /// 13 coefficients of 26 filters, of frames of 25 milliseconds each 10.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `librosa.feature.mfcc(y=y, sr=rate)` does for sound of `rate` samples a second: 20 coefficients of 128
    /// filters, of frames of 2048 samples each 512, by [librosa's definitions](Self::with_librosa_definitions).
    ///
    /// From 168,300 samples a second on, no frequency falls into the first filter: [`init`](Self::init) refuses that.
    pub fn librosa(rate: u32) -> Self {
        let milliseconds = |samples: f64| samples * 1000.0 / f64::from(rate);
        Self {
            frame_ms: milliseconds(2048.0),
            step_ms: milliseconds(512.0),
            transform: Some(2048),
            filters: 128,
            coefficients: 20,
            ..Self::default()
        }
        .with_librosa_definitions()
    }

    /// Leaves sizes, the range of the filters, deltas and the lifter as they are, and does the rest as librosa does by
    /// default: no pre-emphasis, a periodic Hann window, centred frames, powers as they are, Slaney's mel, filters of
    /// equal areas, decibels from 80 below the loudest on.
    #[must_use]
    pub fn with_librosa_definitions(self) -> Self {
        Self {
            pre_emphasis: 0.0,
            framing: Framing::Centred,
            window: WindowFunction::Hann,
            periodogram: false,
            mel_scale: MelScale::Slaney,
            equal_areas: true,
            logarithm: Logarithm::Decibels { top_db: Some(80.0) },
            ..self
        }
    }

    /// Sets the coefficients that are kept.
    #[must_use]
    pub fn with_coefficients(mut self, coefficients: usize) -> Self {
        self.coefficients = coefficients;
        self
    }

    /// Sets the number of filters.
    #[must_use]
    pub fn with_filters(mut self, filters: usize) -> Self {
        self.filters = filters;
        self
    }

    /// Sets the order of the deltas that are appended to the coefficients.
    #[must_use]
    pub fn with_deltas(mut self, deltas: usize) -> Self {
        self.deltas = deltas;
        self
    }

    /// Prepares it for sound of `rate` samples a second.
    ///
    /// # Errors
    ///
    /// When a time or a number is impossible, a frame is longer than the transform, there are more coefficients than
    /// filters, the filters lie not within half the sample rate, or are so narrow that no frequency falls into one.
    pub fn init(&self, rate: u32) -> Result<Mfcc, DataError> {
        Mfcc::new(self, rate)
    }

    /// `N`.
    pub(super) fn frame(&self, rate: u32) -> usize {
        samples(self.frame_ms, rate)
    }

    /// `S`.
    pub(super) fn step(&self, rate: u32) -> usize {
        samples(self.step_ms, rate)
    }

    /// `K`.
    pub(super) fn size(&self, rate: u32) -> usize {
        let least = self.frame(rate).checked_next_power_of_two();
        self.transform.or(least).unwrap_or(usize::MAX)
    }

    /// Where the highest filter ends, in hertz.
    pub(super) fn high(&self, rate: u32) -> f64 {
        self.high_hz.unwrap_or(f64::from(rate) / 2.0)
    }

    pub(super) fn check(&self, rate: u32) -> Result<(), DataError> {
        let half = f64::from(rate) / 2.0;
        let (frame, high) = (self.frame(rate), self.high(rate));
        let top_db = match self.logarithm {
            Logarithm::Decibels { top_db: Some(top) } => top,
            _ => 0.0,
        };
        let checks = [
            (
                "the pre-emphasis",
                (0.0..=1.0).contains(&self.pre_emphasis),
                "from 0 to 1".to_string(),
                self.pre_emphasis.to_string(),
            ),
            (
                "the milliseconds of a frame",
                (2..=LARGEST).contains(&frame),
                format!("those of 2 to {LARGEST} samples, at {rate} a second"),
                self.frame_ms.to_string(),
            ),
            (
                "the milliseconds from frame to frame",
                (1..=LARGEST).contains(&self.step(rate)),
                format!("those of 1 to {LARGEST} samples, at {rate} a second"),
                self.step_ms.to_string(),
            ),
            (
                "the samples of a transform",
                (frame..=LARGEST).contains(&self.size(rate)),
                format!("at least {frame}, those of a frame, and at most {LARGEST}"),
                self.size(rate).to_string(),
            ),
            (
                "the coefficients",
                (1..=self.filters).contains(&self.coefficients),
                format!("at least 1 and at most {}, the filters", self.filters),
                self.coefficients.to_string(),
            ),
            (
                "the range of the filters in hertz",
                0.0 <= self.low_hz && self.low_hz < high && high <= half,
                format!("within 0 and {half}, half the sample rate"),
                format!("{} to {high}", self.low_hz),
            ),
            (
                "the decibels below the loudest",
                top_db >= 0.0,
                "at least 0".to_string(),
                top_db.to_string(),
            ),
            (
                "the lifter",
                self.lifter >= 0.0 && self.lifter.is_finite(),
                "a finite number, at least 0".to_string(),
                self.lifter.to_string(),
            ),
            (
                "the deltas",
                self.deltas <= 2,
                "at most 2".to_string(),
                self.deltas.to_string(),
            ),
        ];
        for (what, fits, expected, found) in checks {
            if !fits {
                return Err(DataError::Invalid {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}

fn samples(milliseconds: f64, rate: u32) -> usize {
    (milliseconds * f64::from(rate) / 1000.0).round() as usize
}
