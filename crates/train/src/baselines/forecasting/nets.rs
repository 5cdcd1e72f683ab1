//! Networks, which learn windows of all series.

use backdraft_cells::{Layer, SequenceConfig};
use backdraft_models::{Forecaster, Scale, Series};
use burn::tensor::Device;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fans::{DRAWN, Row};
use super::scoring::{Ahead, Scoring, shown};
use crate::baselines::descent::descend;
use crate::baselines::{BaselineRow, BaselineSettings, Remembers, step_microseconds};
use crate::tasks::forecast::figures::Means;
use crate::tasks::forecast::known::Known;
use crate::{ForecastOptions, SeriesBatch, SeriesExample, TrainError};

/// Steps that are timed.
const TIMED: usize = 100;

/// Nets, which learn windows of all series.
pub(super) struct Nets<'a> {
    pub(super) settings: &'a BaselineSettings,
    pub(super) options: &'a ForecastOptions,
    pub(super) known: &'a Known,
    pub(super) learned: Vec<SeriesExample>,
    pub(super) held_out: &'a [SeriesExample],
    pub(super) scoring: Scoring,
    pub(super) device: &'a Device,
}

impl Nets<'_> {
    pub(super) fn row<K: SequenceConfig<Built: Layer>>(
        &self,
        model: String,
        remembers: Remembers,
        layer: K,
    ) -> Result<Row, TrainError> {
        let (settings, device) = (self.settings, self.device);
        let config = self.known.forecaster(layer, self.options);
        let init = |host: &Device| config.init(host);
        let mut random = StdRng::seed_from_u64(settings.seed);
        let trained = descend(init, settings, device, |_, _| {
            let rows = settings.batch.min(self.learned.len());
            let drawn: Vec<&SeriesExample> = (0..rows)
                .map(|_| &self.learned[random.random_range(0..self.learned.len())])
                .collect();
            let batch = SeriesBatch {
                before: Vec::new(),
                series: drawn.iter().map(|one| self.known.read(one)).collect(),
                scales: drawn.iter().map(|one| one.scale).collect(),
            };
            (batch, true)
        })?;
        let (mut means, mut drawn) = (Means::default(), Vec::new());
        for example in self.held_out {
            let foresee = |ahead: Ahead<'_>| match ahead {
                Ahead::OneStep => {
                    let state = trained.net.initial_state(vec![example.scale]);
                    let series = [self.known.read(example)];
                    let told = trained.net.one_step(&series, Some(state))?;
                    Ok(told.predictives[0][example.known..].to_vec())
                }
                Ahead::From(origins, asked) => {
                    let (net, known) = (&trained.net, self.known);
                    Ok(asked.foreseen(net, known, example, origins, settings.seed)?)
                }
            };
            let found = self.scoring.of(example, &foresee)?;
            means.add(found.observed, found.figures);
            drawn.extend((drawn.len() < DRAWN).then_some(found.told));
        }
        let row = BaselineRow {
            model,
            remembers,
            parameters: trained.parameters,
            figures: shown(means),
            fit_seconds: trained.fit_seconds,
            step_microseconds: self.step(&trained.net)?,
        };
        Ok((row, drawn))
    }

    /// One value after the other.
    fn step<L: Layer>(&self, net: &Forecaster<L>) -> Result<f64, TrainError> {
        let example = &self.held_out[0];
        let scales: Vec<Scale> = vec![example.scale];
        let mut state = Some(net.initial_state(scales));
        let series = self.known.read(example);
        step_microseconds(TIMED.min(series.values.len()), |step| {
            let value: [Series; 1] = [series.window(step..step + 1)];
            state = Some(net.one_step(&value, state.take())?.state);
            Ok(())
        })
    }
}
