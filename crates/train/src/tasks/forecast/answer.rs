//! What is told of the steps to come of a series.

use backdraft_models::Predictive;
use serde_json::json;

use super::figures::is_point;
use super::{Forecast, LEVELS, Model, SeriesExample};
use crate::{Answer, TrainError};

impl Forecast {
    /// The mean of each step to come, and the interval that is to hold nine in ten.
    pub(super) fn forecast(
        &self,
        model: &Model,
        example: &SeriesExample,
    ) -> Result<Answer, TrainError> {
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
        Ok(Answer(answer))
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
