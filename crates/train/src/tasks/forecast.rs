//! What comes next in series: a distribution of each value, of all that came before it.
//!
//! The last steps of each series are held out. What comes before them is learned from in windows, and
//! read before they are foreseen, one step ahead each.

pub(crate) mod backtest;
pub(crate) mod figures;
mod objective;
mod options;
pub(crate) mod parts;
mod showing;

use std::path::Path;

use backdraft_cells::Error;
use backdraft_models::{Encoder, Forecaster, ForecasterConfig, Predictive, SamplePaths};
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Answer, BatchOf, ExampleTask, Examples, Parts, Rows, Scores, TaskSettings};
use crate::{Section, TrainError};
use figures::{Means, one_step};

pub use backtest::{BacktestReport, Backtesting, backtest};
pub use objective::SeriesBatch;
pub use options::{CalendarKind, ForecastOptions, OutputKind, ScalingKind};
pub use parts::SeriesExample;

/// Futures that are drawn of a series.
const SAMPLES: usize = 200;
/// What is told of each step: an interval that holds nine in ten.
const LEVELS: [f64; 2] = [0.05, 0.95];

/// What comes next in series. All that is known of them is in the settings and in the series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Forecast {
    season: usize,
    horizon: usize,
    seed: u64,
}

type Model = Forecaster<Encoder>;

impl Forecast {
    /// All that there is to know is what is asked for.
    fn asked(settings: &TaskSettings<ForecastOptions>) -> Self {
        Self {
            season: settings.options.season,
            horizon: settings.options.horizon,
            seed: settings.training.seed,
        }
    }

    /// Futures of a series, drawn from its last value on; nothing where covariates of no step to come are known.
    fn futures(
        &self,
        model: &Model,
        example: &SeriesExample,
    ) -> Result<Option<SamplePaths>, TrainError> {
        let (horizon, future) = match example.series.covariates.is_empty() {
            true => (self.horizon, Vec::new()),
            false => (example.future.len(), vec![example.future.clone()]),
        };
        if horizon == 0 {
            return Ok(None);
        }
        let series = std::slice::from_ref(&example.series);
        let mut random = StdRng::seed_from_u64(self.seed);
        let paths = model.forecast(series, &future, horizon, SAMPLES, &mut random)?;
        Ok(paths.into_iter().next())
    }
}

impl ExampleTask for Forecast {
    type Options = ForecastOptions;
    type Example = SeriesExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &ForecastOptions,
        _known: Option<&Self>,
    ) -> Result<Examples<SeriesExample>, TrainError> {
        let all = Rows::new(parts::read(path, options)?, 0);
        Examples::of(path, all.only(|example| example.known > 0))
    }

    fn learned(
        all: Vec<SeriesExample>,
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Vec<SeriesExample>, TrainError> {
        Ok(parts::windows(&all, &settings.options))
    }

    fn scored(
        all: Vec<SeriesExample>,
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Vec<SeriesExample>, TrainError> {
        parts::scored(all, &settings.options, settings.training.valid_fraction)
    }

    fn hold_out(
        all: Vec<SeriesExample>,
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Parts<SeriesExample>, TrainError> {
        let held_out = Self::scored(all, settings)?;
        Ok((parts::windows(&held_out, &settings.options), held_out))
    }

    fn of(
        _examples: &[SeriesExample],
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Self, TrainError> {
        Ok(Self::asked(settings))
    }

    fn for_training(
        self,
        _examples: &[SeriesExample],
        settings: &TaskSettings<ForecastOptions>,
    ) -> Self {
        Self::asked(settings)
    }

    fn model(
        &self,
        settings: &TaskSettings<ForecastOptions>,
        device: &Device,
    ) -> Result<Model, Error> {
        let options = &settings.options;
        let covariates = options.covariates.len() + options.calendar_width();
        let layer = settings.recurrence.encoder(2 + covariates);
        ForecasterConfig::new(layer)
            .with_output(options.output.into())
            .with_scaling(options.scaling())
            .init(device)
    }

    fn layers(model: &Model) -> Vec<&Encoder> {
        vec![&model.layer]
    }

    fn lengths(&self, example: &SeriesExample) -> [usize; 2] {
        [example.series.values.len(), example.known]
    }

    fn batch(&self, examples: &[&SeriesExample], _device: &Device) -> BatchOf<Self> {
        let part = |from: bool| {
            let part = |example: &&SeriesExample| {
                let steps = example.series.values.len();
                example.series.window(match from {
                    true => example.known..steps,
                    false => 0..example.known,
                })
            };
            examples.iter().map(part).collect::<Vec<_>>()
        };
        let batch = SeriesBatch {
            before: part(false),
            series: part(true),
            scales: examples.iter().map(|example| example.scale).collect(),
        };
        let observed = batch.series.iter().flat_map(|series| &series.values);
        let positions = observed.flatten().count();
        (batch, positions)
    }

    fn score(
        &self,
        model: &Model,
        examples: &[SeriesExample],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut means = Means::default();
        for some in examples.chunks(rows) {
            let series: Vec<_> = some.iter().map(|example| example.series.clone()).collect();
            let scales = some.iter().map(|example| example.scale).collect();
            let state = model.initial_state(scales);
            let told = model.one_step(&series, Some(state))?.predictives;
            for (example, told) in some.iter().zip(told) {
                let observed = example.series.values[example.known..].iter().flatten();
                let figures = one_step(example, &told[example.known..], self.season)?;
                means.add(observed.count(), figures);
            }
        }
        Ok(Scores {
            figures: means.figures(),
            table: None,
        })
    }

    fn shown(
        &self,
        model: &Model,
        examples: &[SeriesExample],
        _rows: usize,
    ) -> Result<Vec<Section>, TrainError> {
        self.sections(model, examples)
    }

    /// The loss: it tells of the whole distribution.
    fn cost(loss: f64, _figures: &[(&'static str, f64)]) -> f64 {
        loss
    }

    fn questions(
        &self,
        path: &Path,
        options: &ForecastOptions,
    ) -> Result<Examples<SeriesExample>, TrainError> {
        Self::read(path, options, None)
    }

    fn question(&self, _line: &str) -> Result<SeriesExample, String> {
        Err("expected a file of series: a line is none".to_string())
    }

    fn answer(
        &self,
        model: &Model,
        examples: &[&SeriesExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let rounded = |values: Vec<f64>| {
            let rounded = values.iter().map(|value| (value * 1e4).round() / 1e4);
            json!(rounded.collect::<Vec<f64>>())
        };
        let mut answers = Vec::new();
        for example in examples {
            let Some(paths) = self.futures(model, example)? else {
                return Err(TrainError::NoQuestion {
                    reason: "expected the covariates of steps to come, as rows without a value; \
                             found none"
                        .to_string(),
                });
            };
            let told = paths.predictives();
            let all = |of: &dyn Fn(&Predictive) -> f64| told.iter().map(of).collect::<Vec<f64>>();
            let [lower, upper] = LEVELS.map(|level| all(&|step| step.quantile(level)));
            let mut answer = Vec::new();
            answer.extend(example.name.as_ref().map(|name| ("series", json!(name))));
            let mean = all(&Predictive::mean);
            let times = example.times_to_come.iter().take(mean.len());
            answer.extend([
                ("times", json!(times.collect::<Vec<_>>())),
                ("mean", rounded(mean)),
                ("lower_5", rounded(lower)),
                ("upper_95", rounded(upper)),
            ]);
            answers.push(Answer(answer));
        }
        Ok(answers)
    }
}
