//! `backdraft baselines`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::print::{print, print_json};
use super::reading::open_text;
use crate::{
    BaselineRow, BaselineSettings, Baselines, CellKind, DeviceChoice, ForecastOptions, ScalingKind,
    Settings, TagOptions, TrainError, forecast_baselines, language_baselines, tag_baselines,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Models of the next character
    Lm {
        /// A text file or a folder of them, or - for standard input
        #[arg(long, value_name = "PATH")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
    },
    /// Models of the next value of series
    Forecast {
        /// A table with a row a step
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
        #[command(flatten)]
        columns: Columns,
    },
    /// Models of the tags of words
    Tag {
        /// Tagged sentences, a word a line
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        #[command(flatten)]
        shared: Shared,
        /// The column of the word, from 1; in CoNLL-U it is 2
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = from_1())]
        word_column: u64,
        /// The column of the tag, from 1; in CoNLL-U it is 4 [default: the last]
        #[arg(long, value_name = "N", value_parser = from_1())]
        tag_column: Option<u64>,
        /// Tell capital letters from small ones in words
        #[arg(long)]
        case: bool,
        /// Words that occur less often are one unknown word
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = from_1())]
        min_count: u64,
    },
}

fn from_1() -> clap::builder::RangedU64ValueParser<u64> {
    clap::builder::RangedU64ValueParser::new().range(1..)
}

#[derive(Debug, clap::Args)]
struct Columns {
    /// The column of the times [default: the one called so, or the first]
    #[arg(long, value_name = "NAME")]
    time_column: Option<String>,
    /// The column of the values [default: the first other]
    #[arg(long, value_name = "NAME")]
    value_column: Option<String>,
    /// The column that tells which series a row is of [default: there is one]
    #[arg(long, value_name = "NAME")]
    series_column: Option<String>,
    /// Columns of what else is known of each step; only nets see them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    covariates: Vec<String>,
    /// What the calendar tells of each step; only nets see it
    #[arg(long, value_enum, value_delimiter = ',')]
    calendar: Vec<crate::CalendarKind>,
    /// Steps of a season; 1 is none
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = from_1())]
    season: u64,
    /// Steps at the end of each series that are held out [default: the held-out fraction]
    #[arg(long, value_name = "T", value_parser = from_1())]
    valid_steps: Option<u64>,
}

#[derive(Debug, clap::Args)]
struct Shared {
    /// Units of a hidden layer, recurrent or not [default: 128, of series 32]
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// Inputs that a net without memory sees [default: 8, of words 3]
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// States of a hidden Markov model of which they are not known
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().states)]
    states: usize,
    /// Recurrent cells; every one by default
    #[arg(long, value_name = "CELL,..", value_delimiter = ',', value_enum)]
    cells: Vec<CellKind>,
    /// Sequences that a step of a net learns from
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().batch)]
    batch: usize,
    /// Steps that each net is trained for
    #[arg(long, value_name = "N", default_value_t = BaselineSettings::default().steps)]
    steps: usize,
    /// The learning rate of nets, at its highest
    #[arg(long, value_name = "F", default_value_t = BaselineSettings::default().lr)]
    lr: f64,
    /// The part of the data that is held out [default: 0.02, of series 0.15, of sentences 0.1]
    #[arg(long, value_name = "F")]
    valid_fraction: Option<f64>,
    /// The seed of everything that is drawn
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// What to compute nets on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Print one JSON object on standard output
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
        Task::Lm { data, shared } => {
            let settings = shared.settings(128, 8, 0.02);
            let (text, device) = (
                open_text(data, &Settings::default())?,
                shared.device.pick()?,
            );
            (
                shared,
                language_baselines(&settings, &text, &device, &mut tell)?,
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
            let found = forecast_baselines(&settings, &options, data, &device, &mut tell)?;
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
                word_column: *word_column as usize,
                tag_column: tag_column.map(|column| column as usize),
                case: *case,
                min_count: *min_count as usize,
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
    /// In units of a standard deviation, from the mean: what differs little from a large mean is else too
    /// small to be learned.
    fn options(&self) -> ForecastOptions {
        ForecastOptions {
            time_column: self.time_column.clone(),
            value_column: self.value_column.clone(),
            series_column: self.series_column.clone(),
            covariates: self.covariates.clone(),
            calendar: self.calendar.clone(),
            season: self.season as usize,
            valid_steps: self.valid_steps.map(|steps| steps as usize),
            scaling: ScalingKind::Standard,
            ..ForecastOptions::default()
        }
    }
}

/// A row that is there, on standard error: some take minutes.
fn tell(row: &BaselineRow) {
    let figures = row.figures.iter();
    let figures = figures.map(|(name, value)| format!("{} {value:.4}", name.replace('_', " ")));
    eprintln!(
        "{}: {} in {:.1} s",
        row.model,
        figures.collect::<Vec<_>>().join(", "),
        row.fit_seconds
    );
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
