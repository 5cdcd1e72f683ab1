//! A forecaster as it is trained.

use std::ops::Range;

use backdraft_cells::{Error, Layer};
use backdraft_models::{Forecaster, Scale, Series};
use burn::tensor::Device;

use crate::{Batch, Loss, Objective};

/// Series, each after what is known of it before.
#[derive(Debug, Clone)]
pub struct SeriesBatch {
    /// What came before, which has no loss; nothing, of series that begin.
    pub before: Vec<Series>,
    /// What is foreseen, step by step.
    pub series: Vec<Series>,
    /// The units of each.
    pub scales: Vec<Scale>,
}

impl Batch for SeriesBatch {
    fn rows(&self) -> usize {
        self.series.len()
    }

    fn take_rows(&self, rows: Range<usize>) -> Self {
        Self {
            before: self.before[rows.clone()].to_vec(),
            series: self.series[rows.clone()].to_vec(),
            scales: self.scales[rows].to_vec(),
        }
    }

    /// Nothing: the tensors are made where the model is.
    fn to_device(self, _device: &Device) -> Self {
        self
    }
}

impl<L: Layer> Objective for Forecaster<L> {
    type Batch = SeriesBatch;
    type State = ();

    fn loss(&self, batch: SeriesBatch, _state: Option<()>) -> Result<Loss<()>, Error> {
        let mut state = self.initial_state(batch.scales);
        if batch.before.iter().any(|before| !before.values.is_empty()) {
            state = self.one_step(&batch.before, Some(state))?.state;
        }
        Ok(Loss {
            losses: Forecaster::loss(self, &batch.series, Some(state))?.losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}
