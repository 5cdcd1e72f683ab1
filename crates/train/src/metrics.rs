//! What is watched during training, beside what burn-train has.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorReadError};
use burn::train::metric::state::{FormatOptions, NumericMetricState};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry,
};

/// What a window offers to be watched.
#[derive(Debug, Clone)]
pub struct WindowValues {
    /// The loss at each position, in nats.
    pub nats: Tensor<1>,
    /// The norm of the whole gradient before clipping; nothing in validation.
    pub gradient_norm: Option<Tensor<1>>,
}

type Read = fn(&WindowValues) -> Result<f64, TensorReadError>;

/// A number a window, averaged over the positions of all windows.
#[derive(Clone)]
pub struct WindowMetric {
    name: MetricName,
    unit: Option<&'static str>,
    read: Read,
    state: NumericMetricState,
}

impl WindowMetric {
    /// The cross-entropy in bits, nats / ln 2: what each symbol would cost to send.
    pub fn bits_per_character() -> Self {
        Self::new("Bits per character", Some("bits"), |values| {
            let nats = values.nats.clone().mean().try_into_scalar::<f64>()?;
            Ok(nats / std::f64::consts::LN_2)
        })
    }

    /// The norm of the whole gradient before clipping.
    pub fn gradient_norm() -> Self {
        Self::new("Gradient norm", None, |values| {
            match &values.gradient_norm {
                Some(norm) => norm.clone().try_into_scalar::<f64>(),
                None => Ok(f64::NAN),
            }
        })
    }

    fn new(name: &str, unit: Option<&'static str>, read: Read) -> Self {
        let name = Arc::new(name.to_string());
        Self {
            name,
            unit,
            read,
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
        let [positions] = values.nats.dims();
        self.state.update((self.read)(values)?, positions);
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
