//! What an autoregression says of values before they come: of each step of a series, of the steps after
//! its end, and of many ways on.

use std::f64::consts::TAU;

use backdraft_cells::Error;
use rand::{SeedableRng, rngs::StdRng};

use super::config::check_values;
use super::window::{LagWindow, Next};
use super::{Autoregression, NAME};
use crate::{Predictive, SamplePaths};

/// `N(0, 1)`.
const STANDARD: Predictive = Predictive::Gaussian {
    mean: 0.0,
    deviation: 1.0,
};

impl Autoregression {
    /// What was foreseen of each of `values`, given all before: those and `history`.
    ///
    /// Nothing is foreseen before `p` values in a row were observed, as nothing was fitted to them;
    /// from then on all steps are, whatever is missing.
    ///
    /// # Errors
    ///
    /// When a value is not finite.
    pub fn predictives(
        &self,
        history: &[Option<f64>],
        values: &[Option<f64>],
    ) -> Result<Vec<Option<Predictive>>, Error> {
        check_values(history)?;
        check_values(values)?;
        let mut window = LagWindow::new(self).after(history);
        let step = |value: &Option<f64>| {
            let next = window.next();
            window.read(*value);
            next.map(predictive)
        };
        Ok(values.iter().map(step).collect())
    }

    /// `-ln p` of each of `values`, in nats, where it is observed and was foreseen: see
    /// [`predictives`](Self::predictives).
    ///
    /// # Errors
    ///
    /// When a value is not finite.
    pub fn nats(
        &self,
        history: &[Option<f64>],
        values: &[Option<f64>],
    ) -> Result<Vec<Option<f64>>, Error> {
        let foreseen = self.predictives(history, values)?;
        let nats = |(foreseen, value): (Option<Predictive>, &Option<f64>)| {
            let (Some(Predictive::Gaussian { mean, deviation }), Some(value)) = (foreseen, value)
            else {
                return None;
            };
            let error = (value - mean) / deviation;
            Some(deviation.ln() + (TAU.ln() + error * error) / 2.0)
        };
        Ok(foreseen.into_iter().zip(values).map(nats).collect())
    }

    /// The distribution of each of the `horizon` values after `history`. Intervals are between its
    /// quantiles; they are of what comes, not of the coefficients, which are taken for true.
    ///
    /// # Errors
    ///
    /// When a value is not finite, `history` has nowhere `p` values in a row, or `horizon` is 0.
    pub fn forecast(
        &self,
        history: &[Option<f64>],
        horizon: usize,
    ) -> Result<Vec<Predictive>, Error> {
        self.end_of(history, horizon)?;
        let foreseen = self.predictives(history, &vec![None; horizon])?;
        Ok(foreseen.into_iter().flatten().collect())
    }

    /// Draws `samples` futures of `horizon` steps after `history`; the same of the same seed. What is
    /// missing within the last `p` values is drawn, too.
    ///
    /// # Errors
    ///
    /// As [`forecast`](Self::forecast), and when `samples` is 0.
    pub fn sample(
        &self,
        history: &[Option<f64>],
        horizon: usize,
        samples: usize,
        seed: u64,
    ) -> Result<SamplePaths, Error> {
        Error::unless_positive(NAME, "number of samples", samples)?;
        let (means, root) = self.end_of(history, horizon)?.moments();
        let mut random = StdRng::seed_from_u64(seed);
        let deviation = self.variance.sqrt();
        let mut path = || {
            let mut draw = || STANDARD.sample(&mut random);
            // The oldest first, as they come.
            let mut values: Vec<f64> = means.iter().rev().copied().collect();
            if let Some(root) = &root {
                let z: Vec<f64> = means.iter().map(|_| draw()).collect();
                for (value, row) in values.iter_mut().rev().zip(root.chunks(means.len())) {
                    *value += row.iter().zip(&z).map(|(l, z)| l * z).sum::<f64>();
                }
            }
            for _ in 0..horizon {
                let end = values.len();
                let told: f64 = self.terms().map(|(lag, phi)| phi * values[end - lag]).sum();
                values.push(self.intercept + told + deviation * draw());
            }
            values.split_off(means.len())
        };
        Ok(SamplePaths {
            paths: (0..samples).map(|_| path()).collect(),
        })
    }

    /// The window that a future begins with.
    fn end_of(&self, history: &[Option<f64>], horizon: usize) -> Result<LagWindow<'_>, Error> {
        Error::unless_positive(NAME, "horizon", horizon)?;
        check_values(history)?;
        let window = LagWindow::new(self).after(history);
        if window.next().is_none() {
            let expected = format!("{} observed values in a row", self.largest_lag());
            return Err(Error::new(NAME, "history", expected, "fewer"));
        }
        Ok(window)
    }
}

fn predictive(next: Next) -> Predictive {
    Predictive::Gaussian {
        mean: next.mean,
        deviation: next.variance.sqrt(),
    }
}
