//! Series from tables: a CSV file with a head, a row for each point in time.
//!
//! ```text
//! date,co2            shop,town,date,sold,price        date,a,b            one series:
//! 19580329,316.1      a,Ulm,2024-01-01,3,9.5           2024-01-01,3,0      a shop, in long form
//! 19580405,           b,Bonn,2024-01-01,0,9.5          2024-01-02,4,1      a column, in wide form
//! ```
//!
//! What is empty, `NA` or `NaN` is missing. Steps that a regular time axis leaves out are put in, with
//! nothing observed.

mod calendar;
mod step;
mod table;
mod time;

use std::collections::HashMap;
use std::path::Path;

pub use calendar::Calendar;
pub use step::Step;
use table::{Row, Table};
pub use time::Time;

use crate::DataError;
use crate::line::{is_unclosed, line_of};
use crate::text::{read_file, read_text_from};

/// Which columns of a table hold the times, the values, the names of the series and the covariates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesColumns {
    time: Option<String>,
    value: Option<String>,
    series: Option<String>,
    covariates: Vec<String>,
    categories: Vec<String>,
    wide: bool,
}

/// One series of a table, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSeries {
    /// What the column of series says, or what the column is called in wide form; `None` if there is one series.
    pub name: Option<String>,
    /// The column that its values are in.
    pub column: String,
    /// What the columns of categories say of the whole series.
    pub categories: Vec<String>,
    /// When each value was.
    pub times: Vec<Time>,
    /// The values; `None` where they are missing.
    pub values: Vec<Option<f64>>,
    /// The covariates of each step; `None` where they are missing.
    pub covariates: Vec<Vec<Option<f64>>>,
    /// The step of the time axis; `None` where it is not regular.
    pub step: Option<Step>,
    /// The number of steps that the table leaves out of a regular axis; they are put in.
    pub filled: usize,
}

impl SeriesColumns {
    /// The times in a column that is called so (time, date, datetime, timestamp, month, year), or the
    /// first; the values in the first column that is none of the others; one series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the column of the times.
    #[must_use]
    pub fn with_time(mut self, name: impl Into<String>) -> Self {
        self.time = Some(name.into());
        self
    }

    /// Sets the column of the values.
    #[must_use]
    pub fn with_value(mut self, name: impl Into<String>) -> Self {
        self.value = Some(name.into());
        self
    }

    /// Sets the column that tells which series a row is of.
    #[must_use]
    pub fn with_series(mut self, name: impl Into<String>) -> Self {
        self.series = Some(name.into());
        self
    }

    /// Sets the columns of what else is known of each step.
    #[must_use]
    pub fn with_covariates<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.covariates = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the columns that tell of which kind a series is; each says the same in all rows of a series.
    #[must_use]
    pub fn with_categories<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.categories = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the wide form: each column that is none of the others has the values of a series, and its name. A column
    /// of values or of series is then not looked for.
    #[must_use]
    pub fn in_wide_form(mut self) -> Self {
        self.wide = true;
        self
    }
}

/// Reads the series of a CSV file, in the order in which they first come.
///
/// # Errors
///
/// When the file cannot be read, is no UTF-8 or has no row; when a column is not there; when a cell is
/// no time or no number; when the times of a series are not of one kind, come twice or not in
/// their order; and when a category changes within a series.
pub fn read_series(
    path: impl AsRef<Path>,
    columns: &SeriesColumns,
) -> Result<Vec<TimeSeries>, DataError> {
    let path = path.as_ref();
    let text = read_file(path)?;
    parse(path, &text, columns)
}

/// Reads the series of a table that comes from elsewhere, such as standard input; errors call it `name`.
///
/// # Errors
///
/// As [`read_series`].
pub fn read_series_from(
    reader: impl std::io::Read,
    name: &Path,
    columns: &SeriesColumns,
) -> Result<Vec<TimeSeries>, DataError> {
    parse(name, &read_text_from(reader, name)?, columns)
}

fn parse(path: &Path, text: &str, columns: &SeriesColumns) -> Result<Vec<TimeSeries>, DataError> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let head = reader.headers().map_err(|error| unreadable(path, error))?;
    if head.is_empty() {
        return Err(empty(path, "an empty file"));
    }
    let table = Table::new(path, head, columns)?;

    let mut series: Vec<(Option<String>, Vec<Row>)> = Vec::new();
    let mut places = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(path, error))?;
        let line = record.position().map_or(0, |at| line_of(text, at));
        let is_unclosed = || record.position().is_some_and(|at| is_unclosed(text, at));
        let rows = table
            .rows(line, &record)
            .map_err(|error| match is_unclosed() {
                true => table.unclosed(line),
                false => error,
            });
        for (name, row) in rows? {
            let place = *places.entry(name.clone()).or_insert(series.len());
            match series.get_mut(place) {
                Some((_, rows)) => {
                    table.check_order(rows, &row)?;
                    rows.push(row);
                }
                None => series.push((name, vec![row])),
            }
        }
    }
    if series.is_empty() {
        return Err(empty(path, "a table without rows"));
    }
    Ok(series
        .into_iter()
        .map(|(name, rows)| {
            let column = table.column(name.as_deref());
            TimeSeries::of(name, column, rows)
        })
        .collect())
}

fn empty(path: &Path, reason: &str) -> DataError {
    DataError::Empty {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn unreadable(path: &Path, error: csv::Error) -> DataError {
    DataError::Unreadable {
        path: path.to_path_buf(),
        error: error.into(),
    }
}

impl TimeSeries {
    fn of(name: Option<String>, column: String, rows: Vec<Row>) -> Self {
        let given: Vec<Time> = rows.iter().map(|row| row.time).collect();
        let step = Step::of(&given);
        let categories = rows.first().map(|row| row.categories.clone());
        let mut series = Self {
            name,
            column,
            categories: categories.unwrap_or_default(),
            times: Vec::new(),
            values: Vec::new(),
            covariates: Vec::new(),
            step,
            filled: 0,
        };
        for row in rows {
            let due = |last: &Time| {
                step.map(|step| step.after(*last))
                    .filter(|due| *due < row.time)
            };
            while let Some(time) = series.times.last().and_then(due) {
                series.times.push(time);
                series.values.push(None);
                series.covariates.push(vec![None; row.covariates.len()]);
                series.filled += 1;
            }
            series.times.push(row.time);
            series.values.push(row.value);
            series.covariates.push(row.covariates);
        }
        series
    }

    /// The `steps` times that come after the last; nothing where the time axis is not regular.
    pub fn times_to_come(&self, steps: usize) -> Option<Vec<Time>> {
        let (step, last) = (self.step?, *self.times.last()?);
        let times = std::iter::successors(Some(last), |time| Some(step.after(*time)));
        Some(times.skip(1).take(steps).collect())
    }

    /// What the calendar tells of each time; see [`Calendar::features`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn calendar(&self, kinds: &[Calendar]) -> Result<Vec<Vec<f64>>, DataError> {
        Calendar::features(kinds, &self.times)
    }
}
