//! The figure of a problem against the length of its sequences, a curve for each cell.

use super::{Problem, Trial};
use crate::TrainError;
use crate::drawing::chart::{Chart, Curve, GREY, Legend, Scale};

/// What is smaller is drawn there: a part that is wrong may be 0, which a logarithm has no place for.
const LEAST: f64 = 1e-4;

/// Draws trials of one problem: of each cell the median over the seeds, dashed what one reaches who
/// remembers nothing.
///
/// # Errors
///
/// When the picture cannot be drawn.
pub fn draw_trials(problem: Problem, trials: &[Trial]) -> Result<String, TrainError> {
    let mut lengths: Vec<usize> = trials.iter().map(|trial| trial.length).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut cells = Vec::new();
    for trial in trials {
        if !cells.contains(&trial.cell) {
            cells.push(trial.cell);
        }
    }
    let curve = |(index, cell): (usize, &_)| {
        let points = lengths.iter().filter_map(|length| {
            let some = trials.iter();
            let some = some.filter(|trial| trial.cell == *cell && trial.length == *length);
            let median = median(some.map(|trial| trial.figure).collect())?;
            Some((*length as f64, median.max(LEAST)))
        });
        Curve {
            name: cell.name(),
            in_legend: true,
            // Grey is for what is there to compare with.
            colour: index + usize::from(index >= GREY),
            points: points.collect(),
            width: 2,
            dashed: false,
        }
    };
    let mut curves: Vec<Curve> = cells.iter().enumerate().map(curve).collect();
    let blind = lengths
        .iter()
        .map(|length| (*length as f64, problem.blind(*length)));
    curves.push(Curve {
        name: "without memory".to_string(),
        in_legend: true,
        colour: GREY,
        points: blind.collect(),
        width: 1,
        dashed: true,
    });
    let name = problem.name();
    Chart {
        title: format!("{name}: {} (median of the seeds)", problem.figure()),
        name,
        across: "length of the sequences",
        scale: Scale::Logarithmic,
        legend: Legend::Below,
        curves,
    }
    .svg()
}

/// The middle one, the lower of two; one that is no number is above all.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().checked_sub(1)? / 2).copied()
}
