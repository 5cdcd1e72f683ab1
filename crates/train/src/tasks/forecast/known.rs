//! What is known of the series that were learned from, and what the model reads of a series by it.
//!
//! ```text
//! c_t = [(v_t - m) / s,                covariates, known beforehand, in units of those learned from
//!        calendar of t,
//!        (w_{t-1} - m) / s, o_{t-1}]   past covariates: of the step before, and whether they were there; else both 0
//! ```
//!
//! Past covariates of future steps are not known. So that a model learns to do without, every second window of a
//! training has none from its middle on, where the windows around it have them.

use std::ops::Range;

use backdraft_models::{ForecasterConfig, Scale, Scaling, Series};
use serde::{Deserialize, Serialize};

use super::{ForecastOptions, SeriesExample};
use crate::say::{all_of, counted};

/// What is known of the series that were learned from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// The column of the values; nothing in wide form.
    value_column: Option<String>,
    /// What the kinds of categories are called.
    kinds: Vec<String>,
    /// The categories of each kind, in their order.
    categories: Vec<Vec<String>>,
    /// The units of each covariate; as they are where there are none.
    covariates: Vec<Scale>,
    /// The units of each past covariate.
    past: Vec<Scale>,
}

impl Known {
    /// What these examples tell.
    pub(crate) fn of(examples: &[SeriesExample], options: &ForecastOptions) -> Self {
        let columns = &options.columns;
        let categories = (0..columns.categories.len()).map(|kind| {
            let all = examples.iter().map(|one| one.categories[kind].clone());
            let mut all: Vec<String> = all.collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        let covariates = (0..columns.covariates.len()).map(|place| {
            let all = examples.iter().flat_map(|one| &one.series.covariates);
            Scaling::Standard.of(&all.map(|step| Some(step[place])).collect::<Vec<_>>())
        });
        let past = (0..columns.past_covariates.len()).map(|place| {
            let all = examples.iter().flat_map(|one| &one.past);
            Scaling::Standard.of(&all.map(|step| step[place]).collect::<Vec<_>>())
        });
        let found = examples.first().filter(|_| !columns.wide);
        Self {
            value_column: found.map(|one| one.column.clone()),
            kinds: columns.categories.clone(),
            categories: categories.collect(),
            covariates: covariates.collect(),
            past: past.collect(),
        }
    }

    /// The same options, by which the column that was learned from is read, whatever columns stand before it; nothing
    /// where they name one.
    pub(super) fn named(&self, options: &ForecastOptions) -> Option<(String, ForecastOptions)> {
        let name = self.value_column.clone()?;
        if options.columns.value_column.is_some() {
            return None;
        }
        let mut named = options.clone();
        named.columns.value_column = Some(name.clone());
        Some((name, named))
    }

    /// The model over a layer that reads [`features`](Self::features).
    pub(crate) fn forecaster<K>(&self, layer: K, options: &ForecastOptions) -> ForecasterConfig<K> {
        ForecasterConfig::new(layer)
            .with_output(options.output())
            .with_scaling(options.scaling())
            .with_categories(self.counts())
    }

    /// The number of categories of each kind.
    fn counts(&self) -> Vec<usize> {
        self.categories.iter().map(Vec::len).collect()
    }

    /// Features of each step that the layer of a model reads.
    pub(crate) fn features(&self, options: &ForecastOptions) -> usize {
        let categories = backdraft_models::CategoriesConfig::new(self.counts());
        2 + options.columns.known_ahead() + 2 * self.past.len() + categories.features()
    }

    /// What the model reads of a series.
    pub(crate) fn read(&self, example: &SeriesExample) -> Series {
        let steps = example.series.values.len();
        let covariates = self.covariates(example, &example.series.covariates, 0..steps, steps);
        let mut series = Series::new(example.series.values.clone()).with_covariates(covariates);
        series.categories = self.numbers(&example.categories);
        series
    }

    /// What the model reads beside the values of the steps from `origin` on, before which everything is known.
    pub(crate) fn ahead(
        &self,
        example: &SeriesExample,
        origin: usize,
        horizon: usize,
    ) -> Vec<Vec<f64>> {
        let own = example.series.covariates.iter();
        let known = own.chain(&example.future).skip(origin);
        let known: Vec<Vec<f64>> = known.take(horizon).cloned().collect();
        self.covariates(example, &known, origin..origin + horizon, origin)
    }

    /// `c_t` of some steps, where past covariates are known of the steps before `until`; `known` are those that are known
    /// beforehand, of the same steps. Nothing at all where there are none.
    fn covariates(
        &self,
        example: &SeriesExample,
        known: &[Vec<f64>],
        steps: Range<usize>,
        until: usize,
    ) -> Vec<Vec<f64>> {
        if known.is_empty() && self.past.is_empty() {
            return Vec::new();
        }
        let until = until.min(example.past_until);
        let past = |step: usize| {
            let before = step.checked_sub(1).filter(|before| *before < until);
            before.and_then(|before| example.past.get(before))
        };
        let row = |(place, step): (usize, usize)| {
            let known = known.get(place).map_or(&[][..], Vec::as_slice);
            let units = self.covariates.iter().copied();
            let units = units.chain(std::iter::repeat(Scale::default()));
            let known = known.iter().zip(units).map(|(value, unit)| unit.of(*value));
            let past = self.past.iter().enumerate().flat_map(|(kind, unit)| {
                match past(step).and_then(|values| values[kind]) {
                    Some(value) => [unit.of(value), 1.0],
                    None => [0.0, 0.0],
                }
            });
            known.chain(past).collect()
        };
        steps.enumerate().map(row).collect()
    }

    /// The number of each category, where that is known.
    fn numbers(&self, categories: &[String]) -> Vec<Option<usize>> {
        let kinds = categories.iter().zip(&self.categories);
        kinds
            .map(|(own, all)| all.binary_search(own).ok())
            .collect()
    }

    /// The categories of these series that are not known, in a sentence; `None` where all are.
    pub(super) fn unknown(&self, examples: &[SeriesExample]) -> Option<String> {
        let mut unknown: Vec<String> = Vec::new();
        for example in examples {
            let numbers = self.numbers(&example.categories);
            let kinds = self.kinds.iter().zip(&example.categories).zip(numbers);
            for ((kind, own), _) in kinds.filter(|(_, number)| number.is_none()) {
                unknown.push(format!("{kind} `{own}`"));
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        let more = unknown.len().saturating_sub(3);
        unknown.truncate(3);
        unknown.extend((more > 0).then(|| counted(more, "other")));
        let names = all_of(&unknown);
        (!unknown.is_empty()).then(|| {
            format!("{names} did not occur in training, and the model makes no use of that")
        })
    }
}
