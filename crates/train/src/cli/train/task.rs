//! `backdraft train` of a task that learns from examples, with flags or with a file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use super::arguments::{file_of_data, refuse_without_effect, take};
use super::keeping::Keeping;
use super::layering::Layering;
use super::optimising::Optimising;
use super::{display, in_a_folder, warn};
use crate::cli::print::{print, print_json, table};
use crate::say::counted;
use crate::settings::bounds::require;
use crate::settings::names::flag;
use crate::tasks::content_checksum;
use crate::{
    Compose, DeviceChoice, Display, PretrainedTask, Run, RunDescription, Task, TaskOptions,
    TaskReport, TaskSettings, TrainError, Training, estimate_task, interrupt, train_task,
    train_task_from,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments<O: clap::Args> {
    /// Read settings from this file, such as the run.toml of a run; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// File of examples, or for `classify` also a folder with a folder for each class
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    data: Option<PathBuf>,
    /// File of held-out examples [default: a part of the others]
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    valid: Option<PathBuf>,
    /// Folder of the new run [default: runs/TASK-1, runs/TASK-2 ..]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Do not train: print the size of the model, its memory and an estimate of the time
    #[arg(long)]
    dry_run: bool,
    /// Start from the weights of this run, and from its settings; flags override them
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    from: Option<PathBuf>,
    /// How to show progress
    #[arg(long, value_enum, default_value_t)]
    progress: Display,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: O,
    #[command(flatten)]
    layering: Layering,
    /// Maximum number of passes over the examples
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<usize>,
    /// Maximum number of optimiser steps
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<usize>,
    /// Examples in a batch
    #[arg(long, value_name = "B", default_value_t = Training::default().batch, help_heading = "Training")]
    batch: usize,
    /// Seed of all random numbers
    #[arg(long, value_name = "S", default_value_t = Training::default().seed, help_heading = "Training")]
    seed: u64,
    #[command(flatten)]
    optimising: Optimising,
    #[command(flatten)]
    keeping: Keeping,
}

impl<O: TaskOptions + clap::Args> Arguments<O> {
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    pub(in crate::cli) fn description(
        &self,
        typed: &dyn Fn(&str) -> bool,
    ) -> Result<RunDescription<TaskSettings<O>>, TrainError> {
        let mut asked: RunDescription<TaskSettings<O>> = match (&self.config, &self.from) {
            (Some(path), _) => RunDescription::read(path)?,
            (None, Some(run)) => RunDescription {
                device: DeviceChoice::Auto,
                ..Run::open_as(run)?.1
            },
            (None, None) => RunDescription::default(),
        };
        take!(self, typed, asked, data device);
        let settings = &mut asked.settings;
        take!(self, typed, settings, valid);
        take!(self, typed, settings.training, epochs steps batch seed);
        for (setting, path) in self.options.paths() {
            let expected = "a path in UTF-8, which run.toml can hold";
            require(setting, expected, path.display(), path.to_str().is_some())?;
        }
        refuse_too_large(&self.options)?;
        settings.options = put(&settings.options, &self.options, typed);
        self.layering.put(typed, &mut settings.recurrence);
        self.optimising.put(typed, &mut settings.training);
        self.keeping.put(typed, &mut settings.training);
        let (config, from) = (self.config.as_deref(), self.from.as_deref());
        let idle = asked.data.as_deref();
        let idle = idle.map_or_else(Vec::new, |data| settings.options.idle(data));
        refuse_without_effect(config, from, typed, &settings.training, &idle)?;
        settings.check()?;
        asked.check()?;
        let settings = &asked.settings;
        if settings.valid.is_some() && typed("valid_fraction") {
            let (setting, other) = ("valid_fraction", "valid");
            return Err(TrainError::Excluded { setting, other });
        }
        Ok(asked)
    }
}

/// Refuses a number that no file can hold.
fn refuse_too_large(flags: &impl Serialize) -> Result<(), TrainError> {
    let all = serde_json::to_value(flags).expect("our own types are valid JSON");
    let most = i64::MAX as u64;
    let mut fields = all.as_object().into_iter().flatten();
    let too_large = fields.find(|(_, value)| value.as_u64().is_some_and(|number| number > most));
    match too_large {
        None => Ok(()),
        Some((name, number)) => Err(TrainError::Usage {
            reason: format!("{}: expected at most {most}, found {number}", flag(name)),
        }),
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
            setting: "data",
            expected: "the file with the examples".to_string(),
            found: "none".to_string(),
        });
    };
    let (config, from) = (arguments.config.as_deref(), arguments.from.as_deref());
    if let Some(file) = file_of_data(config, from, typed)
        && asked.made.is_some()
    {
        let sum = |path: &Path| content_checksum(path).ok();
        let valid = asked.settings.valid.as_deref().and_then(sum);
        if let Some(data) = sum(data) {
            warn(&asked.warnings(&file, &data, valid.as_deref()));
        }
    }
    let device = asked.device.pick()?;
    let pretrained = from.map(PretrainedTask::<T>::open).transpose()?;
    if arguments.dry_run {
        let estimate = estimate_task(pretrained.as_ref(), &asked.settings, data, &device)?;
        return match arguments.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    let display = display(arguments.progress, arguments.json)?;
    interrupt::listen();
    let report = in_a_folder(
        arguments.out.as_deref(),
        T::NAME,
        |path| match &pretrained {
            Some(pretrained) => {
                train_task_from(pretrained, &asked.settings, data, path, &device, display)
            }
            None => train_task::<T>(&asked.settings, data, path, &device, display),
        },
    )?;
    tell(&report, arguments.json)
}

/// What came of a training.
pub(super) fn tell(report: &TaskReport, json: bool) -> Result<(), TrainError> {
    if json {
        return print_json(report);
    }
    let text = table(&report.figures);
    let use_it = match report.task {
        Compose::NAME => "write with it:  backdraft generate RUN --condition KEY",
        _ => "ask it:  backdraft predict RUN FILE",
    };
    let use_it = use_it.replace("RUN", &report.run);
    print(&format!(
        "{text}{:<22} {:.4}\n\
         on {}, after learning from {}; {} skipped\n\
         {}, {:.0} positions/s, {:.0} s on {}, {}; {} parameters\n\
         {use_it}\n",
        "loss",
        report.loss,
        counted(report.valid_examples, "held-out example"),
        report.examples,
        counted(report.skipped_rows, "row"),
        counted(report.steps, "step"),
        report.positions_per_second,
        report.seconds,
        report.device,
        report.path,
        report.parameters,
    ))
}
