//! The weights of a language model to PyTorch, and a run of weights from there. `peers/language_model.py` has the
//! module that it is there.

use std::path::Path;

use burn::tensor::Device;

use super::folder::{HELD_OUT, VOCABULARY};
use super::load;
use crate::tasks::exchange::{ExchangeReport, check_cell, check_name, exported, imported};
use crate::{Run, TrainError};

/// Writes the weights of a run as a state dict, to a `.safetensors` file.
///
/// # Errors
///
/// When the run cannot be used, PyTorch has no such layers, the name has another ending, or the file cannot be
/// written.
pub fn export_language_model(run: &Path, file: &Path) -> Result<ExchangeReport, TrainError> {
    check_name(file)?;
    let (run, description) = Run::open(run)?;
    let units = run.units()?;
    let settings = &description.settings;
    check_cell(&settings.recurrence)?;
    let model = load(&run, settings, &units, &Device::flex())?;
    exported(run.path(), &model, file)
}

/// Makes a run at `out` of a state dict and of everything else that the run `like` has.
///
/// # Errors
///
/// When the run or the file cannot be used, the weights are not of this model, or the folder is in
/// use.
pub fn import_language_model(
    file: &Path,
    prefix: &str,
    like: &Path,
    out: &Path,
) -> Result<ExchangeReport, TrainError> {
    let (like, description) = Run::open(like)?;
    let (units, held_out) = (like.units()?, like.held_out()?);
    description.settings.check()?;
    check_cell(&description.settings.recurrence)?;
    let model = description.settings.model(units.len());
    let model = model.init(&Device::flex())?;
    let vocabulary = units.to_json();
    let kept = [(VOCABULARY, vocabulary.as_str()), (HELD_OUT, &held_out)];
    imported(file, prefix, model, description, &kept, out)
}
