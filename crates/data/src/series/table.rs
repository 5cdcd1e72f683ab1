//! The rows of a table, and what is wrong with them.

use std::path::{Path, PathBuf};

use super::{SeriesColumns, Time};
use crate::DataError;

/// What a column of times may be called, in any case.
const TIME_NAMES: [&str; 6] = ["time", "date", "datetime", "timestamp", "month", "year"];

/// A row as it is read: where, and its time.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) time: Time,
    pub(super) value: Option<f64>,
    pub(super) covariates: Vec<Option<f64>>,
    pub(super) categories: Vec<String>,
}

/// Where in each row to find what.
pub(super) struct Table {
    path: PathBuf,
    head: Vec<String>,
    time: usize,
    values: Values,
    covariates: Vec<usize>,
    categories: Vec<usize>,
}

/// Where the values are.
enum Values {
    /// In one column; another may say of which series.
    Long { value: usize, series: Option<usize> },
    /// Each series in a column of its own.
    Wide(Vec<usize>),
}

impl Table {
    pub(super) fn new(
        path: &Path,
        head: &csv::StringRecord,
        asked: &SeriesColumns,
    ) -> Result<Self, DataError> {
        let head: Vec<String> = head.iter().map(str::to_string).collect();
        let missing = |column: String| DataError::NoColumn {
            path: path.to_path_buf(),
            column,
            found: head
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let find = |name: &String| {
            let place = head.iter().position(|known| known == name);
            place.ok_or_else(|| missing(format!("`{name}`")))
        };
        let series = asked.series.as_ref().map(find).transpose()?;
        let covariates = asked
            .covariates
            .iter()
            .map(find)
            .collect::<Result<Vec<_>, _>>()?;
        let categories = asked
            .categories
            .iter()
            .map(find)
            .collect::<Result<Vec<_>, _>>()?;
        let named = asked.value.as_ref().map(find).transpose()?;
        let is_taken = |place: &usize| {
            Some(*place) == series
                || Some(*place) == named
                || covariates.contains(place)
                || categories.contains(place)
        };
        let time = match &asked.time {
            Some(name) => find(name)?,
            None => {
                let free = || (0..head.len()).filter(|place| !is_taken(place));
                let called =
                    |name: &&str| free().find(|place| head[*place].eq_ignore_ascii_case(name));
                let found = TIME_NAMES.iter().find_map(called);
                found
                    .or_else(|| free().next())
                    .ok_or_else(|| missing("of times".to_string()))?
            }
        };
        let is_value = |place: &usize| *place != time && !is_taken(place);
        let mut free = (0..head.len()).filter(is_value);
        let values = match asked.wide {
            true => Values::Wide(free.collect()),
            false => Values::Long {
                value: named.or_else(|| free.next()).unwrap_or(head.len()),
                series,
            },
        };
        match &values {
            Values::Wide(columns) if !columns.is_empty() => {}
            Values::Long { value, .. } if *value < head.len() => {}
            _ => return Err(missing("of values".to_string())),
        }
        let table = Self {
            path: path.to_path_buf(),
            time,
            values,
            covariates,
            categories,
            head,
        };
        table.check_names()?;
        Ok(table)
    }

    /// Refuses two series of one name in wide form.
    fn check_names(&self) -> Result<(), DataError> {
        let Values::Wide(columns) = &self.values else {
            return Ok(());
        };
        let twice = columns.iter().enumerate().find(|(place, column)| {
            let before = columns[..*place].iter();
            before
                .into_iter()
                .any(|other| self.head[*other] == self.head[**column])
        });
        match twice {
            None => Ok(()),
            Some((_, &column)) => {
                let expected = "a name of its own for the series in each column";
                Err(self.wrong(1, column, expected, "it twice"))
            }
        }
    }

    /// The column that the values of a series are in.
    pub(super) fn column(&self, series: Option<&str>) -> String {
        match &self.values {
            Values::Long { value, .. } => self.head[*value].clone(),
            Values::Wide(_) => series.unwrap_or_default().to_string(),
        }
    }

    /// What a line says of each series that it has a value of.
    pub(super) fn rows(
        &self,
        line: u64,
        record: &csv::StringRecord,
    ) -> Result<Vec<(Option<String>, Row)>, DataError> {
        if record.len() != self.head.len() {
            return Err(DataError::Ragged {
                path: self.path.clone(),
                line,
                expected: self.head.len(),
                found: record.len(),
            });
        }
        let number = |column: usize| {
            let found = &record[column];
            number(found).ok_or_else(|| self.wrong(line, column, "a number or nothing", found))
        };
        let time = Time::parse(&record[self.time]).ok_or_else(|| {
            let expected = "a year, YYYYMMDD, YYYY-MM-DD, YYYY-MM or YYYY-MM-DD HH:MM";
            self.wrong(line, self.time, expected, &record[self.time])
        })?;
        let covariates = self.covariates.iter().map(|column| number(*column));
        let covariates = covariates.collect::<Result<Vec<_>, _>>()?;
        let categories = self.categories.iter();
        let categories: Vec<String> = categories.map(|c| record[*c].to_string()).collect();
        let row = |column: usize| {
            Ok(Row {
                line,
                time,
                value: number(column)?,
                covariates: covariates.clone(),
                categories: categories.clone(),
            })
        };
        match &self.values {
            Values::Long { value, series } => {
                let name = series.map(|column| record[column].to_string());
                Ok(vec![(name, row(*value)?)])
            }
            Values::Wide(columns) => {
                let rows = columns
                    .iter()
                    .map(|&column| Ok((Some(self.head[column].clone()), row(column)?)));
                rows.collect()
            }
        }
    }

    pub(super) fn check_order(&self, rows: &[Row], row: &Row) -> Result<(), DataError> {
        let Some(before) = rows.last() else {
            return Ok(());
        };
        let wrong = |expected: String| self.wrong(row.line, self.time, expected, row.time);
        if !row.time.is_of_kind_of(before.time) {
            return Err(wrong(format!("a time written as {} is", before.time)));
        }
        if row.time <= before.time {
            let (time, line) = (before.time, before.line);
            return Err(wrong(format!(
                "a time after {time}, which is in line {line}"
            )));
        }
        let changed = (row.categories.iter())
            .zip(&before.categories)
            .zip(&self.categories)
            .find(|((now, before), _)| now != before);
        match changed {
            Some(((now, was), &column)) => {
                let expected = format!(
                    "`{was}`, as in line {}, since a category is the same all through a series",
                    before.line
                );
                Err(self.wrong(row.line, column, expected, now))
            }
            None => Ok(()),
        }
    }

    /// A row that begins in this line and has a quote without an end, so that all that follows is within it.
    pub(super) fn unclosed(&self, line: u64) -> DataError {
        DataError::Unclosed {
            path: self.path.clone(),
            line,
        }
    }

    fn wrong(
        &self,
        line: u64,
        column: usize,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> DataError {
        DataError::Cell {
            path: self.path.clone(),
            line,
            column: self.head[column].clone(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

/// What a cell says: nothing if it is no finite number, `Some(None)` if it is missing.
fn number(cell: &str) -> Option<Option<f64>> {
    if ["", "na", "nan"]
        .iter()
        .any(|missing| cell.eq_ignore_ascii_case(missing))
    {
        return Some(None);
    }
    cell.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .map(Some)
}
