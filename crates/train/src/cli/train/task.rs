//! `backdraft train` of a task that learns from examples, with flags or with a file.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use super::arguments::take;
use super::keeping::Keeping;
use super::layering::Layering;
use super::optimising::Optimising;
use super::{begin, display, in_a_folder};
use crate::cli::print::{print, print_json, table};
use crate::{
    DeviceChoice, Display, Run, RunDescription, Task, TaskOptions, TaskOrigin, TaskReport,
    TaskSettings, TrainError, Training, estimate_task, train_task, train_task_from,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments<O: clap::Args> {
    /// A file that describes the run, as run.toml in a run does; what is given beside it counts more
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// The file with the examples
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// A file with the examples that are held out; a part of the others by default
    #[arg(long, value_name = "FILE")]
    valid: Option<PathBuf>,
    /// The folder to make for the run; runs/TASK-1, runs/TASK-2 .. by default
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Passes over the examples, at most
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Steps of the optimiser, at most
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Examples that a step learns from
    #[arg(long, value_name = "B", default_value_t = Training::default().batch)]
    batch: usize,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "S", default_value_t = Training::default().seed)]
    seed: u64,
    /// Learn nothing: tell what the model is, what it needs and about how long it would take
    #[arg(long)]
    dry_run: bool,
    /// Begin with the weights of this run, and with its settings but for those that are given
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    from: Option<PathBuf>,
    /// How the training shows itself
    #[arg(long, value_enum, default_value_t)]
    progress: Display,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: O,
    #[command(flatten)]
    layering: Layering,
    #[command(flatten)]
    optimising: Optimising,
    #[command(flatten)]
    keeping: Keeping,
}

impl<O: TaskOptions + clap::Args> Arguments<O> {
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<TaskSettings<O>>, TrainError> {
        let mut asked: RunDescription<TaskSettings<O>> = match (&self.config, &self.from) {
            (Some(path), _) => RunDescription::read(path)?,
            (None, Some(run)) => RunDescription {
                made: None,
                device: DeviceChoice::Auto,
                ..Run::open_as(run)?.1
            },
            (None, None) => RunDescription::default(),
        };
        take!(self, typed, asked, data device);
        let settings = &mut asked.settings;
        take!(self, typed, settings, valid);
        take!(self, typed, settings.training, epochs steps batch seed);
        settings.options = put(&settings.options, &self.options, typed);
        self.layering.put(typed, &mut settings.recurrence);
        self.optimising.put(typed, &mut settings.training)?;
        self.keeping.put(typed, &mut settings.training);
        settings.check()?;
        if settings.valid.is_some() && typed("valid_fraction") {
            return Err(TrainError::Invalid {
                what: "--valid-fraction",
                expected: "no --valid beside it".to_string(),
                found: "one".to_string(),
            });
        }
        Ok(asked)
    }
}

/// `asked` with what was typed in its place: the flags of options are named as their fields.
fn put<O: Serialize + DeserializeOwned>(asked: &O, flags: &O, typed: &dyn Fn(&str) -> bool) -> O {
    let table = |options: &O| Table::try_from(options).expect("our own types are valid TOML");
    let mut asked = table(asked);
    asked.extend(table(flags).into_iter().filter(|(name, _)| typed(name)));
    asked.try_into().expect("values of our own types")
}

/// `backdraft train TASK`.
pub(in crate::cli) fn run<T: Task<Options: clap::Args>>(
    arguments: &Arguments<T::Options>,
    typed: &dyn Fn(&str) -> bool,
) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let Some(data) = &asked.data else {
        return Err(TrainError::Invalid {
            what: "--data",
            expected: "the file with the examples".to_string(),
            found: "none".to_string(),
        });
    };
    let device = asked.device.pick()?;
    if arguments.dry_run {
        let estimate = estimate_task::<T>(&asked.settings, data, &device)?;
        return match arguments.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    // What is not there is said before anything is promised.
    std::fs::File::open(data).map_err(|error| {
        let path = data.clone();
        TrainError::Data(backdraft_data::DataError::Unreadable { path, error })
    })?;
    let origin = arguments
        .from
        .as_deref()
        .map(TaskOrigin::<T>::open)
        .transpose()?;
    let source = data.display().to_string();
    let display = display(arguments.progress, arguments.json)?;
    begin(&source, &device, display);
    let report = in_a_folder(arguments.out.as_deref(), T::NAME, |path| match &origin {
        Some(origin) => train_task_from(origin, &asked.settings, data, path, &device, display),
        None => train_task::<T>(&asked.settings, data, path, &device, display),
    })?;
    tell(&report, arguments.json)
}

/// What came of a training.
pub(super) fn tell(report: &TaskReport, json: bool) -> Result<(), TrainError> {
    if json {
        return print_json(report);
    }
    let text = table(&report.figures);
    print(&format!(
        "{text}{:<22} {:.4}\n\
         on {} held-out examples, after learning from {}; {} rows passed over\n\
         {} steps, {:.0} positions/s, {:.0} s on {}, {}; {} parameters\n\
         ask it:  backdraft predict {} FILE\n",
        "loss",
        report.loss,
        report.valid_examples,
        report.examples,
        report.skipped_rows,
        report.steps,
        report.positions_per_second,
        report.seconds,
        report.device,
        report.path,
        report.parameters,
        report.run,
    ))
}
