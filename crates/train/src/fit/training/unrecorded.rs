//! burn-train's own record of each figure, which this crate does not keep.
//!
//! Its files would tell less than `metrics.jsonl`, begin anew when a training goes on, and end the program
//! where the disk is full.

use burn::train::logger::MetricLogger;
use burn::train::metric::store::{EpochSummary, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, NumericEntry};

/// Keeps nothing.
pub(crate) struct Unrecorded;

impl MetricLogger for Unrecorded {
    fn log(&mut self, _: MetricsUpdate, _: usize, _: &Split) {}

    fn read_numeric(&mut self, _: &str, _: usize, _: &Split) -> Result<Vec<NumericEntry>, String> {
        Ok(Vec::new())
    }

    fn log_metric_definition(&mut self, _: MetricDefinition) {}

    fn log_epoch_summary(&mut self, _: EpochSummary) {}
}
