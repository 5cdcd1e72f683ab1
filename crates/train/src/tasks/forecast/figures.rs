//! How good forecasts are: beside those that nobody has to learn.

use backdraft_cells::Error;
use backdraft_models::{
    Predictive, coverage, crps, mase, naive_error, naive_forecast, rmse, seasonal_naive_forecast,
    smape, weighted_quantile_loss,
};

use super::{LEVELS, SeriesExample};

/// An interval that holds half of the values.
const HALF: [f64; 2] = [0.25, 0.75];

/// Figures by name.
pub(crate) type Named = Vec<(&'static str, f64)>;

/// The mean of each figure over the series that have it, each weighted by its steps.
#[derive(Default)]
pub(crate) struct Means(Vec<(&'static str, f64, f64)>);

impl Means {
    pub(crate) fn add(&mut self, steps: usize, figures: Named) {
        let steps = steps as f64;
        for (name, figure) in figures {
            match self.0.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, sum, weight)) => {
                    *sum += figure * steps;
                    *weight += steps;
                }
                None => self.0.push((name, figure * steps, steps)),
            }
        }
    }

    pub(crate) fn figures(self) -> Named {
        let mean = |(name, sum, weight)| (name, sum / weight);
        self.0.into_iter().map(mean).collect()
    }
}

/// A forecast that nobody has to learn, of the values before.
type Naive<'a> = &'a dyn Fn(&[Option<f64>]) -> Option<Vec<f64>>;

/// The same values, as they were forecast without learning.
pub(super) struct Unlearned {
    /// As the last value before.
    pub(super) naive: Option<Vec<f64>>,
    /// As a season before, if there is one.
    pub(super) seasonal: Option<Vec<f64>>,
}

impl Unlearned {
    /// `horizon` steps from each origin on, one forecast after the other.
    pub(super) fn from(
        values: &[Option<f64>],
        origins: impl Iterator<Item = usize> + Clone,
        horizon: usize,
        season: usize,
    ) -> Self {
        let all = |naive: Naive<'_>| {
            let each = origins.clone().map(|origin| naive(&values[..origin]));
            Some(each.collect::<Option<Vec<_>>>()?.concat())
        };
        let seasonal = || all(&|before| seasonal_naive_forecast(before, season, horizon));
        Self {
            naive: all(&|before| naive_forecast(before, horizon)),
            seasonal: (season > 1).then(seasonal).flatten(),
        }
    }
}

/// The figures of one series: of what was said of its last steps, one step ahead each.
pub(crate) fn one_step(
    example: &SeriesExample,
    predictives: &[Predictive],
    season: usize,
) -> Result<Named, Error> {
    let (history, values) = example.series.values.split_at(example.known);
    let origins = example.known..example.series.values.len();
    let unlearned = Unlearned::from(&example.series.values, origins, 1, season);
    figures(history, values, predictives, season, unlearned)
}

/// The figures of what was said of `values`, after `history`. Those in units of the naive forecast's error are there if
/// that makes one in the history: a constant series has none.
pub(super) fn figures(
    history: &[Option<f64>],
    values: &[Option<f64>],
    predictives: &[Predictive],
    season: usize,
    unlearned: Unlearned,
) -> Result<Named, Error> {
    let all = |of: &dyn Fn(&Predictive) -> f64| predictives.iter().map(of).collect::<Vec<f64>>();
    let covered = |levels: [f64; 2]| {
        let [lower, upper] = levels.map(|level| all(&|p| p.quantile(level)));
        coverage(values, &lower, &upper)
    };
    let observed = || values.iter().zip(predictives);
    let scores = observed().filter_map(|(value, p)| Some(crps(p, (*value)?)));
    let scores: Vec<f64> = scores.collect();
    let told = all(&Predictive::mean);
    let has_unit = naive_error(history, season).is_some();
    // MASE, of forecasts.
    let scaled = |told: &[f64]| {
        let error = || mase(history, season, values, told);
        has_unit.then(error).transpose()
    };
    let own = scaled(&told)?;
    let mut figures: Named = own.map(|own| ("mase", own)).into_iter().collect();
    figures.extend([
        ("smape", smape(values, &told)?),
        ("rmse", rmse(values, &told)?),
        ("crps", scores.iter().sum::<f64>() / scores.len() as f64),
    ]);
    // A point has no interval.
    if !predictives.first().is_none_or(is_point) {
        figures.extend([
            ("coverage_50", covered(HALF)?),
            ("coverage_90", covered(LEVELS)?),
        ]);
    }
    let weighted = weighted_quantile_loss(values, predictives)?;
    figures.extend(weighted.map(|loss| ("weighted_quantile_loss", loss)));
    let naive = match unlearned.naive {
        Some(told) => scaled(&told)?,
        None => None,
    };
    if let (Some(own), Some(naive)) = (own, naive) {
        figures.push(("naive_mase", naive));
        // What never changes while it is held out, the naive forecast gets right.
        figures.extend((naive > 0.0).then_some(("of_naive", own / naive)));
    }
    if let Some(told) = unlearned.seasonal {
        figures.extend(scaled(&told)?.map(|naive| ("seasonal_naive_mase", naive)));
    }
    Ok(figures)
}

/// Whether it says nothing of how sure it is.
pub(super) fn is_point(predictive: &Predictive) -> bool {
    match predictive {
        Predictive::Point(_) => true,
        // Futures of a model that tells points are all the same.
        Predictive::Samples(samples) => samples.first() == samples.last(),
        _ => false,
    }
}
