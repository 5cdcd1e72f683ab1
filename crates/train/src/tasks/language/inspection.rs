//! What goes on inside a run's model.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;

use super::Language;
use crate::TrainError;
use crate::insight::{Insight, look_into};
use crate::road::Opened;

/// Looks into the model of a run, as it reads the held-out part of its text: on the CPU, where the
/// many small steps take the least time.
///
/// # Errors
///
/// When the run cannot be used: among others, when it has no weights yet.
pub fn inspect_language_model(path: &Path) -> Result<Insight, TrainError> {
    let Opened {
        run,
        task: Language { units, .. },
        description,
        model,
    } = Opened::open(path, &Device::flex())?;
    let (settings, held_out) = (&description.settings, run.held_out()?);
    // Weights that are kept as a direction and a length are looked at as what they make together.
    let model = model.materialize();
    let name = settings.recurrence.cell.name();
    look_into(&model, name, &units, &held_out, settings.unroll)
}
