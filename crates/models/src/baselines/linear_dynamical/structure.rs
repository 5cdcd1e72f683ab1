//! A series as a level that wanders, with a slope and a season if wanted: Harvey 1989, "Forecasting,
//! structural time series models and the Kalman filter".
//!
//! ```text
//! x_t = l_t + s_t + v_t
//! l_t = l_{t-1} + b_{t-1} + noise                 the level
//! b_t = b_{t-1} + noise                           the slope, if there is one
//! s_t = -(s_{t-1} + .. + s_{t-m+1}) + noise       the season of m steps, if there is one
//!
//! z = [l, b, s_t .. s_{t-m+2}]
//! ```
//!
//! Learning begins from the likeliest variances of a coarse search, and that from a rough guess, `V` the series' own,
//! which says hardly anything of the state:
//!
//! ```text
//! R = V_d / 4    Q = V_d / 4 of the level, V_d / 100 of slope and season     V_d: of x_t - x_{t-1}
//! m_1 = [mean of the first season, 0 ..]    P_1 = 100 V of the level, 10 V of the others
//! ```

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::{LinearDynamicalSystem, LinearDynamics, Matrix, NAME};

/// What a series is made of, besides its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// Whether the level has a slope.
    pub slope: bool,
    /// Steps of a season, at least 2; none without one.
    pub season: Option<usize>,
}

impl Structure {
    /// A level that wanders: its forecast is level, as that of simple exponential smoothing.
    pub fn local_level() -> Self {
        Self {
            slope: false,
            season: None,
        }
    }

    /// A level with a slope, both of which wander.
    pub fn local_linear_trend() -> Self {
        Self {
            slope: true,
            season: None,
        }
    }

    /// Adds a season of so many steps.
    #[must_use]
    pub fn with_season(mut self, season: usize) -> Self {
        self.season = Some(season);
        self
    }

    /// The size of its state.
    pub fn latent(&self) -> usize {
        1 + usize::from(self.slope) + self.season.map_or(0, |season| season.saturating_sub(1))
    }

    /// The system, with variances guessed from the series; they are to be learned.
    ///
    /// # Errors
    ///
    /// When a season has less than 2 steps, or no value is observed.
    pub fn system(&self, series: &[Option<f64>]) -> Result<LinearDynamicalSystem, Error> {
        if let Some(season @ ..2) = self.season {
            return Err(Error::new(NAME, "steps of a season", "at least 2", season));
        }
        let observed: Vec<f64> = series.iter().flatten().copied().collect();
        Error::unless_positive(NAME, "observed values", observed.len())?;
        let changes: Vec<f64> = observed.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // A series that never changes has to start somewhere.
        let or = |value: f64, other: f64| if value > 0.0 { value } else { other };
        let spread = or(variance(&observed), 1.0);
        let change = or(variance(&changes), spread);

        let latent = self.latent();
        let mut transition = Matrix::zeros(latent, latent);
        let mut emission = Matrix::zeros(1, latent);
        let mut noise = vec![0.0; latent];
        (transition[(0, 0)], emission[(0, 0)], noise[0]) = (1.0, 1.0, change / 4.0);
        if self.slope {
            (transition[(0, 1)], transition[(1, 1)], noise[1]) = (1.0, 1.0, change / 100.0);
        }
        let first = 1 + usize::from(self.slope);
        if first < latent {
            (emission[(0, first)], noise[first]) = (1.0, change / 100.0);
        }
        for i in first..latent {
            transition[(first, i)] = -1.0;
            if i > first {
                transition[(i, i - 1)] = 1.0;
            }
        }
        let mut initial = vec![10.0 * spread; latent];
        initial[0] = 100.0 * spread;
        let begin = &observed[..observed.len().min(self.season.unwrap_or(1))];
        let mut mean = vec![0.0; latent];
        mean[0] = begin.iter().sum::<f64>() / begin.len() as f64;
        let (noise, own) = (Matrix::diagonal(&noise), Matrix::diagonal(&[change / 4.0]));
        let dynamics = LinearDynamics::new(transition, emission, noise, own);
        LinearDynamicalSystem::new(dynamics.with_initial(mean, Matrix::diagonal(&initial)))
    }
}

fn variance(values: &[f64]) -> f64 {
    let count = f64::max(values.len() as f64, 1.0);
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count
}
