//! What is asked of forecasting, beside layers and training.

use backdraft_data::{Calendar, SeriesColumns};
use backdraft_models::{Output, PointError, Scaling};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bounds::{counts, different, require, rows};
use crate::{Recurrence, TaskOptions, TrainError, Training};

/// What is told of each value to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// A normal distribution
    #[default]
    Gaussian,
    /// Student's t distribution, for series with outliers
    StudentT,
    /// A distribution of counts
    NegativeBinomial,
    /// Quantiles from 5 % to 95 %
    Quantiles,
    /// A single number
    Point,
}

impl From<OutputKind> for Output {
    fn from(kind: OutputKind) -> Self {
        match kind {
            OutputKind::Gaussian => Self::Gaussian,
            OutputKind::StudentT => Self::StudentT,
            OutputKind::NegativeBinomial => Self::NegativeBinomial,
            OutputKind::Quantiles => Self::Quantiles(vec![0.05, 0.25, 0.5, 0.75, 0.95]),
            OutputKind::Point => Self::Point(PointError::Squared),
        }
    }
}

/// The units that a series is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingKind {
    /// As `standard`; as `mean` where the output is a distribution of counts
    #[default]
    Auto,
    /// Divide by the mean absolute value
    Mean,
    /// Subtract the mean and divide by the standard deviation
    Standard,
    /// None
    Off,
}

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

/// What is asked of forecasting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct ForecastOptions {
    /// Column of the times [default: the one called `time`, or the first]
    #[arg(long, value_name = "NAME")]
    pub time_column: Option<String>,
    /// Column of the values [default: the first other]
    #[arg(long, value_name = "NAME")]
    pub value_column: Option<String>,
    /// Column of the name of the series [default: there is one series]
    #[arg(long, value_name = "NAME")]
    pub series_column: Option<String>,
    /// Columns of covariates, which must be known for future steps too
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    pub covariates: Vec<String>,
    /// Calendar features of each step
    #[arg(long, value_enum, value_delimiter = ',')]
    pub calendar: Vec<CalendarKind>,
    /// Distribution of each future value
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub output: OutputKind,
    /// Scaling of each series
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub scaling: ScalingKind,
    /// Steps in a training window
    #[arg(
        long,
        value_name = "T",
        default_value_t = 64,
        help_heading = "Training"
    )]
    pub window: usize,
    /// Hold out the last T steps of each series [default: --valid-fraction of them]
    #[arg(long, value_name = "T")]
    pub valid_steps: Option<usize>,
    /// Steps in a season, for the naive forecast to compare with; 1 for none
    #[arg(long, value_name = "T", default_value_t = 1)]
    pub season: usize,
    /// Future steps that `predict` forecasts
    #[arg(long, value_name = "T", default_value_t = 12)]
    pub horizon: usize,
}

impl Default for ForecastOptions {
    fn default() -> Self {
        Self {
            time_column: None,
            value_column: None,
            series_column: None,
            covariates: Vec::new(),
            calendar: Vec::new(),
            output: OutputKind::default(),
            scaling: ScalingKind::default(),
            window: 64,
            valid_steps: None,
            season: 1,
            horizon: 12,
        }
    }
}

impl ForecastOptions {
    pub(super) fn columns(&self) -> SeriesColumns {
        let columns = SeriesColumns::new().with_covariates(self.covariates.clone());
        let columns = match &self.time_column {
            Some(name) => columns.with_time(name),
            None => columns,
        };
        let columns = match &self.value_column {
            Some(name) => columns.with_value(name),
            None => columns,
        };
        match &self.series_column {
            Some(name) => columns.with_series(name),
            None => columns,
        }
    }

    /// The units that each series is read in.
    pub(crate) fn scaling(&self) -> Scaling {
        let are_counts = self.output == OutputKind::NegativeBinomial;
        match self.scaling {
            ScalingKind::Auto if are_counts => Scaling::MeanAbsolute,
            ScalingKind::Auto | ScalingKind::Standard => Scaling::Standard,
            ScalingKind::Mean => Scaling::MeanAbsolute,
            ScalingKind::Off => Scaling::None,
        }
    }

    pub(super) fn calendar(&self) -> Vec<Calendar> {
        self.calendar.iter().map(|kind| (*kind).into()).collect()
    }

    /// Features that the calendar tells of a step.
    pub(crate) fn calendar_width(&self) -> usize {
        self.calendar().iter().map(|kind| kind.width()).sum()
    }
}

impl TaskOptions for ForecastOptions {
    const TASK: &'static str = "forecast";
    const SHAPING: &'static [&'static str] = &["covariates", "calendar", "output"];

    fn full() -> Self {
        Self {
            time_column: Some(String::new()),
            value_column: Some(String::new()),
            series_column: Some(String::new()),
            valid_steps: Some(1),
            ..Self::default()
        }
    }

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 32,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            batch: 8,
            epochs: Some(200),
            lr: 5e-3,
            valid_fraction: 0.15,
            ..Training::default()
        }
    }

    fn check(&self, recurrence: &Recurrence) -> Result<(), TrainError> {
        counts([
            ("window", self.window),
            ("valid_steps", self.valid_steps.unwrap_or(1)),
            ("season", self.season),
        ])?;
        rows([("horizon", self.horizon)])?;
        different("covariates", &self.covariates, String::clone)?;
        let is_value = |name: &String| Some(name) == self.value_column.as_ref();
        let expected = "other columns than that of the values";
        let found = self.covariates.join(",");
        require(
            "covariates",
            expected,
            found,
            !self.covariates.iter().any(is_value),
        )?;
        let (embedding, default) = (recurrence.embedding, Self::recurrence().embedding);
        let expected = format!("{default}, as numbers are not embedded");
        require("embedding", &expected, embedding, embedding == default)?;
        let counted = self.output == OutputKind::NegativeBinomial;
        let fits = !counted || self.scaling != ScalingKind::Standard;
        let expected = "mean or off, as the output is a distribution of counts";
        require("scaling", expected, "standard", fits)
    }
}
