//! `backdraft evaluate`.

use std::path::PathBuf;

use super::lexicon::of_arpa;
use super::print::{print, print_json, table};
use super::reading::open_text;
use super::tasks::with_task;
use crate::say::counted;
use crate::{
    Asked, Backtesting, Decoding, DeviceChoice, ExampleTask, Forecast, LanguageSettings, NGramFile,
    PickedDevice, Run, Task, TextUnit, TrainError, backtest, evaluate_language_model,
    evaluate_n_grams, evaluate_task,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run, or an ARPA file of n-grams
    run: PathBuf,
    /// File, or folder of text files, to measure on [default: the held-out data of the run]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Streams to read a text as, side by side: more are faster, but each starts without context [default: 1;
    /// for the held-out data, as many as in training]
    #[arg(long, value_name = "N")]
    streams: Option<usize>,
    /// For a run of `train forecast`: forecast T steps at a time, from one origin after the other through the held-out
    /// steps [default: one step ahead each]
    #[arg(long, value_name = "T")]
    horizon: Option<usize>,
    /// With --horizon: steps from one origin to the next
    #[arg(long, value_name = "T", default_value_t = 1, requires = "horizon")]
    every: usize,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
    /// With an ARPA file: what its words stand for, char, byte or word [default: guessed from the words]
    #[arg(long, value_name = "UNIT")]
    unit: Option<TextUnit>,
    #[command(flatten)]
    decoding: Decoding,
}

/// Measures what was asked for; `typed` knows the flags that were given.
pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    if NGramFile::is_named(&arguments.run) {
        return evaluate_arpa(arguments, typed);
    }
    of_arpa(arguments.unit.as_ref())?;
    let (_, task, _) = Run::asked(&arguments.run)?;
    if arguments.horizon.is_some() || task == LanguageSettings::TASK {
        arguments.decoding.only(&task, &[])?;
    }
    let device = arguments.device.pick()?;
    if let Some(horizon) = arguments.horizon {
        let every = arguments.every;
        return roll(arguments, &task, Backtesting { horizon, every }, &device);
    }
    with_task!(task.as_str(), |Named| evaluate::<Named>(arguments, &device),
        lm => evaluate_text(arguments, &device))
}

fn evaluate<T: ExampleTask>(
    arguments: &Arguments,
    device: &PickedDevice,
) -> Result<(), TrainError> {
    if let Some(streams) = arguments.streams {
        return Err(no_streams(streams, T::NAME));
    }
    let report = evaluate_task::<T>(
        &arguments.run,
        arguments.data.as_deref(),
        &arguments.decoding,
        device,
    )?;
    if arguments.json {
        return print_json(&report);
    }
    let mut text = table(&report.figures);
    if let Some(more) = &report.table {
        text += &format!("\n{more}\n");
    }
    print(&format!(
        "{text}{:<22} {:.4}\n{}, {} skipped: {}\non {}, {:.1} s\n",
        "loss",
        report.loss,
        counted(report.examples, "example"),
        counted(report.skipped_rows, "row"),
        report.data,
        report.device,
        report.seconds
    ))
}

/// Forecasts from one origin after the other.
fn roll(
    arguments: &Arguments,
    task: &str,
    asked: Backtesting,
    device: &PickedDevice,
) -> Result<(), TrainError> {
    if task != Forecast::NAME {
        return Err(TrainError::Invalid {
            setting: "horizon",
            expected: "a run of `train forecast`".to_string(),
            found: format!("{}, with a run of `train {task}`", asked.horizon),
        });
    }
    if let Some(streams) = arguments.streams {
        return Err(no_streams(streams, task));
    }
    let report = backtest(&arguments.run, arguments.data.as_deref(), asked, device)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{}{} of {}; series: {}; {}\non {}, {:.1} s\n",
        table(&report.figures),
        counted(report.forecasts, "forecast"),
        counted(report.horizon, "step"),
        report.examples,
        report.data,
        report.device,
        report.seconds
    ))
}

/// Only a text is read as streams.
fn no_streams(streams: usize, task: &str) -> TrainError {
    TrainError::Invalid {
        setting: "streams",
        expected: "a run of `train lm`, whose text is read as streams".to_string(),
        found: format!("{streams}, with a run of `train {task}`"),
    }
}

fn evaluate_arpa(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    let of_a_run = ["streams", "horizon", "device"];
    let idle = of_a_run.into_iter().find(|setting| typed(setting));
    if let Some(setting) = idle.or(arguments.decoding.first_given()) {
        let with = "a run";
        return Err(TrainError::Idle { setting, with });
    }
    let Some(data) = &arguments.data else {
        return Err(TrainError::Invalid {
            setting: "data",
            expected: "a text, as an ARPA file holds none out".to_string(),
            found: "none".to_string(),
        });
    };
    let text = open_text(data, &LanguageSettings::default())?;
    let report = evaluate_n_grams(&arguments.run, arguments.unit.as_ref(), &text)?;
    if arguments.json {
        return print_json(&report);
    }
    print(&format!(
        "{:.4} bits per character ({:.4} nats, perplexity {:.2}) over {}, {} of them \
         unknown: {}\n\
         read line by line, unit {}, {:.1} s\n",
        report.bits_per_character,
        report.loss,
        report.perplexity,
        counted(report.symbols, "symbol"),
        report.unknown,
        report.data,
        report.unit,
        report.seconds
    ))
}

fn evaluate_text(arguments: &Arguments, device: &PickedDevice) -> Result<(), TrainError> {
    let (_, description) = Run::open(&arguments.run)?;
    let open = |path| open_text(path, &description.settings);
    let text = arguments.data.as_deref().map(open).transpose()?;
    let report = evaluate_language_model(&arguments.run, text, arguments.streams, device)?;
    if arguments.json {
        return print_json(&report);
    }
    let streams = match report.streams {
        1 => "one stream".to_string(),
        several => format!("{several} streams"),
    };
    print(&format!(
        "{:.4} bits per character ({:.4} nats, perplexity {:.2}) over {} symbols, {} of them \
         unknown: {}\n\
         read as {}, on {}, {:.1} s\n",
        report.bits_per_character,
        report.loss,
        report.perplexity,
        report.symbols,
        report.unknown,
        report.data,
        streams,
        report.device,
        report.seconds
    ))
}
