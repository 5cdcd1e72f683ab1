//! Series of a file, and the parts of them that are learned from and held out.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use backdraft_data::{Calendar, Time, TimeSeries, read_series, read_series_from};
use backdraft_models::{Scale, Series};

use super::{ForecastOptions, OutputKind};
use crate::TrainError;
use crate::bounds::require;
use crate::say::{counted, say};

/// A series, or a window of one.
#[derive(Debug, Clone)]
pub struct SeriesExample {
    /// What it is called, if there are several.
    pub name: Option<String>,
    /// The column that its values are in.
    pub column: String,
    /// Its values, and the covariates that are known beforehand, as they are in the table.
    pub series: Series,
    /// Covariates that are known of past steps alone; `None` where they are missing.
    pub past: Vec<Vec<Option<f64>>>,
    /// Steps before the first whose past covariates are held back.
    pub past_until: usize,
    /// Its category of each kind.
    pub categories: Vec<String>,
    /// Steps before the first that is foreseen.
    pub known: usize,
    /// The units of what is known.
    pub scale: Scale,
    /// The covariates of the steps to come that are known.
    pub future: Vec<Vec<f64>>,
    /// When each step is, and each to come that is asked for; nothing of a window.
    pub times: Vec<Time>,
}

impl SeriesExample {
    /// When a step is; its number, where the time axis is not regular and the step is to come.
    pub(crate) fn time(&self, step: usize) -> String {
        let time = self.times.get(step);
        time.map_or_else(|| step.to_string(), ToString::to_string)
    }

    /// These steps of it, all of which are foreseen.
    fn window(&self, steps: Range<usize>) -> Self {
        let past = match self.past.is_empty() {
            true => Vec::new(),
            false => self.past[steps.clone()].to_vec(),
        };
        Self {
            name: self.name.clone(),
            column: self.column.clone(),
            series: self.series.window(steps),
            past_until: past.len(),
            past,
            categories: self.categories.clone(),
            known: 0,
            scale: self.scale,
            future: Vec::new(),
            times: Vec::new(),
        }
    }
}

/// The series of a file, whole: steps at the end that have no value are to come.
pub(crate) fn read(
    path: &Path,
    options: &ForecastOptions,
) -> Result<Vec<SeriesExample>, TrainError> {
    examples(
        path,
        read_series(path, &options.columns.columns())?,
        options,
    )
}

/// The same of a table that comes from elsewhere; errors call it `name`.
pub(crate) fn read_from(
    reader: impl Read,
    name: &Path,
    options: &ForecastOptions,
) -> Result<Vec<SeriesExample>, TrainError> {
    let all = read_series_from(reader, name, &options.columns.columns())?;
    examples(name, all, options)
}

fn examples(
    path: &Path,
    all: Vec<TimeSeries>,
    options: &ForecastOptions,
) -> Result<Vec<SeriesExample>, TrainError> {
    let all = all.into_iter();
    all.map(|series| example(path, series, options)).collect()
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
    let columns = &options.columns;
    let mut covariates = known_ahead(path, &series, &times, known, options)?;
    let width = columns.known_ahead();
    let future = covariates.split_off(known);
    let future: Vec<Vec<f64>> = future
        .into_iter()
        .take_while(|row| row.len() == width)
        .take(options.horizon)
        .collect();
    let values: Vec<Option<f64>> = series.values[..known].to_vec();
    if options.output == OutputKind::NegativeBinomial {
        check_counts(path, &values, &times)?;
    }
    let past = match columns.past_covariates.is_empty() {
        true => Vec::new(),
        false => {
            let rows = series.covariates.iter().take(known);
            rows.map(|row| row[columns.covariates.len()..].to_vec())
                .collect()
        }
    };
    times.truncate(known + options.horizon);
    Ok(SeriesExample {
        name: series.name,
        column: series.column,
        past_until: past.len(),
        past,
        categories: series.categories,
        scale: options.scaling().of(&values),
        times,
        series: match width {
            0 => Series::new(values),
            _ => Series::new(values).with_covariates(covariates),
        },
        known,
        future,
    })
}

/// The covariates of each step that are known beforehand, and what the calendar tells of it; fewer of a step to come that
/// lacks some.
fn known_ahead(
    path: &Path,
    series: &TimeSeries,
    times: &[Time],
    known: usize,
    options: &ForecastOptions,
) -> Result<Vec<Vec<f64>>, TrainError> {
    let columns = &options.columns;
    let calendar = Calendar::features(&columns.calendar(), times)?;
    let row = |(step, calendar): (usize, Vec<f64>)| {
        let mut row = Vec::new();
        for (place, name) in columns.covariates.iter().enumerate() {
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
                        series: series.name.clone(),
                    });
                }
            }
        }
        row.extend(calendar);
        Ok(row)
    };
    calendar.into_iter().enumerate().map(row).collect()
}

/// Refuses values that are no counts.
fn check_counts(path: &Path, values: &[Option<f64>], times: &[Time]) -> Result<(), TrainError> {
    let is_count = |value: f64| value >= 0.0 && value.fract() == 0.0;
    let steps = values.iter().zip(times);
    let mut observed = steps.filter_map(|(value, time)| Some(((*value)?, time)));
    match observed.find(|(value, _)| !is_count(*value)) {
        None => Ok(()),
        Some((value, time)) => Err(TrainError::Invalid {
            setting: "output",
            expected: format!(
                "a distribution of numbers, as {} has {value} at {time}, which is no count",
                path.display()
            ),
            found: "negative-binomial".to_string(),
        }),
    }
}

/// Steps of a series that are held out.
fn held_out(series: &SeriesExample, options: &ForecastOptions, fraction: f64) -> usize {
    let steps = series.series.values.len();
    options
        .valid_steps
        .unwrap_or_else(|| ((steps as f64 * fraction).round() as usize).max(1))
}

/// Each series whole, of which the last steps are foreseen; and those that are too short for it, whole and known.
///
/// # Errors
///
/// When none is long enough.
pub(crate) fn scored(
    all: Vec<SeriesExample>,
    options: &ForecastOptions,
    fraction: f64,
) -> Result<(Vec<SeriesExample>, Vec<SeriesExample>), TrainError> {
    let longest = all.iter().map(|one| one.series.values.len()).max();
    let longest = longest.unwrap_or(0);
    let (mut scored, mut short, mut most_known) = (Vec::new(), Vec::new(), 0);
    for example in all {
        let steps = example.series.values.len();
        let known = steps.saturating_sub(held_out(&example, options, fraction));
        most_known = most_known.max(known);
        // The units are of what is known, of which there must be some; and a season before it, if there is one.
        if known < 2 || options.season >= known {
            short.push(example);
            continue;
        }
        scored.push(SeriesExample {
            scale: options.scaling().of(&example.series.values[..known]),
            known,
            ..example
        });
    }
    if !scored.is_empty() {
        return Ok((scored, short));
    }
    if let Some(asked) = options.valid_steps.filter(|_| most_known < 2) {
        let most = longest.saturating_sub(2);
        let which = match short.len() {
            1 => "a series",
            _ => "the longest series",
        };
        let expected = format!("at most {most}, as {which} has {longest}");
        require("valid_steps", &expected, asked, false)?;
    }
    if most_known < 2 {
        return Err(TrainError::Unfit {
            what: "the steps of a series",
            expected: format!(
                "at least 2 more than the {} that are held out",
                longest - most_known
            ),
            found: longest.to_string(),
        });
    }
    let expected = format!("less than the {most_known} steps of a series before those held out");
    require("season", &expected, options.season, false)?;
    Ok((scored, short))
}

/// Says which series are too short to be measured on, if some are.
pub(crate) fn tell_short(short: &[SeriesExample], what_of_them: &str) {
    let Some(first) = short.first() else {
        return;
    };
    let name = first.name.as_deref().unwrap_or("the series");
    let (count, steps) = (short.len(), counted(first.series.values.len(), "step"));
    say(format_args!(
        "note: {count} series too short to hold out steps of, such as `{name}` of {steps}: {what_of_them}"
    ));
}

/// Windows of what is known of each series, each half a window after the one before, that have a value.
pub(crate) fn windows(all: &[SeriesExample], options: &ForecastOptions) -> Vec<SeriesExample> {
    let mut windows = Vec::new();
    for example in all {
        let stride = options.window.div_ceil(2);
        let last = example.known.saturating_sub(options.window);
        let starts = (0..last).step_by(stride).chain([last]);
        for (number, start) in starts.enumerate() {
            let end = example.known.min(start + options.window);
            let mut window = example.window(start..end);
            if number % 2 == 1 {
                window.past_until /= 2;
            }
            if window.series.values.iter().any(Option::is_some) {
                windows.push(window);
            }
        }
    }
    windows
}
