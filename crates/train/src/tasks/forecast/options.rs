//! What is asked of forecasting, beside layers and training.

use backdraft_models::{Output, PointError, Scaling};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::ColumnOptions;
use crate::bounds::{counts, require, rows};
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

/// What a single number is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PointErrorKind {
    /// The squared error, whose best point is the mean
    #[default]
    Squared,
    /// Half the squared error
    HalfSquared,
    /// The absolute error, whose best point is the median
    Absolute,
}

impl From<PointErrorKind> for PointError {
    fn from(kind: PointErrorKind) -> Self {
        match kind {
            PointErrorKind::Squared => Self::Squared,
            PointErrorKind::HalfSquared => Self::HalfSquared,
            PointErrorKind::Absolute => Self::Absolute,
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

/// What is asked of forecasting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data")]
pub struct ForecastOptions {
    /// Which columns hold what.
    #[command(flatten)]
    #[serde(flatten)]
    pub columns: ColumnOptions,
    /// Distribution of each future value
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub output: OutputKind,
    /// With --output point: the error that it makes small [default: squared]
    #[arg(long, value_enum, help_heading = "Model")]
    pub point_error: Option<PointErrorKind>,
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
            columns: ColumnOptions::default(),
            output: OutputKind::default(),
            point_error: None,
            scaling: ScalingKind::default(),
            window: 64,
            valid_steps: None,
            season: 1,
            horizon: 12,
        }
    }
}

impl ForecastOptions {
    /// What is told of each value to come.
    pub(crate) fn output(&self) -> Output {
        match self.output {
            OutputKind::Gaussian => Output::Gaussian,
            OutputKind::StudentT => Output::StudentT,
            OutputKind::NegativeBinomial => Output::NegativeBinomial,
            OutputKind::Quantiles => Output::Quantiles(vec![0.05, 0.25, 0.5, 0.75, 0.95]),
            OutputKind::Point => Output::Point(self.point_error.unwrap_or_default().into()),
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
}

impl TaskOptions for ForecastOptions {
    const TASK: &'static str = "forecast";
    const KEPT: &'static [&'static str] =
        &["covariates", "past_covariates", "categories", "scaling"];
    const SHAPING: &'static [&'static str] = &["calendar", "output"];

    fn full() -> Self {
        Self {
            columns: ColumnOptions::full(),
            point_error: Some(PointErrorKind::default()),
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
        self.columns.check()?;
        if self.point_error.is_some() && self.output != OutputKind::Point {
            return Err(TrainError::Idle {
                setting: "point_error",
                with: "--output point",
            });
        }
        // Numbers have no embedding and a distribution no hidden layer: dropout is between layers alone.
        if recurrence.dropout > 0.0 && recurrence.layers == 1 {
            return Err(TrainError::Idle {
                setting: "dropout",
                with: "--layers 2 or more",
            });
        }
        let (embedding, default) = (recurrence.embedding, Self::recurrence().embedding);
        let expected = format!("{default}, as numbers are not embedded");
        require("embedding", &expected, embedding, embedding == default)?;
        let counted = self.output == OutputKind::NegativeBinomial;
        let fits = !counted || self.scaling != ScalingKind::Standard;
        let expected = "mean or off, as the output is a distribution of counts";
        require("scaling", expected, "standard", fits)
    }
}
