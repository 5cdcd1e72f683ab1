//! What `backdraft train lm` takes: a file, flags, and which count more.

use std::path::{Path, PathBuf};

use super::keeping::Keeping;
use super::optimising::Optimising;
use super::shaping::Shaping;
use crate::{DeviceChoice, Origin, RunDescription, TrainError, Training};

/// Puts what was typed in the place of what the file says; `$typed` knows flags by their fields.
macro_rules! take {
    ($from:expr, $typed:expr, $into:expr, $($field:ident)*) => {
        $(if $typed(stringify!($field)) {
            $into.$field = $from.$field.clone().into();
        })*
    };
}
pub(super) use take;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Read settings from this file, such as the run.toml of a run; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Text file, or folder of text files [default: the Rust source of Burn]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    data: Option<PathBuf>,
    /// Folder of the new run [default: runs/lm-1, runs/lm-2 ..]
    #[arg(long, value_name = "RUN")]
    pub(super) out: Option<PathBuf>,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Do not train: print the size of the model, its memory and an estimate of the time
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    shaping: Shaping,
    /// Passes over the text [default: 1, or as many as --steps needs]
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<usize>,
    /// Maximum number of optimiser steps
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<usize>,
    /// Seed of all random numbers
    #[arg(long, value_name = "S", default_value_t = Training::default().seed, help_heading = "Training")]
    seed: u64,
    #[command(flatten)]
    optimising: Optimising,
    #[command(flatten)]
    keeping: Keeping,
}

/// Refuses to take Burn's source for a text that a caller handed over, which is not there any more.
fn refuse_lost(asked: &RunDescription) -> Result<(), TrainError> {
    let origin = asked.made.as_ref().map(|made| made.origin);
    match (&asked.data, origin) {
        (None, Some(Origin::Caller)) => Err(TrainError::Invalid {
            setting: "data",
            expected: "a file or a folder, since a program handed over the text of this run"
                .to_string(),
            found: "none".to_string(),
        }),
        _ => Ok(()),
    }
}

impl Arguments {
    /// The file that says which data are meant, if one does.
    pub(super) fn file_of_data(&self, typed: &dyn Fn(&str) -> bool) -> Option<&Path> {
        self.config.as_deref().filter(|_| !typed("data"))
    }

    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(in crate::cli) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription, TrainError> {
        let mut asked: RunDescription = match &self.config {
            Some(path) => RunDescription::read(path)?,
            None => RunDescription::default(),
        };
        take!(self, typed, asked, data device);
        let settings = &mut asked.settings;
        take!(self, typed, settings.training, epochs steps seed);
        self.shaping.put(typed, settings);
        self.optimising.put(typed, &mut settings.training)?;
        self.keeping.put(typed, &mut settings.training);
        asked.settings.check()?;
        asked.check()?;
        refuse_lost(&asked)?;
        Ok(asked)
    }
}
