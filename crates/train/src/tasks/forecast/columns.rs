//! Which columns of a table of series hold what, as it is asked for.

use backdraft_data::{Calendar, SeriesColumns};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::bounds::{different, exclude, require};
use crate::names;

/// What the calendar tells of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarKind {
    /// Position in the year
    Year,
    /// Month
    Month,
    /// Day of the week
    Weekday,
}

impl From<CalendarKind> for Calendar {
    fn from(kind: CalendarKind) -> Self {
        match kind {
            CalendarKind::Year => Self::Year,
            CalendarKind::Month => Self::Month,
            CalendarKind::Weekday => Self::Weekday,
        }
    }
}

/// Which columns of a table hold what, and what is known of each step from its time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ColumnOptions {
    /// Column of the times [default: the one called `time`, or the first]
    #[arg(long, value_name = "NAME")]
    pub time_column: Option<String>,
    /// Column of the values [default: the first other]
    #[arg(long, value_name = "NAME")]
    pub value_column: Option<String>,
    /// Column of the name of the series [default: there is one series]
    #[arg(long, value_name = "NAME")]
    pub series_column: Option<String>,
    /// Each column that is not named otherwise is a series
    #[arg(long)]
    pub wide: bool,
    /// Columns of covariates, which must be known for future steps too; only networks use them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub covariates: Vec<String>,
    /// Columns of covariates that are known of past steps alone; only networks use them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub past_covariates: Vec<String>,
    /// Columns that tell of which kind a series is, such as its country; only networks use them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub categories: Vec<String>,
    /// Calendar features of each step; only networks use them
    #[arg(long, value_enum, value_delimiter = ',')]
    pub calendar: Vec<CalendarKind>,
}

impl ColumnOptions {
    /// With a name for each column that has none by default.
    pub(super) fn full() -> Self {
        Self {
            time_column: Some(String::new()),
            value_column: Some(String::new()),
            series_column: Some(String::new()),
            ..Self::default()
        }
    }

    /// Where to find what in a table.
    pub(super) fn columns(&self) -> SeriesColumns {
        let covariates = self.covariates.iter().chain(&self.past_covariates);
        let mut columns = SeriesColumns::new()
            .with_covariates(covariates.cloned())
            .with_categories(self.categories.clone());
        if let Some(name) = &self.time_column {
            columns = columns.with_time(name);
        }
        if let Some(name) = &self.value_column {
            columns = columns.with_value(name);
        }
        if let Some(name) = &self.series_column {
            columns = columns.with_series(name);
        }
        match self.wide {
            true => columns.in_wide_form(),
            false => columns,
        }
    }

    /// What the calendar is to tell.
    pub(super) fn calendar(&self) -> Vec<Calendar> {
        self.calendar.iter().map(|kind| (*kind).into()).collect()
    }

    /// Covariates of each step that are known beforehand: of columns, and of the calendar.
    pub(super) fn known_ahead(&self) -> usize {
        let calendar = self.calendar().into_iter();
        self.covariates.len() + calendar.map(Calendar::width).sum::<usize>()
    }

    /// Refuses one column for two things, and what does not go with the wide form.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        if self.wide {
            let other = [
                ("value_column", self.value_column.is_some()),
                ("series_column", self.series_column.is_some()),
                ("categories", !self.categories.is_empty()),
            ];
            if let Some((name, _)) = other.into_iter().find(|(_, is_asked)| *is_asked) {
                return exclude(name, "wide");
            }
        }
        different("categories", &self.categories, String::clone)?;
        different("calendar", &self.calendar, names::typed)?;
        let value = Vec::from_iter(self.value_column.clone());
        let all = [
            ("covariates", &self.covariates),
            ("past_covariates", &self.past_covariates),
        ];
        for (setting, names) in all {
            different(setting, names, String::clone)?;
            let is_value = names.iter().any(|name| value.contains(name));
            let expected = "other columns than that of the values";
            require(setting, expected, names.join(","), !is_value)?;
        }
        let twice = |name: &&String| self.covariates.contains(name);
        let twice = self.past_covariates.iter().find(twice);
        let expected = "other columns than those of --covariates";
        let found = twice.cloned().unwrap_or_default();
        require("past_covariates", expected, found, twice.is_none())
    }
}
