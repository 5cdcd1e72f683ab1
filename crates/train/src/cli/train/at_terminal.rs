//! A task at the terminal: its data are what was typed, and what came of a training is text.

use std::borrow::Cow;
use std::fmt::Display as Text;
use std::path::Path;

use crate::cli::print::table;
use crate::cli::reading::open_text;
use crate::say::counted;
use crate::{
    Compose, Display, ExampleTask, Language, LanguageSettings, Run, Task, TaskReport, TaskSettings,
    TrainError, TrainReport,
};

/// What the program needs of a task beside the road.
pub(in crate::cli) trait AtTerminal: Task<Estimate: Text> {
    /// The data at a path that was typed.
    fn source<'a>(
        path: &'a Path,
        settings: &Self::Settings,
    ) -> Result<Cow<'a, Self::Source>, TrainError>;

    /// What is printed of a training that has ended, which was shown on `display`.
    fn told(report: &Self::Report, display: Display) -> Result<String, TrainError>;
}

impl AtTerminal for Language {
    fn source<'a>(
        path: &'a Path,
        settings: &LanguageSettings,
    ) -> Result<Cow<'a, crate::Text>, TrainError> {
        open_text(path, settings).map(Cow::Owned)
    }

    fn told(report: &TrainReport, display: Display) -> Result<String, TrainError> {
        // The dashboard leaves no room for samples while it is there.
        let written = match display {
            Display::Dashboard => Run::open(&report.run)?.0.samples()?,
            _ => format!("{}\n", report.sample),
        };
        Ok(format!(
            "{written}\n\
             {:.4} bits per character ({:.4} nats, perplexity {:.2}) on the held-out part\n\
             {} steps, {} symbols, {:.0} symbols/s, {:.0} s on {}, {}; {} parameters\n\
             write with it:  backdraft generate {}\n",
            report.bits_per_character,
            report.loss,
            report.perplexity,
            report.steps,
            report.symbols,
            report.symbols_per_second,
            report.seconds,
            report.device,
            report.path,
            report.parameters,
            report.run,
        ))
    }
}

impl<T: ExampleTask> AtTerminal for T {
    fn source<'a>(
        path: &'a Path,
        _settings: &TaskSettings<T::Options>,
    ) -> Result<Cow<'a, Path>, TrainError> {
        Ok(Cow::Borrowed(path))
    }

    fn told(report: &TaskReport, _display: Display) -> Result<String, TrainError> {
        let text = table(&report.figures);
        let use_it = match report.task {
            Compose::NAME => "write with it:  backdraft generate RUN --condition KEY",
            _ => "ask it:  backdraft predict RUN FILE",
        };
        let use_it = use_it.replace("RUN", &report.run);
        Ok(format!(
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
}
