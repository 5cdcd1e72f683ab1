//! What a page shows of a forecaster: the last part of each series, with what was foreseen of it.

use backdraft_models::Predictive;

use super::{Forecast, LEVELS, Model, SeriesExample};
use crate::drawing::fan::{Fan, Foreseen};
use crate::{Picture, Section, TrainError};

/// Series that are drawn.
const SHOWN: usize = 8;
/// Steps before what is held out that are drawn, for each that is held out; and at least.
const BEFORE: usize = 2;
const LEAST: usize = 20;

impl Forecast {
    pub(super) fn sections(
        &self,
        model: &Model,
        examples: &[SeriesExample],
    ) -> Result<Vec<Section>, TrainError> {
        let drawn = examples.iter().take(SHOWN).enumerate();
        let pictures = drawn.map(|(place, example)| {
            let svg = self.fan(model, example, place)?;
            Ok(Picture::svg(format!("forecast-{}", place + 1), svg))
        });
        let left = examples.len().saturating_sub(SHOWN);
        let left = match left {
            0 => String::new(),
            left => format!(" {left} more series are not drawn."),
        };
        Ok(vec![Section {
            title: "The last part of each series".to_string(),
            about: format!(
                "Black: the values. Blue: the mean of each held-out value, one step ahead, and the interval that \
                 is to hold nine in ten. Red: the same of the steps after the last value, all from there.{left}"
            ),
            pictures: pictures.collect::<Result<_, TrainError>>()?,
        }])
    }

    fn fan(
        &self,
        model: &Model,
        example: &SeriesExample,
        place: usize,
    ) -> Result<String, TrainError> {
        let (known, steps) = (example.known, example.series.values.len());
        let series = [self.known.read(example)];
        let state = model.initial_state(vec![example.scale]);
        let told = model.one_step(&series, Some(state))?.predictives;
        let told = &told[0][known..];
        let from = known.saturating_sub((BEFORE * (steps - known)).max(LEAST));
        let name = example.name.clone();
        let name = name.unwrap_or_else(|| format!("series {}", place + 1));
        let to_come = self.futures(model, example)?;
        let fan = Fan {
            title: &name,
            from,
            values: &example.series.values[from..],
            ahead: foreseen(known, told),
            to_come: to_come.map(|paths| foreseen(steps, &paths.predictives())),
            time: &|step| example.time(step),
        };
        Ok(fan.svg())
    }
}

/// What is said of the steps from one on.
pub(crate) fn foreseen(from: usize, told: &[Predictive]) -> Foreseen {
    let of = |value: &dyn Fn(&Predictive) -> f64| told.iter().map(value).collect();
    let [low, high] = LEVELS;
    Foreseen {
        from,
        mean: of(&Predictive::mean),
        lower: of(&|step| step.quantile(low)),
        upper: of(&|step| step.quantile(high)),
    }
}
