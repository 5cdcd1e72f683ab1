//! `backdraft baselines`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::drawing::{self, Overwriting};
use super::lexicon::Words;
use super::print::{print, print_json};
use super::reading::open_text;
use crate::say::say;
use crate::{
    Backtesting, BaselineRow, BaselineSettings, Baselines, CellKind, DeviceChoice, ForecastOptions,
    LanguageSettings, Lexicon, ScalingKind, TagOptions, TextUnit, TrainError, forecast_baselines,
    language_baselines, tag_baselines,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Models of text, symbol by symbol
    Lm {
        /// Text file, folder of text files, or - for standard input
        #[arg(long, value_name = "PATH")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
        #[command(flatten)]
        symbols: Symbols,
    },
    /// Models of time series
    Forecast {
        /// Table with a row for each step
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
        #[command(flatten)]
        columns: Box<Columns>,
    },
    /// Models of tags of words
    Tag {
        /// Tagged sentences, with a word on each line
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
        /// Column of the word, from 1; 2 in CoNLL-U
        #[arg(long, value_name = "N", default_value_t = 1)]
        word_column: usize,
        /// Column of the tag, from 1; 4 in CoNLL-U [default: the last]
        #[arg(long, value_name = "N")]
        tag_column: Option<usize>,
        /// Distinguish upper case from lower case in words
        #[arg(long)]
        case: bool,
        /// Treat words that occur less often as unknown
        #[arg(long, value_name = "N", default_value_t = 2)]
        min_count: usize,
    },
}

#[derive(Debug, clap::Args)]
struct Symbols {
    /// Symbols of the text: characters, bytes, words, or the pieces of a Hugging Face tokenizer
    #[arg(long, value_name = "char|byte|word|FILE.json", default_value_t)]
    unit: TextUnit,
    #[command(flatten)]
    words: Words,
}

impl Symbols {
    fn lexicon(&self) -> Lexicon {
        self.words.lexicon(&self.unit)
    }
}

#[derive(Debug, clap::Args)]
struct Columns {
    #[command(flatten)]
    columns: crate::ColumnOptions,
    /// Steps in a season; 1 for none
    #[arg(long, value_name = "T", default_value_t = 1)]
    season: usize,
    /// Hold out the last T steps of each series [default: --valid-fraction of them]
    #[arg(long, value_name = "T")]
    valid_steps: Option<usize>,
    /// Forecast T steps at a time, from one origin after the other through the held-out steps [default: one step ahead
    /// each]
    #[arg(long, value_name = "T")]
    horizon: Option<usize>,
    /// With --horizon: steps from one origin to the next
    #[arg(long, value_name = "T", default_value_t = 1, requires = "horizon")]
    every: usize,
    /// Write a page with the table and what each model said of the first series
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    #[command(flatten)]
    overwriting: Overwriting,
}

#[derive(Debug, clap::Args)]
struct Shared {
    /// Units in each hidden layer [default: 128; for series 32]
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// Inputs that a network without memory sees [default: 8; for tags 3]
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// States of a hidden Markov model whose states are not known
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().states)]
    states: usize,
    /// Recurrent cells [default: all]
    #[arg(long, value_name = "CELL,..", value_delimiter = ',', value_enum)]
    cells: Vec<CellKind>,
    /// Sequences in a batch
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().batch)]
    batch: usize,
    /// Training steps of each network
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().steps)]
    steps: usize,
    /// Learning rate of networks, at its highest
    #[arg(long, value_name = "F", default_value_t = BaselineSettings::default().lr)]
    lr: f64,
    /// Fraction of the data to hold out [default: 0.02; of series 0.15, of sentences 0.1]
    #[arg(long, value_name = "F")]
    valid_fraction: Option<f64>,
    /// Seed of all random numbers
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Device to compute networks on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

impl Shared {
    fn settings(&self, hidden: usize, window: usize, valid_fraction: f64) -> BaselineSettings {
        BaselineSettings {
            hidden: self.hidden.unwrap_or(hidden),
            window: self.window.unwrap_or(window),
            batch: self.batch,
            steps: self.steps,
            lr: self.lr,
            valid_fraction: self.valid_fraction.unwrap_or(valid_fraction),
            states: self.states,
            seed: self.seed,
            cells: match self.cells.as_slice() {
                [] => CellKind::value_variants().to_vec(),
                some => some.to_vec(),
            },
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let (shared, baselines) = match &arguments.task {
        Task::Lm {
            data,
            shared,
            symbols,
        } => {
            let settings = shared.settings(128, 8, 0.02);
            let (text, device) = (
                open_text(data, &LanguageSettings::default())?,
                shared.device.pick()?,
            );
            (
                shared,
                language_baselines(&settings, &symbols.lexicon(), &text, &device, &mut tell)?,
            )
        }
        Task::Forecast {
            data,
            shared,
            columns,
        } => {
            let settings = shared.settings(32, 8, 0.15);
            let options = columns.options();
            let device = shared.device.pick()?;
            let rolling = columns.rolling();
            if let Some(page) = &columns.page {
                drawing::check_folder("page", page)?;
                columns.overwriting.check("page", page)?;
            }
            let found = forecast_baselines(&settings, &options, data, rolling, &device, &mut tell)?;
            if let Some(page) = &columns.page {
                drawing::write(page, found.page())?;
            }
            (shared, found)
        }
        Task::Tag {
            data,
            shared,
            word_column,
            tag_column,
            case,
            min_count,
        } => {
            let settings = shared.settings(128, 3, 0.1);
            let options = TagOptions {
                word_column: *word_column,
                tag_column: *tag_column,
                case: *case,
                min_count: *min_count,
                ..TagOptions::default()
            };
            let device = shared.device.pick()?;
            let found = tag_baselines(&settings, &options, data, &device, &mut tell)?;
            (shared, found)
        }
    };
    match shared.json {
        true => print_json(&baselines),
        false => print(&table(&baselines)),
    }
}

impl Columns {
    fn rolling(&self) -> Option<Backtesting> {
        let every = self.every;
        self.horizon.map(|horizon| Backtesting { horizon, every })
    }

    /// In units of a standard deviation, from the mean: what differs little from a large mean is else too
    /// small to be learned.
    fn options(&self) -> ForecastOptions {
        ForecastOptions {
            columns: self.columns.clone(),
            season: self.season,
            valid_steps: self.valid_steps,
            scaling: ScalingKind::Standard,
            ..ForecastOptions::default()
        }
    }
}

/// A row that is there, on standard error: some take minutes.
fn tell(row: &BaselineRow) {
    let figures = row.figures.iter();
    let figures = figures.map(|(name, value)| format!("{} {value:.4}", name.replace('_', " ")));
    say(format_args!(
        "{}: {} in {:.1} s",
        row.model,
        figures.collect::<Vec<_>>().join(", "),
        row.fit_seconds
    ));
}

fn table(baselines: &Baselines) -> String {
    let widest = baselines.rows.iter().map(|row| row.model.chars().count());
    let width = widest.max().unwrap_or(0);
    let names = baselines.figures.iter();
    let names = names.map(|name| format!("  {:>18}", name.replace('_', " ")));
    let mut text = format!(
        "{}, of which {} learned from and {} held out, on {}\n\n{:<width$}{}  {:>10}  {:>8}  {:>9}\n",
        baselines.data,
        baselines.learned_from,
        baselines.held_out,
        baselines.device,
        "model",
        names.collect::<String>(),
        "parameters",
        "fit, s",
        "step, us"
    );
    for row in &baselines.rows {
        let figures = baselines.figures.iter();
        let figures = figures.map(|name| match row.figures.get(name) {
            Some(figure) => format!("  {figure:>18.4}"),
            None => format!("  {:>18}", "-"),
        });
        text += &format!(
            "{:<width$}{}  {:>10}  {:>8.1}  {:>9.1}\n",
            row.model,
            figures.collect::<String>(),
            row.parameters,
            row.fit_seconds,
            row.step_microseconds
        );
    }
    text
}
