//! `backdraft probe`.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::drawing::{self, Overwriting};
use super::print::{print, print_json};
use crate::bounds::{counts, different};
use crate::say::say;
use crate::{CellKind, Clipping, DeviceChoice, Probe, Problem, TrainError, Trial, draw_trials};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A trial ends when its error is below a hundredth (for copies, below a tenth of the error \
                  without memory), or after --steps. Each is reported on standard error as it ends."
)]
pub(super) struct Arguments {
    /// Problem to learn
    #[arg(value_enum)]
    problem: Problem,
    /// Lengths of the sequences
    #[arg(long, value_name = "T,..", value_delimiter = ',', default_values_t = [50, 100, 200])]
    lengths: Vec<usize>,
    /// Recurrent cells [default: all]
    #[arg(long, value_name = "CELL,..", value_delimiter = ',', value_enum)]
    cells: Vec<CellKind>,
    /// Trials of each length and cell, with different seeds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: usize,
    /// First seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Number of recurrent layers
    #[arg(long, value_name = "N", default_value_t = defaults().layers)]
    layers: usize,
    /// Units in each layer
    #[arg(long, value_name = "N", default_value_t = defaults().hidden)]
    hidden: usize,
    /// Do not initialise the gates that keep (lstm, gru, janet) for memories as long as the sequences
    #[arg(long)]
    no_chrono: bool,
    /// Sequences in a batch
    #[arg(long, value_name = "N", default_value_t = defaults().batch)]
    batch: usize,
    /// Maximum number of steps of a trial
    #[arg(long, value_name = "N", default_value_t = defaults().steps)]
    steps: usize,
    /// Learning rate of Adam
    #[arg(long, value_name = "F", default_value_t = defaults().lr)]
    lr: f64,
    /// Clip the gradient to this norm
    #[arg(long, value_name = "F", default_value_t = defaults().clipping.norm.unwrap_or(1.0))]
    clip_norm: f64,
    /// Do not clip the gradient
    #[arg(long, conflicts_with = "clip_norm")]
    no_clip: bool,
    /// Sequences to test on
    #[arg(long, value_name = "N", default_value_t = defaults().test)]
    test: usize,
    /// Steps between tests
    #[arg(long, value_name = "N", default_value_t = defaults().test_steps)]
    test_steps: usize,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// File to draw the results in [default: probe-PROBLEM.svg]
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    overwriting: Overwriting,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// The same whatever the problem.
fn defaults() -> Probe {
    Probe::new(Problem::Adding)
}

impl Arguments {
    fn probe(&self) -> Probe {
        let clipping = match self.no_clip {
            true => Clipping::default(),
            false => Clipping::by_norm(self.clip_norm),
        };
        Probe {
            problem: self.problem,
            layers: self.layers,
            hidden: self.hidden,
            chrono: !self.no_chrono,
            batch: self.batch,
            steps: self.steps,
            lr: self.lr,
            clipping,
            test: self.test,
            test_steps: self.test_steps,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let probe = arguments.probe();
    probe.check()?;
    counts([("seeds", arguments.seeds)])?;
    different("lengths", &arguments.lengths, usize::to_string)?;
    different("cells", &arguments.cells, |cell| cell.name())?;
    let mut lengths = arguments.lengths.iter();
    lengths.try_for_each(|length| probe.check_length(*length))?;
    let device = arguments.device.pick()?;
    let cells = match arguments.cells.as_slice() {
        [] => CellKind::value_variants(),
        some => some,
    };
    let (problem, name) = (probe.problem, probe.problem.name());
    let svg = arguments.svg.clone();
    let svg = svg.unwrap_or_else(|| PathBuf::from(format!("probe-{name}.svg")));
    arguments.overwriting.check("svg", &svg)?;
    let last = arguments.seed.saturating_add(arguments.seeds as u64);
    let mut trials: Vec<Trial> = Vec::new();
    for &length in &arguments.lengths {
        for &cell in cells {
            for seed in arguments.seed..last {
                let trial = probe.trial(cell, length, seed, &device, &mut |_, _| {})?;
                say(format_args!("{name} {length}: {}", line(&trial)));
                trials.push(trial);
            }
        }
    }
    drawing::write(&svg, &draw_trials(problem, &trials)?)?;
    if arguments.json {
        return print_json(&json!({
            "problem": problem,
            "figure": problem.figure(),
            "device": device.name,
            "settings": probe,
            "rows": trials,
            "drawn": svg.display().to_string(),
        }));
    }
    let rows = cells_and_lengths(&trials);
    let rows = rows.into_iter().map(|some| row(&some));
    print(&format!(
        "{name}: {} in the last test, by seed\n\n\
         length  cell             parameters  solved  without memory  reached\n{}\ndrawn in {}\n",
        problem.figure(),
        rows.collect::<String>(),
        svg.display()
    ))
}

/// A trial, in a line.
fn line(trial: &Trial) -> String {
    format!(
        "{} from seed {}: {:.3e} after {} steps, {:.0} s{}{}",
        trial.cell.name(),
        trial.seed,
        trial.figure,
        trial.steps,
        trial.seconds,
        if trial.solved { ", solved" } else { "" },
        match trial.skipped_steps {
            0 => String::new(),
            skipped => format!(", {skipped} steps skipped because their loss was not finite"),
        }
    )
}

/// The trials of each length and cell, which come one after the other.
fn cells_and_lengths(trials: &[Trial]) -> Vec<Vec<&Trial>> {
    let same = |a: &Trial, b: &Trial| (a.length, a.cell) == (b.length, b.cell);
    let groups = trials.chunk_by(same);
    groups.map(|some| some.iter().collect()).collect()
}

/// What became of the seeds of one length and cell.
fn row(trials: &[&Trial]) -> String {
    let first = trials[0];
    let solved = trials.iter().filter(|trial| trial.solved).count();
    let reached = trials.iter().map(|trial| format!("{:.2e}", trial.figure));
    format!(
        "{:>6}  {:<15}  {:>10}  {solved:>3}/{:<2}  {:>14.4}  {}\n",
        first.length,
        first.cell.name(),
        first.parameters,
        trials.len(),
        first.blind,
        reached.collect::<Vec<_>>().join("  ")
    )
}
