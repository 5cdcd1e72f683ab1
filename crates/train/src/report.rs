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

/// The page of one run or of several.
///
/// # Errors
///
/// When a folder is no run, or its figures are not there or damaged.
pub fn report_runs(runs: &[&Path]) -> Result<String, TrainError> {
    let histories: Vec<History> = runs
        .iter()
        .map(|run| History::read(run))
        .collect::<Result<_, _>>()?;
    let pictures = charts(&histories)
        .iter()
        .map(Chart::svg)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page::page(&histories, &pictures))
}

/// The figures of a report, drawn one by one: each with its name, as SVG.
///
/// # Errors
///
/// As [`report_runs`].
pub fn draw_runs(runs: &[&Path]) -> Result<Vec<(&'static str, String)>, TrainError> {
    let histories: Vec<History> = runs
        .iter()
        .map(|run| History::read(run))
        .collect::<Result<_, _>>()?;
    let charts = charts(&histories);
    charts
        .iter()
        .map(|chart| Ok((chart.name, chart.svg()?)))
        .collect()
}

fn charts(histories: &[History]) -> Vec<Chart> {
    let mut charts = vec![
        Chart {
            name: "loss",
            title: "Bits per character: learned (thin), and held out",
            scale: Scale::Linear,
            curves: Vec::new(),
        },
        Chart {
            name: "gradient-norm",
            title: "Norm of the whole gradient before clipping, and where it is clipped (dashed)",
            scale: Scale::Logarithmic,
            curves: Vec::new(),
        },
        Chart {
            name: "learning-rate",
            title: "Learning rate",
            scale: Scale::Linear,
            curves: Vec::new(),
        },
        Chart {
            name: "throughput",
            title: "Symbols a second",
            scale: Scale::Linear,
            curves: Vec::new(),
        },
        Chart {
            name: "left-out",
            title: "Steps left out by the guard",
            scale: Scale::Linear,
            curves: Vec::new(),
        },
    ];
    for (colour, history) in histories.iter().enumerate() {
        let name = match histories.len() {
            1 => String::new(),
            _ => history.name.clone(),
        };
        let curve = |points: Vec<(f64, f64)>| Curve {
            name: name.clone(),
            colour,
            points,
            width: 2,
            dashed: false,
        };
        let thin = |points| Curve {
            width: 1,
            name: String::new(),
            ..curve(points)
        };
        charts[0]
            .curves
            .push(thin(history.learned(|line| line.bits_per_character)));
        charts[0].curves.push(curve(history.held_out()));
        charts[1]
            .curves
            .push(curve(history.learned(|line| line.gradient_norm)));
        if let Some(limit) = history.description.settings.clipping.norm {
            let last = history.last_step();
            charts[1].curves.push(Curve {
                dashed: true,
                ..thin(vec![(0.0, limit), (last, limit)])
            });
        }
        charts[2]
            .curves
            .push(curve(history.learned(|line| line.learning_rate)));
        charts[3].curves.push(curve(history.throughput()));
        charts[4]
            .curves
            .push(curve(history.learned(|line| Some(line.skipped as f64))));
    }
    // Where nothing was left out there is nothing to see.
    charts.retain(|chart| chart.name != "left-out" || chart.greatest() > 0.0);
    charts
}
