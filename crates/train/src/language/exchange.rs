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

use super::load;
use crate::any_layer::Directions;
use crate::run::{HELD_OUT, NewRun, RunState, VOCABULARY};
use crate::{AnyLayer, Run, TrainError};

/// The model as one whose cell PyTorch has, in an expression that holds for each; an error for others.
macro_rules! with_twin {
    ($settings:expr, $model:expr, |$twin:ident| $call:expr) => {
        with_twin!($settings, $model, |$twin| $call, Elman Lstm Gru)
    };
    ($settings:expr, $model:expr, |$twin:ident| $call:expr, $($kind:ident)*) => {
        match $model.recurrent.clone() {
            $(AnyLayer::$kind(Directions::Forward(stack)) => {
                let $twin = $model.clone().map_layer(|_| stack);
                $call
            })*
            _ => Err(TrainError::Unfit {
                what: "the cell",
                expected: "one that PyTorch has: elman, lstm or gru".to_string(),
                found: $settings.recurrence.cell.name(),
            }),
        }
    };
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
    let model = load(&run, settings, &units, &Device::flex())?;
    let state = with_twin!(settings, model, |twin| Ok(StateDict::of(&twin, "")?))?;
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
    let all = StateDict::open(file)?;
    let model = settings.model(units.len()).init(&Device::flex())?;
    let (model, own) = with_twin!(settings, model, |twin| {
        let twin = all.load(twin, prefix)?;
        let own = StateDict::of(&twin, prefix)?;
        Ok((twin.map_layer(AnyLayer::from), own))
    })?;
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
