//! The weights of a run to PyTorch, and a run of weights from there. What a model is called there is told by its
//! [`Twin`].

use std::path::Path;

use backdraft_exchange::pytorch::{Rename, StateDict, Twin};
use burn::tensor::Device;
use serde::Serialize;

use super::{Opened, Task, new_model};
use crate::run::{NewRun, RunState};
use crate::{Asked, CellKind, Recurrence, Run, TrainError};

/// What went out of a run or into one.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeReport {
    /// The run folder.
    pub run: String,
    /// The state dict.
    pub file: String,
    /// Tensors of it that are the model's.
    pub tensors: usize,
    /// Numbers that were learned.
    pub parameters: usize,
}

/// Writes the weights of a run as a state dict, to a `.safetensors` file.
///
/// # Errors
///
/// When the run cannot be used, PyTorch has no such layers, the name has another ending, or the file cannot be
/// written.
pub fn export_task<T: Task<Model: Twin>>(
    run: &Path,
    file: &Path,
) -> Result<ExchangeReport, TrainError> {
    check_name(file)?;
    let Opened {
        description, model, ..
    } = Opened::<T>::open(run, &Device::flex())?;
    check_cell(description.settings.recurrence())?;
    let state = StateDict::of(&model, "")?;
    state.save(file)?;
    Ok(report(run, file, &state, &model))
}

/// Makes a run at `out` of a state dict, whose tensors are renamed by `rules` and then looked for under `prefix`, and of
/// everything else that the run `like` has.
///
/// # Errors
///
/// When the run or the file cannot be used, a rule fits no name, the weights are not of this model, or the folder is in use.
pub fn import_task<T: Task<Model: Twin>>(
    file: &Path,
    prefix: &str,
    rules: &[Rename],
    like: &Path,
    out: &Path,
) -> Result<ExchangeReport, TrainError> {
    let (like, mut description) = Run::open_as::<T::Settings>(like)?;
    description.settings.check()?;
    check_cell(description.settings.recurrence())?;
    let model = new_model(&T::open(&like)?, &description.settings)?;
    let state = StateDict::open(file)?.renamed(rules)?;
    let model = state.load(model, prefix)?;
    let own = StateDict::of(&model, prefix)?;
    if let Some(made) = &mut description.made {
        made.backdraft = env!("CARGO_PKG_VERSION").to_string();
        made.from = None;
    }
    let contents = T::FILES.iter().map(|name| Ok((*name, like.text(name)?.1)));
    let contents = contents.collect::<Result<Vec<(&str, String)>, TrainError>>()?;
    let files = contents.iter().map(|(name, text)| (*name, text.as_str()));
    let files: Vec<(&str, &str)> = files.collect();
    let new = NewRun::begin(out)?;
    new.run().begin(&description, RunState::Imported, &files)?;
    new.run().save_weights(&model)?;
    let (run, _lock) = new.complete()?;
    Ok(report(run.path(), file, &own, &model))
}

/// Refuses a file whose name says that it is something else.
fn check_name(file: &Path) -> Result<(), TrainError> {
    let extension = file.extension();
    match extension.is_some_and(|extension| extension == "safetensors") {
        true => Ok(()),
        false => Err(TrainError::Unfit {
            what: "the file to write",
            expected: "a name that ends in .safetensors".to_string(),
            found: file.display().to_string(),
        }),
    }
}

/// Refuses a cell that PyTorch does not have.
fn check_cell(asked: &Recurrence) -> Result<(), TrainError> {
    match asked.cell {
        CellKind::Elman | CellKind::Lstm | CellKind::Gru => Ok(()),
        other => Err(TrainError::Unfit {
            what: "the cell",
            expected: "one that PyTorch has: elman, lstm or gru".to_string(),
            found: other.name(),
        }),
    }
}

fn report(run: &Path, file: &Path, state: &StateDict, model: &impl Twin) -> ExchangeReport {
    ExchangeReport {
        run: run.display().to_string(),
        file: file.display().to_string(),
        tensors: state.names().count(),
        parameters: model.num_params(),
    }
}
