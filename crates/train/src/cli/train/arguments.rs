//! What `backdraft train lm` takes: a file, flags, and which count more.

use std::path::PathBuf;

use super::keeping::Keeping;
use super::optimising::Optimising;
use super::shaping::Shaping;
use crate::{
    DeviceChoice, Display, Origin, Run, RunDescription, TrainError, Training, VocabularyUse,
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
    /// A file that describes the run, as run.toml in a run does; what is given beside it counts more
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// A text file or a folder of them, or - for standard input; by default the Rust source of Burn
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Read of a folder only what fits a pattern, such as '*.rs' or 'src/**/*.rs'; may be given again
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// The folder to make for the run; runs/lm-1, runs/lm-2 .. by default
    #[arg(long, value_name = "RUN")]
    pub(super) out: Option<PathBuf>,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Passes over the text [default: 1, or as many as --steps needs]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Steps of the optimiser, at most
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "S", default_value_t = Training::default().seed)]
    seed: u64,
    /// Learn nothing: tell what the model is, what it needs and about how long it would take
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Begin with the weights of this run, and with its settings but for those that are given
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    from: Option<PathBuf>,
    /// With --from: what is done about symbols of the text that the run does not know
    #[arg(long, value_enum, default_value_t, requires = "from")]
    vocabulary: VocabularyUse,
    /// How the training shows itself
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: Display,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    shaping: Shaping,
    #[command(flatten)]
    optimising: Optimising,
    #[command(flatten)]
    keeping: Keeping,
}

impl Arguments {
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(super) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription, TrainError> {
        let mut asked: RunDescription = match (&self.config, &self.from) {
            (Some(path), _) => RunDescription::read(path)?,
            (None, Some(run)) => RunDescription {
                made: None,
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
        self.optimising.put(typed, &mut settings.training)?;
        self.keeping.put(typed, &mut settings.training);
        asked.settings.check()?;
        Ok(asked)
    }

    /// The run whose weights the training begins with, if there is one.
    pub(super) fn origin(&self) -> Result<Option<Origin>, TrainError> {
        let open = |run: &PathBuf| Origin::open(run, self.vocabulary);
        self.from.as_ref().map(open).transpose()
    }
}
