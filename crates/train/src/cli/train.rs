//! `backdraft train lm`, with flags or with a file.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::print::{print, print_json};
use crate::{
    CellKind, Clipping, Decay, DeviceChoice, Display, NormedWeights, OptimizerKind, Run,
    RunDescription, Saving, Settings, Text, TrainError, TrainReport, estimate_language_model,
    interrupt, resume_language_model, train_language_model,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file that describes the run, as run.toml in a run does; what is given beside it counts more
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// A text file or a folder of them; by default the Rust source of Burn
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// The folder to make for the run; runs/lm-1, runs/lm-2 .. by default
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// The recurrent cell
    #[arg(long, value_enum, default_value_t = Settings::default().cell)]
    cell: CellKind,
    /// Recurrent layers
    #[arg(long, value_name = "N", default_value_t = Settings::default().layers)]
    layers: usize,
    /// Units of each layer
    #[arg(long, value_name = "N", default_value_t = Settings::default().hidden)]
    hidden: usize,
    /// Features of a character
    #[arg(long, value_name = "N", default_value_t = Settings::default().embedding)]
    embedding: usize,
    /// The probability of dropping a connection that does not recur
    #[arg(long, value_name = "F", default_value_t = Settings::default().dropout)]
    dropout: f64,
    /// Share the weights of output and embedding; their sizes must agree
    #[arg(long)]
    tied: bool,
    /// The probability of dropping a recurrent weight, for a window
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    drop_connect: f64,
    /// The probability of dropping a unit of the last output, for a window
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    recurrent_dropout: f64,
    /// The probability of dropping a unit of the candidate, in a step
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    candidate_dropout: f64,
    /// Which weights are learned as a direction and a length
    #[arg(long, value_enum, default_value_t)]
    weight_norm: NormedWeights,
    /// Steps that the gradient goes back
    #[arg(long, value_name = "T", default_value_t = Settings::default().unroll)]
    unroll: usize,
    /// Streams learned from side by side
    #[arg(long, value_name = "B", default_value_t = Settings::default().batch)]
    batch: usize,
    /// Passes over the text [default: 1, or as many as --steps needs]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Steps of the optimiser, at most
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The optimiser
    #[arg(long, value_enum, default_value_t = Settings::default().optimizer)]
    optimizer: OptimizerKind,
    /// The learning rate, at its highest
    #[arg(long, value_name = "F", default_value_t = Settings::default().lr)]
    lr: f64,
    /// The momentum of sgd
    #[arg(long, value_name = "F", default_value_t = Settings::default().momentum)]
    momentum: f64,
    /// How the learning rate falls, to a hundredth
    #[arg(long, value_enum, default_value_t = Settings::default().decay)]
    decay: Decay,
    /// Steps in which the learning rate rises
    #[arg(long, value_name = "N", default_value_t = Settings::default().warmup)]
    warmup: usize,
    /// The norm that the whole gradient is shortened to [default: 1, unless --clip-value is given]
    #[arg(long, value_name = "F")]
    clip_norm: Option<f64>,
    /// The absolute value that each component of the gradient is cut at
    #[arg(long, value_name = "F")]
    clip_value: Option<f64>,
    /// Steps in a row that are left out, since loss or gradient are not finite, before training ends
    #[arg(long, value_name = "N", default_value_t = Settings::default().guard.patience)]
    patience: usize,
    /// What the learning rate is multiplied by after each step that is left out
    #[arg(long, value_name = "F", default_value_t = Settings::default().guard.backoff)]
    backoff: f64,
    /// The part of the text, its end, that is held out
    #[arg(long, value_name = "F", default_value_t = Settings::default().valid_fraction)]
    valid_fraction: f64,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "S", default_value_t = Settings::default().seed)]
    seed: u64,
    /// Save the training, to go on from there, after so many steps
    #[arg(long, value_name = "N")]
    save_steps: Option<usize>,
    /// Save it after so many seconds
    #[arg(long, value_name = "S", default_value_t = 60.0)]
    save_seconds: f64,
    /// Checkpoints that stay
    #[arg(long, value_name = "N", default_value_t = Saving::default().keep)]
    keep: usize,
    /// Learn nothing: tell what the model is, what it needs and about how long it would take
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// What is asked for: by the file, if there is one, and by what was typed beside it.
    fn description(&self, typed: &dyn Fn(&str) -> bool) -> Result<RunDescription, TrainError> {
        let mut asked = match &self.config {
            Some(path) => RunDescription::read(path)?,
            None => RunDescription::default(),
        };
        macro_rules! take {
            ($into:expr, $($field:ident)*) => {
                $(if typed(stringify!($field)) {
                    $into.$field = self.$field.clone();
                })*
            };
        }
        take!(asked, data device);
        let settings = &mut asked.settings;
        take!(settings, cell layers hidden embedding dropout tied unroll batch epochs steps);
        take!(settings, optimizer lr momentum decay warmup valid_fraction seed);
        take!(settings.regularize, drop_connect recurrent_dropout candidate_dropout weight_norm);
        take!(settings.guard, patience backoff);
        take!(settings.saving, keep);
        if typed("save_steps") {
            settings.saving.steps = self.save_steps;
        }
        if typed("save_seconds") {
            settings.saving.seconds = Some(self.save_seconds);
        }
        if typed("clip_norm") || typed("clip_value") {
            settings.clipping = Clipping {
                value: self.clip_value,
                norm: self.clip_norm,
            };
        }
        if typed("momentum") && settings.optimizer != OptimizerKind::Sgd {
            return Err(TrainError::Invalid {
                what: "--momentum",
                expected: "--optimizer sgd beside it".to_string(),
                found: "adam".to_string(),
            });
        }
        asked.settings.check()?;
        Ok(asked)
    }
}

pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    let asked = arguments.description(typed)?;
    let text = asked.data.as_deref().map_or_else(Text::demo, Text::read)?;
    let device = asked.device.pick()?;
    if arguments.dry_run {
        let estimate = estimate_language_model(&asked.settings, &text, &device)?;
        return match arguments.json {
            true => print_json(&estimate),
            false => print(&estimate.to_string()),
        };
    }
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| next_free(Path::new("runs")));
    eprintln!(
        "learning from {} on {} ({})",
        text.source, device.name, device.reason
    );
    eprintln!("the run is written to {}", path.display());
    interrupt::listen();
    let display = display(arguments.json);
    let report = train_language_model(&asked.settings, &text, &path, &device, display)?;
    tell(&report, &path, arguments.json)
}

/// `backdraft train --resume`.
pub(super) fn resume(path: &Path, json: bool) -> Result<(), TrainError> {
    interrupt::listen();
    let report = resume_language_model(path, None, display(json))?;
    tell(&report, path, json)
}

fn display(json: bool) -> Display {
    match json {
        true => Display::Plain,
        false => Display::Dashboard,
    }
}

fn tell(report: &TrainReport, path: &Path, json: bool) -> Result<(), TrainError> {
    if json {
        return print_json(report);
    }
    // The dashboard leaves no room for samples while it is there.
    let written = match std::io::stdout().is_terminal() {
        true => Run::open(path)?.0.samples()?,
        false => format!("{}\n", report.sample),
    };
    print(&format!(
        "{written}\n\
         {:.4} bits per character ({:.4} nats) on the held-out part\n\
         {} steps, {} symbols, {:.0} symbols/s, {:.0} s on {}, {}; {} parameters\n\
         write with it:  backdraft generate {}\n",
        report.bits_per_character,
        report.loss,
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

/// The first of lm-1, lm-2 .. that is not there.
fn next_free(folder: &Path) -> PathBuf {
    let numbered = (1..).map(|number| folder.join(format!("lm-{number}")));
    let mut free = numbered.filter(|path| !path.exists());
    free.next().expect("there are more numbers than folders")
}
