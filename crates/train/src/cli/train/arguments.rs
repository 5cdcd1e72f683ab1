//! What `backdraft train lm` takes: a file, flags, and which count more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::keeping::Keeping;
use super::optimising::{Optimising, refuse_idle};
use super::shaping::Shaping;
use crate::run::RUN;
use crate::run::description::written_keys;
use crate::settings::names::field;
use crate::{
    DeviceChoice, Display, Idle, LanguageSettings, Origin, Pretrained, Run, RunDescription,
    TrainError, Training, VocabularyUse,
};

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
    /// Text file, folder of text files, or - for standard input [default: the Rust source of Burn]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    data: Option<PathBuf>,
    /// Read only those files of a folder that match a pattern, such as '*.rs' or 'src/**/*.rs'; may be repeated
    #[arg(long, value_name = "PATTERN", help_heading = "Data")]
    include: Vec<String>,
    /// Folder of the new run [default: runs/lm-1, runs/lm-2 ..]
    #[arg(long, value_name = "RUN")]
    pub(super) out: Option<PathBuf>,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Do not train: print the size of the model, its memory and an estimate of the time
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Start from the weights of this run, and from its settings; flags override them
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    from: Option<PathBuf>,
    /// With --from: what to do with symbols of the text that the run does not know
    #[arg(
        long,
        value_enum,
        default_value_t,
        requires = "from",
        help_heading = "Data"
    )]
    vocabulary: VocabularyUse,
    /// How to show progress
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: Display,
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

/// The file that says which data are meant, if one does: one of settings, or that of a run to start from.
pub(super) fn file_of_data(
    config: Option<&Path>,
    from: Option<&Path>,
    typed: &dyn Fn(&str) -> bool,
) -> Option<PathBuf> {
    let of_run = || from.map(|run| run.join(RUN));
    let file = config.map(Path::to_path_buf).or_else(of_run);
    file.filter(|_| !typed("data"))
}

/// Refuses what was asked for and would do nothing: by a flag, or by a key that somebody wrote into `config`. `idle`
/// are settings of the task that do nothing with its data, each with what it belongs to.
pub(super) fn refuse_without_effect(
    config: Option<&Path>,
    from: Option<&Path>,
    typed: &dyn Fn(&str) -> bool,
    training: &Training,
    idle: &[Idle],
) -> Result<(), TrainError> {
    // Weights of a run are not drawn anew.
    let drawn = ["memory.chrono.longest", "memory.forget_bias"];
    let drawn = drawn.into_iter().find(|setting| typed(&field(setting)));
    if let (Some(setting), Some(_)) = (drawn, from) {
        let other = "from";
        return Err(TrainError::Excluded { setting, other });
    }
    let written = config.map_or_else(|| Ok(BTreeSet::new()), written_keys)?;
    let asked = |key: &str| typed(&field(key)) || written.contains(key);
    refuse_idle(asked, training)?;
    match idle.iter().find(|(setting, _)| asked(setting)) {
        Some(&(setting, with)) => Err(TrainError::Idle { setting, with }),
        None => Ok(()),
    }
}

/// Refuses to take Burn's source for a text that a caller handed over, which is not there any more.
fn refuse_lost(asked: &RunDescription<LanguageSettings>) -> Result<(), TrainError> {
    let origin = asked.made.as_ref().map(|made| made.origin);
    match (&asked.data, origin) {
        (None, Some(Origin::Caller)) => Err(TrainError::Invalid {
            setting: "data",
            expected:
                "a file or a folder, since the text of this run cannot be found again automatically"
                    .to_string(),
            found: "none".to_string(),
        }),
        _ => Ok(()),
    }
}

impl Arguments {
    /// The file that says which data are meant, if one does.
    pub(super) fn file_of_data(&self, typed: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
        file_of_data(self.config.as_deref(), self.from.as_deref(), typed)
    }

    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(in crate::cli) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<LanguageSettings>, TrainError> {
        let mut asked: RunDescription<LanguageSettings> = match (&self.config, &self.from) {
            (Some(path), _) => RunDescription::read(path)?,
            (None, Some(run)) => RunDescription {
                device: DeviceChoice::Auto,
                ..Run::open(run)?.1
            },
            (None, None) => RunDescription::default(),
        };
        take!(self, typed, asked, data device);
        let settings = &mut asked.settings;
        take!(self, typed, settings, include);
        take!(self, typed, settings.training, epochs steps seed);
        self.shaping.put(typed, settings);
        self.optimising.put(typed, &mut settings.training);
        self.keeping.put(typed, &mut settings.training);
        let (config, from) = (self.config.as_deref(), self.from.as_deref());
        refuse_without_effect(config, from, typed, &settings.training, &[])?;
        asked.settings.check()?;
        asked.check()?;
        refuse_lost(&asked)?;
        Ok(asked)
    }

    /// The run whose weights the training begins with, if there is one.
    pub(super) fn pretrained(&self) -> Result<Option<Pretrained>, TrainError> {
        let open = |run: &PathBuf| Pretrained::open(run, self.vocabulary);
        self.from.as_ref().map(open).transpose()
    }
}
