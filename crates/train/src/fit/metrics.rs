//! What is watched during training, beside what burn-train has.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorReadError};
use burn::train::metric::state::{FormatOptions, NumericMetricState};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry,
};

use crate::Norms;

/// What is offered to be watched: of the windows since the last time.
#[derive(Debug, Clone)]
pub struct WindowValues {
    /// The mean loss: one number.
    pub loss: Tensor<1>,
    /// Positions that it is the mean of.
    pub positions: usize,
    /// The norms of the last whole gradient; nothing in validation.
    pub norms: Option<Norms>,
    /// Positions a second.
    pub rate: f64,
}

type ReadValue = Arc<dyn Fn(&WindowValues) -> Result<f64, TensorReadError> + Send + Sync>;

/// A number, averaged over the positions of all windows.
#[derive(Clone)]
pub struct WindowMetric {
    name: MetricName,
    unit: Option<&'static str>,
    read: ReadValue,
    state: NumericMetricState,
}

impl WindowMetric {
    /// The mean loss.
    pub fn loss() -> Self {
        Self::new("Loss", None, |values| {
            values.loss.clone().try_into_scalar::<f64>()
        })
    }

    /// The mean loss in another unit, in which a loss of 1 is `a_loss`.
    pub fn loss_in(name: &str, unit: &'static str, a_loss: f64) -> Self {
        Self::new(name, Some(unit), move |values| {
            Ok(values.loss.clone().try_into_scalar::<f64>()? * a_loss)
        })
    }

    /// The norm of the whole gradient before clipping.
    pub fn gradient_norm() -> Self {
        Self::new("Gradient norm", None, |values| {
            read_norm(values.norms.as_ref().map(|norms| &norms.before))
        })
    }

    /// The norm of the whole gradient after clipping.
    pub fn clipped_norm() -> Self {
        Self::new("Clipped norm", None, |values| {
            read_norm(values.norms.as_ref().map(|norms| &norms.after))
        })
    }

    /// Positions a second, under the name of what they are: `Symbols a second`.
    pub fn rate(name: &str) -> Self {
        Self::new(name, None, |values| Ok(values.rate))
    }

    fn new(
        name: &str,
        unit: Option<&'static str>,
        read: impl Fn(&WindowValues) -> Result<f64, TensorReadError> + Send + Sync + 'static,
    ) -> Self {
        let name = Arc::new(name.to_string());
        Self {
            name,
            unit,
            read: Arc::new(read),
            state: NumericMetricState::new(),
        }
    }

    fn format(&self) -> FormatOptions {
        let format = FormatOptions::new(self.name()).precision(3);
        match self.unit {
            Some(unit) => format.unit(unit),
            None => format,
        }
    }
}

fn read_norm(norm: Option<&Tensor<1>>) -> Result<f64, TensorReadError> {
    match norm {
        Some(norm) => norm.clone().try_into_scalar::<f64>(),
        None => Ok(f64::NAN),
    }
}

impl Metric for WindowMetric {
    type Input = WindowValues;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn attributes(&self) -> MetricAttributes {
        let unit = self.unit.map(str::to_string);
        NumericAttributes {
            unit,
            higher_is_better: false,
        }
        .into()
    }

    fn update(
        &mut self,
        values: &WindowValues,
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.state.update((self.read)(values)?, values.positions);
        Ok(self.state.compute_update(self.format()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.state.compute_final(self.format()))
    }

    fn clear(&mut self) {
        self.state.reset();
    }
}

impl Numeric for WindowMetric {
    fn value(&self) -> Option<NumericEntry> {
        Some(self.state.current_value())
    }

    fn running_value(&self) -> Option<NumericEntry> {
        Some(self.state.running_value())
    }

    fn final_value(&self) -> NumericEntry {
        self.state.final_value()
    }
}
