//! What is measured of forecasts, whatever made them.

use std::collections::BTreeMap;

use backdraft_models::Predictive;

use crate::tasks::forecast::figures::{Means, Named, one_step};
use crate::{Backtesting, SeriesExample, TrainError};

/// The figures that rows have, the one that counts most first.
pub(super) const FIGURES: [&str; 4] = ["mase", "smape", "crps", "coverage_90"];

/// What is foreseen of the held-out steps of a series, by a model that learned what comes before them.
pub(super) type Foreseen = Vec<Predictive>;

/// What a model that has learned a series says of its held-out steps.
pub(super) type Foresee<'a> = dyn Fn(Ahead<'_>) -> Result<Foreseen, TrainError> + 'a;

/// How far ahead held-out steps are foreseen.
#[derive(Clone, Copy)]
pub(super) enum Ahead<'a> {
    /// Each by all before it.
    OneStep,
    /// So many at once, from one origin after the other.
    From(&'a [usize], Backtesting),
}

/// What is measured of forecasts.
#[derive(Clone, Copy)]
pub(super) struct Scoring {
    pub(super) season: usize,
    /// With a rolling origin, or one step ahead each.
    pub(super) rolling: Option<Backtesting>,
}

impl Scoring {
    /// What came of foreseeing a series.
    pub(super) fn of(
        self,
        example: &SeriesExample,
        foresee: &Foresee<'_>,
    ) -> Result<Foretold, TrainError> {
        match self.rolling {
            None => self.one_step(example, foresee(Ahead::OneStep)?),
            Some(asked) => {
                let origins = asked.origins(example)?;
                let mut told = foresee(Ahead::From(&origins, asked))?;
                let (observed, figures) = asked.figures(example, &origins, &told, self.season)?;
                told.truncate(asked.horizon);
                Ok(Foretold {
                    observed,
                    figures,
                    told,
                })
            }
        }
    }

    /// The same of what was said one step ahead each.
    pub(super) fn one_step(
        self,
        example: &SeriesExample,
        told: Foreseen,
    ) -> Result<Foretold, TrainError> {
        let observed = example.series.values[example.known..].iter().flatten();
        Ok(Foretold {
            observed: observed.count(),
            figures: one_step(example, &told, self.season)?,
            told,
        })
    }
}

/// What came of foreseeing a series.
pub(super) struct Foretold {
    /// Values that were foreseen.
    pub(super) observed: usize,
    /// How well.
    pub(super) figures: Named,
    /// What was said from the first held-out step on: of each, one step ahead; or of the horizon, all from there.
    pub(super) told: Foreseen,
}

/// The figures that are the same whatever the model, such as those of naive forecasts, are rows themselves.
pub(super) fn shown(means: Means) -> BTreeMap<&'static str, f64> {
    let figures = means.figures().into_iter();
    figures.filter(|(name, _)| FIGURES.contains(name)).collect()
}
