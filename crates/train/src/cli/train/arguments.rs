//! What `backdraft train lm` takes: a file, flags, and which count more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::keeping::Keeping;
use super::optimising::{Optimising, refuse_idle};
use super::running::Running;
use super::shaping::Shaping;
use crate::names::field;
use crate::run::description::written_keys;
use crate::{
    Asked, Idle, Language, LanguageSettings, Origin, Pretrained, RunDescription, TrainError,
    Training, VocabularyUse,
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
    #[command(flatten)]
    pub(super) running: Running,
    /// Text file, folder of text files, or - for standard input [default: the Rust source of Burn]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    data: Option<PathBuf>,
    /// Held-out text: a file or a folder [default: the end of the text]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    valid: Option<PathBuf>,
    /// Read only those files of a folder that match a pattern, such as '*.rs' or 'src/**/*.rs'; may be repeated
    #[arg(long, value_name = "PATTERN", help_heading = "Data")]
    include: Vec<String>,
    /// With --from: what to do with symbols of the text that the run does not know
    #[arg(
        long,
        value_enum,
        default_value_t,
        requires = "from",
        help_heading = "Data"
    )]
    vocabulary: VocabularyUse,
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
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(in crate::cli) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<LanguageSettings>, TrainError> {
        let mut asked: RunDescription<LanguageSettings> = self.running.begun_with(typed)?;
        take!(self, typed, asked, data);
        let settings = &mut asked.settings;
        take!(self, typed, settings, include valid);
        take!(self, typed, settings.training, epochs steps seed);
        self.shaping.put(typed, settings);
        self.optimising.put(typed, &mut settings.training);
        self.keeping.put(typed, &mut settings.training);
        let (config, from) = (self.running.config(), self.running.from());
        refuse_without_effect(config, from, typed, &settings.training, &[])?;
        asked.settings.check()?;
        asked.check()?;
        refuse_lost(&asked)?;
        if asked.settings.valid.is_some() && typed("valid_fraction") {
            let (setting, other) = ("valid_fraction", "valid");
            return Err(TrainError::Excluded { setting, other });
        }
        Ok(asked)
    }

    /// The run whose weights the training begins with, if there is one.
    pub(super) fn pretrained(&self) -> Result<Option<Pretrained<Language>>, TrainError> {
        let open = |run| Ok(Pretrained::open(run)?.with_vocabulary(self.vocabulary));
        self.running.from().map(open).transpose()
    }
}
