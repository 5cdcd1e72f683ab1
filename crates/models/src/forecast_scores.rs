//! How good forecasts were, and what they are to be better than.
//!
//! ```text
//! naive            f_{T+h} = z_T
//! seasonal naive   f_{T+h} = z_{T+h-m}, again and again          m: steps of a season
//!
//! MASE    mean |z - f| / mean_{t=m+1..T} |z_t - z_{t-m}|
//! sMAPE   mean 200 |z - f| / (|z| + |f|)                          per cent; 0 where both are 0
//! RMSE    sqrt(mean (z - f)^2)
//! wQL     mean_q 2 sum_t max(q (z - v), (q - 1) (z - v)) / sum_t |z|     of quantiles v at q = 0.1 .. 0.9
//! CRPS    integral (F(x) - 1(z <= x))^2 dx                        of a distribution F
//! ```
//!
//! MASE: Hyndman and Koehler 2006, "Another look at measures of forecast accuracy". CRPS: Gneiting and
//! Raftery 2007, "Strictly proper scoring rules, prediction, and estimation"; it is in the units of the
//! data, and of a point it is the absolute error. wQL, the weighted quantile loss, is GluonTS's
//! `mean_weighted_sum_quantile_loss`. What was not observed is left out.

use backdraft_cells::Error;

use crate::Predictive;
use crate::distribution::many_counts::ManyCounts;
use crate::distribution::{counts, normal, student_t};

/// The last value that was observed, for each of `horizon` steps; nothing if there is none.
pub fn naive_forecast(history: &[Option<f64>], horizon: usize) -> Option<Vec<f64>> {
    seasonal_naive_forecast(history, 1, horizon)
}

/// What was last observed a whole number of seasons of `season` steps before each of `horizon` steps;
/// nothing if there is a place in the season at which none was, or if `season` is 0.
pub fn seasonal_naive_forecast(
    history: &[Option<f64>],
    season: usize,
    horizon: usize,
) -> Option<Vec<f64>> {
    let step = |step: usize| {
        let mut before = history.len() + step.checked_rem(season)?;
        loop {
            before = before.checked_sub(season)?;
            if let Some(value) = history.get(before)? {
                return Some(*value);
            }
        }
    };
    (0..horizon).map(step).collect()
}

/// The mean absolute scaled error: below 1 is better than the seasonal naive forecast of one season
/// ahead was within `history`. `season` is 1 where there is none.
///
/// # Errors
///
/// When there are not as many forecasts as values, nothing is observed, or no error is made within
/// the history, as in one that is constant or not longer than a season.
pub fn mase(
    history: &[Option<f64>],
    season: usize,
    values: &[Option<f64>],
    forecasts: &[f64],
) -> Result<f64, Error> {
    Error::unless_positive("MASE", "steps of a season", season)?;
    let error = mean("MASE", values, forecasts, |z, f| (z - f).abs())?;
    let Some(naive) = naive_error(history, season) else {
        let expected = "above 0, so that errors can be told in units of it";
        let what = "error of the naive forecast";
        return Err(Error::new("MASE", what, expected, 0));
    };
    Ok(error / naive)
}

/// The mean absolute error of the seasonal naive forecast of one season ahead within `history`, the unit of
/// [`mase`]; nothing if it makes no error, as in a history that is constant or not longer than a season.
pub fn naive_error(history: &[Option<f64>], season: usize) -> Option<f64> {
    let pairs = history.iter().zip(history.iter().skip(season));
    let naive = pairs.filter_map(|(before, now)| Some(((*now)? - (*before)?).abs()));
    let (sum, count) = naive.fold((0.0, 0.0), |(sum, n), error| (sum + error, n + 1.0));
    Some(sum / count).filter(|mean| *mean > 0.0)
}

/// The symmetric mean absolute percentage error, 0 to 200 per cent.
///
/// # Errors
///
/// When there are not as many forecasts as values, or nothing is observed.
pub fn smape(values: &[Option<f64>], forecasts: &[f64]) -> Result<f64, Error> {
    mean("sMAPE", values, forecasts, |z, f| match z.abs() + f.abs() {
        0.0 => 0.0,
        size => 200.0 * (z - f).abs() / size,
    })
}

/// The fraction of the values that lie between `lower` and `upper`, both included. For 90 % intervals of a
/// well-calibrated forecast it is 0.9.
///
/// # Errors
///
/// When there are not as many bounds as values, or nothing is observed.
pub fn coverage(values: &[Option<f64>], lower: &[f64], upper: &[f64]) -> Result<f64, Error> {
    let not_below = mean("coverage", values, lower, |z, bound| {
        f64::from(u8::from(z >= bound))
    })?;
    let above = mean("coverage", values, upper, |z, bound| {
        f64::from(u8::from(z > bound))
    })?;
    // Nothing is both below the lower bound and above the upper one.
    Ok(not_below - above)
}

/// The root of the mean squared error.
///
/// # Errors
///
/// When there are not as many forecasts as values, or nothing is observed.
pub fn rmse(values: &[Option<f64>], forecasts: &[f64]) -> Result<f64, Error> {
    Ok(mean("RMSE", values, forecasts, |z, f| (z - f).powi(2))?.sqrt())
}

/// The weighted quantile loss: that of the quantiles at 0.1, 0.2 .. 0.9, in units of the values. Nothing where all
/// that is observed is 0.
///
/// # Errors
///
/// When there are not as many distributions as values, or nothing is observed.
pub fn weighted_quantile_loss(
    values: &[Option<f64>],
    predictives: &[Predictive],
) -> Result<Option<f64>, Error> {
    let name = "weighted quantile loss";
    let nothing = vec![0.0; predictives.len()];
    let size = mean(name, values, &nothing, |z, _| z.abs())?;
    let mut sum = 0.0;
    for level in (1..=9).map(|tenth| f64::from(tenth) / 10.0) {
        let quantiles: Vec<f64> = predictives.iter().map(|p| p.quantile(level)).collect();
        sum += mean(name, values, &quantiles, |z, v| {
            2.0 * f64::max(level * (z - v), (level - 1.0) * (z - v))
        })?;
    }
    Ok((size > 0.0).then(|| sum / 9.0 / size))
}

/// The CRPS of one value: in closed form of a Gaussian and of Student's t, summed over all counts of a negative
/// binomial (of a mean above 5000 that of a gamma distribution), and of samples as [`crps_of_samples`].
///
/// Of quantiles it is twice their mean pinball loss, which nears the integral as the levels lie
/// closer, evenly, between 0 and 1.
pub fn crps(predictive: &Predictive, value: f64) -> f64 {
    match predictive {
        Predictive::Point(point) => (value - point).abs(),
        Predictive::Gaussian { mean, deviation } => {
            deviation * normal::crps((value - mean) / deviation)
        }
        Predictive::StudentT {
            mean,
            deviation,
            freedom,
        } => deviation * student_t::crps((value - mean) / deviation, *freedom),
        Predictive::NegativeBinomial { mean, dispersion } => {
            if let Some(many) = ManyCounts::of(*mean, *dispersion) {
                return many.crps(value);
            }
            // F is level from k to k + 1; the value may lie beyond the last count that matters.
            let (mut below, mut sum, mut end) = (0.0, 0.0, 0.0);
            for (k, p) in counts(*mean, *dispersion) {
                below += p;
                end = k + 1.0;
                let reached = f64::clamp(end - value, 0.0, 1.0);
                sum += (1.0 - reached) * below * below + reached * (1.0 - below).powi(2);
            }
            sum + f64::max(value - end, -value).max(0.0)
        }
        Predictive::Quantiles { levels, values } => {
            let pinball = levels.iter().zip(values).map(|(q, v)| {
                let error = value - v;
                f64::max(q * error, (q - 1.0) * error)
            });
            2.0 * pinball.sum::<f64>() / levels.len() as f64
        }
        Predictive::Samples(samples) => crps_of_sorted(samples, value),
    }
}

/// The CRPS of one value and the distribution that these samples are: `E|x - z| - E|x - x'| / 2`.
///
/// Not a number without samples.
pub fn crps_of_samples(samples: &[f64], value: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    crps_of_sorted(&sorted, value)
}

fn crps_of_sorted(sorted: &[f64], value: f64) -> f64 {
    let n = sorted.len() as f64;
    let error: f64 = sorted.iter().map(|x| (x - value).abs()).sum();
    // sum_ij |x_i - x_j| = 2 sum_i (2 i + 1 - n) x_i of what is sorted, i from 0.
    let ranked = sorted.iter().enumerate();
    let spread: f64 = ranked.map(|(i, x)| (2.0 * i as f64 + 1.0 - n) * x).sum();
    error / n - spread / (n * n)
}

/// The mean over what is observed.
fn mean(
    score: &str,
    values: &[Option<f64>],
    forecasts: &[f64],
    of: impl Fn(f64, f64) -> f64,
) -> Result<f64, Error> {
    if values.len() != forecasts.len() {
        let expected = format!("{}, one for each value", values.len());
        return Err(Error::new(
            score,
            "number of forecasts",
            expected,
            forecasts.len(),
        ));
    }
    let pairs = values.iter().zip(forecasts);
    let scores: Vec<f64> = pairs.filter_map(|(z, f)| Some(of((*z)?, *f))).collect();
    Error::unless_positive(score, "number of observed values", scores.len())?;
    Ok(scores.iter().sum::<f64>() / scores.len() as f64)
}
