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

use backdraft_cells::SequenceConfig;
use backdraft_data::Vocabulary;
use backdraft_exchange::pytorch::{StateDict, TwinCell};
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use super::cells::with_twin_cell;
use super::load;
use crate::{Run, Settings, TrainError};

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
        return Err(TrainError::Invalid {
            what: "the file to write",
            expected: "a name that ends in .safetensors".to_string(),
            found: file.display().to_string(),
        });
    }
    let (run, description) = Run::open(run)?;
    let vocabulary = run.vocabulary()?;
    let settings = &description.settings;
    let (state, parameters) = with_twin_cell!(settings, |cell| {
        state_dict(&run, settings, &vocabulary, cell)
    })?;
    state.save(file)?;
    Ok(report(&run, file, &state, parameters))
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
    let (vocabulary, held_out) = (like.vocabulary()?, like.held_out()?);
    description.settings.check()?;
    let settings = &description.settings;
    let all = StateDict::open(file)?;
    with_twin_cell!(settings, |cell| {
        let model = settings.model(vocabulary.len(), cell);
        let model = all.load(model.init(&Device::flex())?, prefix)?;
        if let Some(made) = &mut description.made {
            made.backdraft = env!("CARGO_PKG_VERSION").to_string();
        }
        let run = Run::create(out)?;
        let _lock = run.lock()?;
        run.begin(&description, &vocabulary, &held_out)?;
        run.save_weights(&model)?;
        let own = StateDict::of(&model, prefix)?;
        Ok(report(&run, file, &own, model.num_params()))
    })
}

fn state_dict<K: SequenceConfig<Built: TwinCell>>(
    run: &Run,
    settings: &Settings,
    vocabulary: &Vocabulary,
    cell: K,
) -> Result<(StateDict, usize), TrainError> {
    let model = load(run, settings, vocabulary, cell, &Device::flex())?;
    Ok((StateDict::of(&model, "")?, model.num_params()))
}

fn report(run: &Run, file: &Path, state: &StateDict, parameters: usize) -> ExchangeReport {
    ExchangeReport {
        run: run.path().display().to_string(),
        file: file.display().to_string(),
        tensors: state.names().count(),
        parameters,
    }
}
