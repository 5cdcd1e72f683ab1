//! The weights of a run to PyTorch, and a run of weights from there.
//!
//! ```text
//! embedding   nn.Embedding(V, D)
//! recurrent   nn.RNN, nn.LSTM or nn.GRU (D, H, layers, batch_first=True)
//! output      nn.Linear(H, V)
//! ```
//!
//! `peers/language_model.py` is this module.

use std::path::Path;

use backdraft_exchange::pytorch::StateDict;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::folder::{HELD_OUT, VOCABULARY};
use super::load;
use crate::run::{NewRun, RunState};
use crate::{CellKind, Run, Settings, TrainError};

/// Refuses a cell that PyTorch does not have.
fn check_cell(settings: &Settings) -> Result<(), TrainError> {
    match settings.recurrence.cell {
        CellKind::Elman | CellKind::Lstm | CellKind::Gru => Ok(()),
        other => Err(TrainError::Unfit {
            what: "the cell",
            expected: "one that PyTorch has: elman, lstm or gru".to_string(),
            found: other.name(),
        }),
    }
}

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
/// When the run cannot be used, the name has another ending, or the file cannot be written.
pub fn export_language_model(run: &Path, file: &Path) -> Result<ExchangeReport, TrainError> {
    if file
        .extension()
        .is_none_or(|extension| extension != "safetensors")
    {
        return Err(TrainError::Unfit {
            what: "the file to write",
            expected: "a name that ends in .safetensors".to_string(),
            found: file.display().to_string(),
        });
    }
    let (run, description) = Run::open(run)?;
    let units = run.units()?;
    let settings = &description.settings;
    check_cell(settings)?;
    let model = load(&run, settings, &units, &Device::flex())?;
    let state = StateDict::of(&model, "")?;
    state.save(file)?;
    Ok(report(&run, file, &state, model.num_params()))
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
    let (like, mut description) = Run::open(like)?;
    let (units, held_out) = (like.units()?, like.held_out()?);
    description.settings.check()?;
    let settings = &description.settings;
    check_cell(settings)?;
    let all = StateDict::open(file)?;
    let model = settings.model(units.len()).init(&Device::flex())?;
    let model = all.load(model, prefix)?;
    let own = StateDict::of(&model, prefix)?;
    if let Some(made) = &mut description.made {
        made.backdraft = env!("CARGO_PKG_VERSION").to_string();
        made.from = None;
    }
    let new = NewRun::begin(out)?;
    let vocabulary = units.to_json();
    new.run().begin(
        &description,
        RunState::Imported,
        &[(VOCABULARY, &vocabulary), (HELD_OUT, &held_out)],
    )?;
    new.run().save_weights(&model)?;
    let (run, _lock) = new.complete()?;
    Ok(report(&run, file, &own, model.num_params()))
}

fn report(run: &Run, file: &Path, state: &StateDict, parameters: usize) -> ExchangeReport {
    ExchangeReport {
        run: run.path().display().to_string(),
        file: file.display().to_string(),
        tensors: state.names().count(),
        parameters,
    }
}
