//! The units of a series, so that one model can read large and small ones.
//!
//! ```text
//! u_t = (z_t - m) / s
//! none             m = 0               s = 1
//! mean absolute    m = 0               s = mean |z_t|
//! standard         m = mean z_t        s = sqrt(mean (z_t - m)^2)
//! ```
//!
//! Means are over what is observed. A series of one value has no spread, and one of zeros no size:
//! s is then 1.

use serde::{Deserialize, Serialize};

/// How the units of a series are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// The values as they are.
    None,
    /// In units of their mean size; 0 stays 0.
    #[default]
    MeanAbsolute,
    /// In standard deviations from their mean.
    Standard,
}

/// The units of one series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// `m`.
    pub location: f64,
    /// `s`, above 0.
    pub scale: f64,
}

impl Scaling {
    /// The units of a series of which this is known; a value that is missing is `None`.
    pub fn of(self, values: &[Option<f64>]) -> Scale {
        let mean = |of: &dyn Fn(f64) -> f64| {
            let observed = values.iter().flatten();
            let (sum, count) = observed.fold((0.0, 0.0), |(sum, n), z| (sum + of(*z), n + 1.0));
            sum / f64::max(count, 1.0)
        };
        let (location, scale) = match self {
            Self::None => (0.0, 1.0),
            Self::MeanAbsolute => (0.0, mean(&f64::abs)),
            Self::Standard => {
                let location = mean(&|z| z);
                (location, mean(&|z| (z - location).powi(2)).sqrt())
            }
        };
        // Rounding leaves equal values a spread of some 1e-16 of their size.
        let scale = if scale > 1e-12 * location.abs() {
            scale
        } else {
            1.0
        };
        Scale { location, scale }
    }
}

impl Default for Scale {
    /// The values as they are.
    fn default() -> Self {
        Self {
            location: 0.0,
            scale: 1.0,
        }
    }
}

impl Scale {
    /// `u` of `z`.
    #[must_use]
    pub fn of(self, value: f64) -> f64 {
        (value - self.location) / self.scale
    }
}
