//! A run, or several beside each other, as one page to look at.
//!
//! The page is one HTML file that needs nothing else: curves over the steps, what was asked for,
//! and what the model wrote as it learned.

mod chart;
mod history;
mod page;

use std::path::Path;

use crate::TrainError;
use chart::{Chart, Curve, Scale};
use history::History;

/// What is drawn of runs.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The page, as HTML.
    pub page: String,
    /// Its figures: each with its name, as SVG.
    pub figures: Vec<(&'static str, String)>,
}

/// Draws one run, or several.
///
/// # Errors
///
/// When a folder is no run, or its figures are not there or damaged.
pub fn report_runs(runs: &[&Path]) -> Result<RunReport, TrainError> {
    let runs: Vec<History> = runs
        .iter()
        .map(|run| History::read(run))
        .collect::<Result<_, _>>()?;
    let mut charts = vec![
        losses(&runs),
        gradient_norms(&runs),
        curves(&runs, "learning-rate", "Learning rate", |run| {
            run.learned(|line| line.learning_rate)
        }),
        curves(&runs, "throughput", "Symbols a second", History::throughput),
    ];
    let left_out = curves(&runs, "left-out", "Steps left out by the guard", |run| {
        run.learned(|line| Some(line.skipped as f64))
    });
    // Where nothing was left out there is nothing to see.
    charts.extend((left_out.greatest() > 0.0).then_some(left_out));
    let figures = charts
        .iter()
        .map(|chart| Ok((chart.name, chart.svg()?)))
        .collect::<Result<Vec<_>, TrainError>>()?;
    let page = page::page(&runs, &figures);
    Ok(RunReport { page, figures })
}

/// A curve a run.
fn curves(
    runs: &[History],
    name: &'static str,
    title: &'static str,
    points: impl Fn(&History) -> Vec<(f64, f64)>,
) -> Chart {
    let named = runs.len() > 1;
    let curve = |(colour, run): (usize, &History)| Curve {
        name: named.then(|| run.name.clone()),
        colour,
        points: points(run),
        width: 2,
        dashed: false,
    };
    Chart {
        name,
        title,
        scale: Scale::Linear,
        curves: runs.iter().enumerate().map(curve).collect(),
    }
}

fn losses(runs: &[History]) -> Chart {
    let title = "Bits per character: learned (thin), and held out";
    let mut chart = curves(runs, "loss", title, History::held_out);
    for (colour, run) in runs.iter().enumerate() {
        chart.curves.push(Curve {
            name: None,
            colour,
            points: run.learned(|line| line.bits_per_character),
            width: 1,
            dashed: false,
        });
    }
    chart
}

fn gradient_norms(runs: &[History]) -> Chart {
    let title = "Norm of the whole gradient before clipping, and where it is clipped (dashed)";
    let mut chart = curves(runs, "gradient-norm", title, |run| {
        run.learned(|line| line.gradient_norm)
    });
    chart.scale = Scale::Logarithmic;
    for (colour, run) in runs.iter().enumerate() {
        let limit = run.description.settings.clipping.norm;
        chart.curves.extend(limit.map(|limit| Curve {
            name: None,
            colour,
            points: vec![(0.0, limit), (run.last_step(), limit)],
            width: 1,
            dashed: true,
        }));
    }
    chart
}
