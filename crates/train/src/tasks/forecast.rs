//! What comes next in series: a distribution of each value, of all that came before it.
//!
//! The last steps of each series are held out. What comes before them is learned from in windows, and
//! read before they are foreseen, one step ahead each.

mod answer;
pub(crate) mod backtest;
mod columns;
pub(crate) mod figures;
pub(crate) mod known;
mod objective;
mod options;
pub(crate) mod parts;
mod reading;
pub(crate) mod showing;

use std::io::Read;
use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::read_text_from;
use backdraft_models::{Encoder, Forecaster, SamplePaths, Series};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Answer, BatchOf, ExampleTask, Examples, Parts, Rows, Scores, TaskSettings};
use crate::{Section, TrainError};
use backtest::drawn;
use figures::{Means, one_step};
use known::Known;
use reading::usable;

pub use backtest::{BacktestReport, Backtesting, backtest};
pub use columns::{CalendarKind, ColumnOptions};
pub use objective::SeriesBatch;
pub use options::{ForecastOptions, OutputKind, PointErrorKind, ScalingKind};
pub use parts::SeriesExample;

/// Futures that are drawn of a series.
const SAMPLES: usize = 200;
/// What is told of each step: an interval that holds nine in ten.
const LEVELS: [f64; 2] = [0.05, 0.95];

/// What comes next in series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Forecast {
    season: usize,
    horizon: usize,
    seed: u64,
    /// What is known of the series that were learned from.
    #[serde(flatten)]
    known: Known,
}

type Model = Forecaster<Encoder>;

impl Forecast {
    /// What is asked for, and what is known.
    fn asked(settings: &TaskSettings<ForecastOptions>, known: Known) -> Self {
        Self {
            season: settings.options.season,
            horizon: settings.options.horizon,
            seed: settings.training.seed,
            known,
        }
    }

    /// Futures of a series, drawn from its last value on; nothing where covariates of no step to come are known.
    fn futures(
        &self,
        model: &Model,
        example: &SeriesExample,
    ) -> Result<Option<SamplePaths>, TrainError> {
        let horizon = self.steps_ahead(example);
        if horizon == 0 {
            return Ok(None);
        }
        let steps = example.series.values.len();
        drawn(model, &self.known, example, steps, horizon, self.seed)
            .map(Some)
            .map_err(Into::into)
    }

    /// Steps of a series that can be forecast: as many as are asked for, if the covariates of so many are known.
    fn steps_ahead(&self, example: &SeriesExample) -> usize {
        match example.series.covariates.is_empty() {
            true => self.horizon,
            false => example.future.len(),
        }
    }
}

impl ExampleTask for Forecast {
    const BY_STEP: bool = true;

    type Options = ForecastOptions;
    type Example = SeriesExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &ForecastOptions,
        known: Option<&Self>,
    ) -> Result<Examples<SeriesExample>, TrainError> {
        let read = |options: &ForecastOptions| parts::read(path, options);
        Examples::of(path, usable(path, options, known, read)?)
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
        let fraction = settings.training.valid_fraction;
        let (scored, short) = parts::scored(all, &settings.options, fraction)?;
        parts::tell_short(&short, "not measured");
        Ok(scored)
    }

    fn hold_out(
        all: Vec<SeriesExample>,
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Parts<SeriesExample>, TrainError> {
        let fraction = settings.training.valid_fraction;
        let (held_out, short) = parts::scored(all, &settings.options, fraction)?;
        parts::tell_short(&short, "learned from in whole");
        let mut learned = parts::windows(&held_out, &settings.options);
        learned.extend(parts::windows(&short, &settings.options));
        Ok((learned, held_out))
    }

    fn of(
        examples: &[SeriesExample],
        settings: &TaskSettings<ForecastOptions>,
    ) -> Result<Self, TrainError> {
        Ok(Self::asked(
            settings,
            Known::of(examples, &settings.options),
        ))
    }

    fn for_training(
        self,
        _examples: &[SeriesExample],
        settings: &TaskSettings<ForecastOptions>,
    ) -> Self {
        Self::asked(settings, self.known)
    }

    fn model(
        &self,
        settings: &TaskSettings<ForecastOptions>,
        device: &Device,
    ) -> Result<Model, Error> {
        let options = &settings.options;
        let features = self.known.features(options);
        let layer = settings.recurrence.encoder(features);
        self.known.forecaster(layer, options).init(device)
    }

    fn layers(model: &Model) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.layer)]
    }

    fn layers_mut(model: &mut Model) -> Vec<(&'static str, &mut Encoder)> {
        vec![("recurrent", &mut model.layer)]
    }

    fn lengths(&self, example: &SeriesExample) -> [usize; 2] {
        [example.series.values.len(), example.known]
    }

    fn batch(&self, examples: &[&SeriesExample], _device: &Device) -> BatchOf<Self> {
        let parts = examples.iter().map(|example| {
            let (series, steps) = (self.known.read(example), example.series.values.len());
            let before = series.window(0..example.known);
            (before, series.window(example.known..steps))
        });
        let (before, series) = parts.unzip();
        let scales = examples.iter().map(|example| example.scale).collect();
        let batch = SeriesBatch {
            before,
            series,
            scales,
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
            let series: Vec<Series> = some.iter().map(|one| self.known.read(one)).collect();
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

    fn check_all(&self, path: &Path, examples: &[SeriesExample]) -> Result<(), TrainError> {
        self.tell_unknown(path, examples);
        Ok(())
    }

    fn questions(
        &self,
        path: &Path,
        options: &ForecastOptions,
    ) -> Result<Examples<SeriesExample>, TrainError> {
        let read = Self::read(path, options, Some(self))?;
        self.tell_shortened(path, &read.examples);
        Ok(read)
    }

    fn table(
        &self,
        input: &mut dyn Read,
        name: &Path,
        options: &ForecastOptions,
    ) -> Option<Result<Vec<SeriesExample>, TrainError>> {
        let text = match read_text_from(input, name) {
            Ok(text) => text,
            Err(error) => return Some(Err(error.into())),
        };
        let read = |options: &ForecastOptions| parts::read_from(text.as_bytes(), name, options);
        let all = usable(name, options, Some(self), read).and_then(|all| all.unless_none(name));
        Some(all.map(|Rows { examples, .. }| {
            self.tell_shortened(name, &examples);
            self.tell_unknown(name, &examples);
            examples
        }))
    }

    fn question(&self, _line: &str) -> Result<SeriesExample, String> {
        Err("expected a table of series: a line is none".to_string())
    }

    fn answer(
        &self,
        model: &Model,
        examples: &[&SeriesExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let answers = examples.iter().map(|example| self.forecast(model, example));
        answers.collect()
    }
}
