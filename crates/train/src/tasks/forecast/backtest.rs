//! Forecasts of many steps, from one origin after the other through what is held out.
//!
//! ```text
//! o = T, T + every, T + 2 every ..          T: the first step held out;  o + horizon at most the last
//! z_o .. z_{o + horizon - 1}  ~  p(. | z_1 .. z_{o-1})      by sampled paths, each from its origin alone
//! ```
//!
//! Tashman 2000, "Out-of-sample tests of forecasting accuracy", calls this a rolling origin.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use backdraft_cells::{Error, Layer};
use backdraft_models::{Forecaster, Predictive, SamplePaths};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use super::figures::{Means, Named, Unlearned, figures};
use super::known::Known;
use super::{Forecast, SAMPLES, SeriesExample};
use crate::bounds::{counts, require};
use crate::road::Opened;
use crate::tasks::evaluation::Scored;
use crate::{PickedDevice, TrainError};

/// How a forecaster is tested with a rolling origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backtesting {
    /// Steps that are forecast from each origin.
    pub horizon: usize,
    /// Steps from one origin to the next.
    pub every: usize,
}

/// What `backdraft evaluate --horizon` prints.
#[derive(Debug, Clone, Serialize)]
pub struct BacktestReport {
    /// Steps that were forecast from each origin.
    pub horizon: usize,
    /// Forecasts that were made.
    pub forecasts: usize,
    /// What they reach, by name: of all steps of all forecasts.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
    /// Series that were forecast.
    pub examples: usize,
    /// What it was computed on.
    pub device: String,
    /// How long it took.
    pub seconds: f64,
    /// The data.
    pub data: String,
}

/// Forecasts the held-out steps of each series from one origin after the other: of a file, or without one, of the data
/// that the run was trained on.
///
/// # Errors
///
/// When the run or the data cannot be used, or fewer steps are held out than are to be forecast.
pub fn backtest(
    run: &Path,
    data: Option<&Path>,
    asked: Backtesting,
    device: &PickedDevice,
) -> Result<BacktestReport, TrainError> {
    let start = Instant::now();
    let opened = Opened::<Forecast>::open(run, &device.device)?;
    let Scored { examples, name, .. } = Scored::of(run, &opened, data)?;
    let (mut means, mut forecasts) = (Means::default(), 0);
    for example in examples.iter() {
        let origins = asked.origins(example)?;
        forecasts += origins.len();
        let (task, model) = (&opened.task, &opened.model);
        let told = asked.foreseen(model, &task.known, example, &origins, task.seed)?;
        let (observed, figures) = asked.figures(example, &origins, &told, task.season)?;
        means.add(observed, figures);
    }
    Ok(BacktestReport {
        horizon: asked.horizon,
        forecasts,
        figures: means.figures().into_iter().collect(),
        examples: examples.len(),
        device: device.name.clone(),
        seconds: start.elapsed().as_secs_f64(),
        data: name,
    })
}

impl Backtesting {
    /// The steps from which a series is forecast.
    pub(crate) fn origins(self, example: &SeriesExample) -> Result<Vec<usize>, TrainError> {
        counts([("horizon", self.horizon), ("every", self.every)])?;
        let (first, steps) = (example.known, example.series.values.len());
        let held_out = steps - first;
        let of = match &example.name {
            Some(name) => format!("series `{name}`"),
            None => "the series".to_string(),
        };
        let expected = format!("at most {held_out}, the steps of {of} that are held out");
        require("horizon", &expected, self.horizon, self.horizon <= held_out)?;
        Ok((first..=steps - self.horizon).step_by(self.every).collect())
    }

    /// What a model says of a series, from one origin after the other.
    pub(crate) fn foreseen<L: Layer>(
        self,
        model: &Forecaster<L>,
        known: &Known,
        example: &SeriesExample,
        origins: &[usize],
        seed: u64,
    ) -> Result<Vec<Predictive>, Error> {
        let from = |origin: &usize| {
            let paths = drawn(model, known, example, *origin, self.horizon, seed)?;
            Ok(paths.predictives())
        };
        let told = origins
            .iter()
            .map(from)
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(told.concat())
    }

    /// Values that were forecast of a series, and the figures of what was said of them: `predictives`, from one origin
    /// after the other.
    pub(crate) fn figures(
        self,
        example: &SeriesExample,
        origins: &[usize],
        predictives: &[Predictive],
        season: usize,
    ) -> Result<(usize, Named), Error> {
        let all = &example.series.values;
        let values = origins.iter().map(|&from| &all[from..from + self.horizon]);
        let values: Vec<Option<f64>> = values.flatten().copied().collect();
        let origins = origins.iter().copied();
        let unlearned = Unlearned::from(all, origins, self.horizon, season);
        let history = &all[..example.known];
        let figures = figures(history, &values, predictives, season, unlearned)?;
        Ok((values.iter().flatten().count(), figures))
    }
}

/// Futures of `horizon` steps after the step before `origin`, drawn of a model. They are the same, whatever else is
/// drawn.
pub(crate) fn drawn<L: Layer>(
    model: &Forecaster<L>,
    known: &Known,
    example: &SeriesExample,
    origin: usize,
    horizon: usize,
    seed: u64,
) -> Result<SamplePaths, Error> {
    let ahead = known.ahead(example, origin, horizon);
    let future = Vec::from_iter((!ahead.is_empty()).then_some(ahead));
    let mut random = StdRng::seed_from_u64(seed);
    let before = [known.read(example).window(0..origin)];
    let mut paths = model.forecast(&before, &future, horizon, SAMPLES, &mut random)?;
    Ok(paths.remove(0))
}
