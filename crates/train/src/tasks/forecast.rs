//! What comes next in series: a distribution of each value, of all that came before it.
//!
//! The last steps of each series are held out. What comes before them is learned from in windows, and
//! read before they are foreseen, one step ahead each.

pub(crate) mod backtest;
mod columns;
pub(crate) mod figures;
pub(crate) mod known;
mod objective;
mod options;
pub(crate) mod parts;
pub(crate) mod showing;

use std::io::Read;
use std::path::Path;

use backdraft_cells::Error;
use backdraft_data::{DataError, read_text_from};
use backdraft_models::{Encoder, Forecaster, Predictive, SamplePaths, Series};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Answer, BatchOf, ExampleTask, Examples, Parts, Rows, Scores, TaskSettings};
use crate::say::say;
use crate::{Section, TrainError};
use backtest::drawn;
use figures::{Means, is_point, one_step};
use known::Known;

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

    /// Says of which series fewer steps are forecast than were asked for.
    fn tell_shortened(&self, path: &Path, examples: &[SeriesExample]) {
        let ahead = |one: &&SeriesExample| self.steps_ahead(one);
        let few = |one: &&SeriesExample| (1..self.horizon).contains(&ahead(one));
        if let Some(first) = examples.iter().find(few) {
            let name = first.name.as_ref();
            let name = name.map_or_else(String::new, |name| format!(" of series `{name}`"));
            say(format_args!(
                "note: {}: {} forecast{name}, and not {}, as the covariates of no more are known",
                path.display(),
                match ahead(&first) {
                    1 => "1 step is".to_string(),
                    steps => format!("{steps} steps are"),
                },
                self.horizon
            ));
        }
    }

    /// Says which categories of series are not known.
    fn tell_unknown(&self, path: &Path, examples: &[SeriesExample]) {
        if let Some(unknown) = self.known.unknown(examples) {
            say(format_args!("note: {}: {unknown}", path.display()));
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
        let all = Rows::new(of_known_column(path, options, known, read)?, 0);
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

    fn layers(model: &Model) -> Vec<&Encoder> {
        vec![&model.layer]
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
        let read = of_known_column(name, options, Some(self), read).and_then(|mut all| {
            let rows = all.len();
            all.retain(|example| example.known > 0);
            match all.is_empty() {
                true => Err(TrainError::NoExamples {
                    path: name.to_path_buf(),
                    skipped: rows,
                }),
                false => Ok(all),
            }
        });
        if let Ok(all) = &read {
            self.tell_shortened(name, all);
            self.tell_unknown(name, all);
        }
        Some(read)
    }

    fn question(&self, _line: &str) -> Result<SeriesExample, String> {
        Err("expected a table of series: a line is none".to_string())
    }

    fn answer(
        &self,
        model: &Model,
        examples: &[&SeriesExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let mut answers = Vec::new();
        for example in examples {
            let Some(paths) = self.futures(model, example)? else {
                return Err(nothing_ahead(example));
            };
            let told = paths.predictives();
            let all = |of: &dyn Fn(&Predictive) -> f64| {
                let short = |step| short(of(step), example.scale.scale);
                json!(told.iter().map(short).collect::<Vec<f64>>())
            };
            let mut answer = Vec::new();
            answer.extend(example.name.as_ref().map(|name| ("series", json!(name))));
            let times = example.times.iter().skip(example.series.values.len());
            let times = times.take(told.len()).map(ToString::to_string);
            answer.extend([
                ("times", json!(times.collect::<Vec<_>>())),
                ("mean", all(&Predictive::mean)),
            ]);
            // A point has no interval.
            if !told.iter().all(is_point) {
                let [low, high] = LEVELS;
                answer.extend([
                    ("lower_5", all(&|step| step.quantile(low))),
                    ("upper_95", all(&|step| step.quantile(high))),
                ]);
            }
            answers.push(Answer(answer));
        }
        Ok(answers)
    }
}

/// The series of the column that was learned from; of the one that is there, if that is called otherwise, which is said.
fn of_known_column(
    path: &Path,
    options: &ForecastOptions,
    known: Option<&Forecast>,
    read: impl Fn(&ForecastOptions) -> Result<Vec<SeriesExample>, TrainError>,
) -> Result<Vec<SeriesExample>, TrainError> {
    let Some((name, named)) = known.and_then(|known| known.known.named(options)) else {
        return read(options);
    };
    match read(&named) {
        Err(TrainError::Data(DataError::NoColumn { column, .. }))
            if column == format!("`{name}`") =>
        {
            let all = read(options)?;
            let other = all.first().map_or("", |one| &one.column);
            say(format_args!(
                "note: {}: there is no column `{name}`, which was learned from: `{other}` is read",
                path.display()
            ));
            Ok(all)
        }
        read => read,
    }
}

/// Why nothing of a series can be forecast.
fn nothing_ahead(example: &SeriesExample) -> TrainError {
    let of = match &example.name {
        Some(name) => format!("series `{name}`: "),
        None => String::new(),
    };
    let reason = match example.times.len() > example.series.values.len() {
        true => "expected the covariates of steps to come, as rows without a value; found none",
        false => {
            "expected times at regular steps, or rows without a value for the steps to come, to know what the \
             calendar and the covariates say of these; found neither"
        }
    };
    TrainError::NoQuestion {
        reason: format!("{of}{reason}"),
    }
}

/// The number that is nearest with six digits after the first of `scale`, in which the series changes.
fn short(value: f64, scale: f64) -> f64 {
    let ahead = (value.abs() / scale).log10().floor().max(0.0);
    let digits = if ahead.is_finite() { ahead as usize } else { 0 };
    format!("{value:.*e}", 6 + digits.min(10))
        .parse()
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_exactly_as_the_series_changes() {
        assert_eq!(short(371.798_512_345, 15.0), 371.798_51);
        assert_eq!(short(1e9 + 0.123_456_78, 0.3), 1e9 + 0.123_457);
        assert_eq!(short(1.234_567_89e-30, 1e-30), 1.234_568e-30);
        assert_eq!(short(0.0, 1.0), 0.0);
    }
}
