//! How sound becomes vectors.

use serde::{Deserialize, Serialize};

use super::Mfcc;
use crate::DataError;

/// Configuration of [`Mfcc`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MfccConfig {
    /// `a`; 0.97 by default.
    pub pre_emphasis: f64,
    /// The length of a frame, in milliseconds; 25 by default.
    pub frame_ms: f64,
    /// From frame to frame, in milliseconds; 10 by default.
    pub step_ms: f64,
    /// `M`; 26 by default.
    pub filters: usize,
    /// The coefficients that are kept; 13 by default.
    pub coefficients: usize,
    /// Where the lowest filter begins, in hertz; 0 by default.
    pub low_hz: f64,
    /// Where the highest filter ends; half the sample rate if not given.
    pub high_hz: Option<f64>,
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
            filters: 26,
            coefficients: 13,
            low_hz: 0.0,
            high_hz: None,
            deltas: 0,
        }
    }
}

impl MfccConfig {
    /// 13 coefficients of 26 filters, of frames of 25 milliseconds each 10.
    pub fn new() -> Self {
        Self::default()
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
    /// When a time or a number is impossible, there are more coefficients than filters, the filters
    /// lie not within half the sample rate, or are so narrow that no frequency falls into one.
    pub fn init(&self, rate: u32) -> Result<Mfcc, DataError> {
        Mfcc::new(self, rate)
    }

    pub(super) fn check(&self, rate: u32) -> Result<(), DataError> {
        let half = f64::from(rate) / 2.0;
        let high = self.high_hz.unwrap_or(half);
        let checks = [
            (
                "the pre-emphasis",
                (0.0..=1.0).contains(&self.pre_emphasis),
                "from 0 to 1".to_string(),
                self.pre_emphasis.to_string(),
            ),
            (
                "the milliseconds of a frame",
                self.frame_ms <= 1000.0 && self.frame_ms * half / 1000.0 >= 1.0,
                format!("at most 1000, and at least 2 samples of {rate} a second"),
                self.frame_ms.to_string(),
            ),
            (
                "the milliseconds from frame to frame",
                self.step_ms <= 1000.0 && self.step_ms * half / 500.0 >= 1.0,
                format!("at most 1000, and at least 1 sample of {rate} a second"),
                self.step_ms.to_string(),
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
