//! Series of a file, and the parts of them that are learned from and held out.

use std::path::Path;

use backdraft_data::{Calendar, TimeSeries, read_series};
use backdraft_models::{Scale, Series};

use super::{ForecastOptions, OutputKind};
use crate::TrainError;
use crate::bounds::require;

/// A series, or a window of one.
#[derive(Debug, Clone)]
pub struct SeriesExample {
    /// What it is called, if there are several.
    pub name: Option<String>,
    /// Its values and covariates.
    pub series: Series,
    /// Steps before the first that is foreseen.
    pub known: usize,
    /// The units of what is known.
    pub scale: Scale,
    /// The covariates of the steps to come.
    pub future: Vec<Vec<f64>>,
    /// The times of the steps to come.
    pub times_to_come: Vec<String>,
}

/// The series of a file, whole: steps at the end that have no value are to come.
pub(crate) fn read(
    path: &Path,
    options: &ForecastOptions,
) -> Result<Vec<SeriesExample>, TrainError> {
    let all = read_series(path, &options.columns())?;
    all.into_iter()
        .map(|series| example(path, series, options))
        .collect()
}

fn example(
    path: &Path,
    series: TimeSeries,
    options: &ForecastOptions,
) -> Result<SeriesExample, TrainError> {
    let observed = series.values.iter().rposition(Option::is_some);
    let known = observed.map_or(0, |last| last + 1);
    let mut times = series.times.clone();
    let given = times.len() - known;
    if given < options.horizon {
        times.extend(
            series
                .times_to_come(options.horizon - given)
                .unwrap_or_default(),
        );
    }
    let calendar = Calendar::features(&options.calendar(), &times)?;
    let mut covariates = Vec::with_capacity(times.len());
    for (step, calendar) in calendar.into_iter().enumerate() {
        let mut row = Vec::new();
        for (place, name) in options.covariates.iter().enumerate() {
            let value = series.covariates.get(step).map(|row| row[place]);
            match value {
                Some(Some(value)) => row.push(value),
                // What is to come is needed only where it is asked for.
                None | Some(None) if step >= known => break,
                _ => {
                    return Err(TrainError::NoCovariate {
                        path: path.to_path_buf(),
                        column: name.clone(),
                        time: times[step].to_string(),
                        series: series.name,
                    });
                }
            }
        }
        row.extend(calendar);
        covariates.push(row);
    }
    let width = options.covariates.len() + options.calendar_width();
    let future = covariates.split_off(known);
    let future: Vec<Vec<f64>> = future
        .into_iter()
        .take_while(|row| row.len() == width)
        .take(options.horizon)
        .collect();
    let values: Vec<Option<f64>> = series.values[..known].to_vec();
    let is_count = |value: f64| value >= 0.0 && value.fract() == 0.0;
    if options.output == OutputKind::NegativeBinomial
        && let Some(step) = values
            .iter()
            .position(|value| value.is_some_and(|v| !is_count(v)))
    {
        let (value, time) = (values[step].unwrap_or_default(), &times[step]);
        return Err(TrainError::Invalid {
            setting: "output",
            expected: format!(
                "a distribution of numbers, as {} has {value} at {time}, which is no count",
                path.display()
            ),
            found: "negative-binomial".to_string(),
        });
    }
    let to_come = times[known..].iter().take(options.horizon);
    Ok(SeriesExample {
        name: series.name,
        scale: options.scaling().of(&values),
        times_to_come: to_come.map(ToString::to_string).collect(),
        series: match width {
            0 => Series::new(values),
            _ => Series::new(values).with_covariates(covariates),
        },
        known,
        future,
    })
}

/// Steps of a series that are held out.
fn held_out(series: &SeriesExample, options: &ForecastOptions, fraction: f64) -> usize {
    let steps = series.series.values.len();
    options
        .valid_steps
        .unwrap_or_else(|| ((steps as f64 * fraction).round() as usize).max(1))
}

/// Each series whole, of which the last steps are foreseen.
pub(crate) fn scored(
    all: Vec<SeriesExample>,
    options: &ForecastOptions,
    fraction: f64,
) -> Result<Vec<SeriesExample>, TrainError> {
    all.into_iter()
        .map(|example| {
            let (steps, held_out) = (
                example.series.values.len(),
                held_out(&example, options, fraction),
            );
            // The units are of what is known, of which there must be some.
            let fits = held_out + 2 <= steps;
            let expected = format!(
                "at most {}, as a series has {steps}",
                steps.saturating_sub(2)
            );
            if let Some(asked) = options.valid_steps {
                require("valid_steps", &expected, asked, fits)?;
            }
            if !fits {
                return Err(TrainError::Unfit {
                    what: "the steps of a series",
                    expected: format!("at least 2 more than the {held_out} that are held out"),
                    found: steps.to_string(),
                });
            }
            let known = steps - held_out;
            let expected = format!("less than the {known} steps of a series before those held out");
            require("season", &expected, options.season, options.season < known)?;
            Ok(SeriesExample {
                scale: options.scaling().of(&example.series.values[..known]),
                known,
                ..example
            })
        })
        .collect()
}

/// Windows of what is known of each series, each half a window after the one before, that have a value.
pub(crate) fn windows(all: &[SeriesExample], options: &ForecastOptions) -> Vec<SeriesExample> {
    let mut windows = Vec::new();
    for example in all {
        let stride = options.window.div_ceil(2);
        let last = example.known.saturating_sub(options.window);
        let starts = (0..last).step_by(stride).chain([last]);
        for start in starts {
            let end = example.known.min(start + options.window);
            let series = example.series.window(start..end);
            if series.values.iter().any(Option::is_some) {
                windows.push(SeriesExample {
                    series,
                    known: 0,
                    ..example.clone()
                });
            }
        }
    }
    windows
}
