//! How any training is begun: from which settings, on what device, into which folder, and what is printed.

use std::path::{Path, PathBuf};

use super::arguments::take;
use crate::run::RUN;
use crate::{Asked, DeviceChoice, Display, Run, RunDescription, TrainError};

#[derive(Debug, clap::Args)]
pub(super) struct Running {
    /// Read settings from this file, such as the run.toml of a run; flags override it
    #[arg(long, value_name = "FILE.toml")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the new run [default: runs/TASK-1, runs/TASK-2 ..]
    #[arg(long, value_name = "RUN")]
    pub(super) out: Option<PathBuf>,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Number of devices of that kind to train on, each with some rows of a batch: the first N
    #[arg(long, value_name = "N", default_value_t = 1)]
    devices: usize,
    /// Do not train: print the size of the model, its memory and an estimate of the time
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Start from the weights of this run, and from its settings; flags override them
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    pub(super) from: Option<PathBuf>,
    /// How to show progress
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: Display,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    pub(super) json: bool,
}

impl Running {
    /// What the file asks for, or the run to start from; or else nothing but defaults.
    pub(super) fn begun_with<S: Asked>(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<S>, TrainError> {
        let mut asked: RunDescription<S> = match (&self.config, &self.from) {
            (Some(path), _) => RunDescription::read(path)?,
            (None, Some(run)) => RunDescription {
                device: DeviceChoice::Auto,
                devices: 1,
                ..Run::open_as(run)?.1
            },
            (None, None) => RunDescription::default(),
        };
        take!(self, typed, asked, device devices);
        Ok(asked)
    }

    /// The file that says which data are meant, if one does: one of settings, or that of a run to start from.
    pub(super) fn file_of_data(&self, typed: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
        let of_run = || self.from.as_ref().map(|run| run.join(RUN));
        let file = self.config.clone().or_else(of_run);
        file.filter(|_| !typed("data"))
    }

    /// The file of settings, if there is one.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The run to start from, if there is one.
    pub(super) fn from(&self) -> Option<&Path> {
        self.from.as_deref()
    }
}
