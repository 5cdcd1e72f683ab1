//! `backdraft predict`.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::print::print;
use super::tasks::with_task;
use crate::say::{counted, say};
use crate::{
    Answer, Decoding, DeviceChoice, ExampleTask, PickedDevice, Predictor, Run, TrainError,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// File of examples (for a classifier also a folder), or - for standard input: each line is answered at once; the
    /// series of a forecaster are read to their end
    #[arg(value_name = "FILE")]
    data: PathBuf,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Also print how likely each class is, or each tag
    #[arg(long)]
    probabilities: bool,
    /// Print one JSON object for each answer, one on a line
    #[arg(long)]
    json: bool,
    /// Print the N best answers to each example, the best first, each with its score
    #[arg(long, value_name = "N", help_heading = "Decoding")]
    n_best: Option<usize>,
    #[command(flatten)]
    decoding: Decoding,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let (_, task, _) = Run::asked(&arguments.run)?;
    let device = arguments.device.pick()?;
    with_task!(task.as_str(), |Named| answer::<Named>(arguments, &device), lm => {
        Err(TrainError::Unfit {
            what: "the run",
            expected: "one of `train classify` or another task with answers, as `backdraft generate` \
                       writes with a language model".to_string(),
            found: format!("{}, of `train {task}`", arguments.run.display()),
        })
    })
}

fn answer<T: ExampleTask>(arguments: &Arguments, device: &PickedDevice) -> Result<(), TrainError> {
    let predictor = Predictor::<T>::open(&arguments.run, device)?;
    let predictor = predictor
        .with_probabilities(arguments.probabilities)?
        .with_decoding(&Decoding {
            n_best: arguments.n_best,
            ..arguments.decoding.clone()
        })?;
    let mut is_first = true;
    let mut tell = |answer: Answer| {
        let lines = match (arguments.json, T::BY_STEP) {
            (true, _) => vec![answer.to_json()],
            (false, false) if arguments.n_best.is_some() => answer.by_rank(),
            (false, false) => vec![answer.to_tsv()],
            (false, true) => {
                let columns = is_first.then(|| answer.columns());
                columns.into_iter().chain(answer.by_step()).collect()
            }
        };
        is_first = false;
        print(&format!("{}\n", lines.join("\n")))
    };
    if arguments.data == Path::new("-") {
        let (mut input, name) = (std::io::stdin().lock(), Path::new("standard input"));
        return match predictor.table(&mut input, name) {
            Some(examples) => predictor.answer_all(&examples?, &mut tell),
            None => answer_lines(&predictor, input, tell),
        };
    }
    let read = predictor.questions(&arguments.data)?;
    if let Some(name) = &read.only_column {
        say(format_args!(
            "note: {}: the first line, `{name}`, is taken for the name of the column and not answered",
            read.path.display()
        ));
    }
    if read.skipped > 0 {
        say(format_args!(
            "note: skipped {} that could not be used",
            counted(read.skipped, "row")
        ));
    }
    predictor.answer_all(&read.examples, &mut tell)
}

/// Answers each line as soon as it is there.
fn answer_lines<T: ExampleTask>(
    predictor: &Predictor<T>,
    input: impl BufRead,
    mut tell: impl FnMut(Answer) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    for (number, line) in (1_usize..).zip(input.lines()) {
        let no_line = |reason: String| TrainError::NoQuestion {
            reason: format!("standard input, line {number}: {reason}"),
        };
        let line = line.map_err(|error| no_line(error.to_string()))?;
        // Editors put a mark before the first line.
        let line = match number {
            1 => line.strip_prefix('\u{FEFF}').unwrap_or(&line),
            _ => &line,
        };
        match predictor.answer_line(line) {
            // A line out for each line in.
            Err(TrainError::NoQuestion { .. }) if line.trim().is_empty() => {
                tell(Answer::default())?;
            }
            Err(TrainError::NoQuestion { reason }) => return Err(no_line(reason)),
            answer => tell(answer?)?,
        }
    }
    Ok(())
}
