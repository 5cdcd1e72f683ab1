//! A run, or several beside each other, as one page to look at.
//!
//! The page is one HTML file that needs nothing else: curves over the steps, what goes on inside
//! the model of a single run, what was asked for, and what the model wrote as it learned.

mod differences;
mod page;
mod trained_run;

use std::path::Path;

use crate::drawing::Inside;
use crate::drawing::chart::{Chart, Curve, Legend, Scale};
use crate::fit::step_times::StepTimes;
use crate::fit::training::Terms;
use crate::{Task, TrainError};
use trained_run::TrainedRun;

/// What is drawn of runs.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The page, as HTML.
    pub page: String,
    /// Its pictures: each with its name, as SVG.
    pub pictures: Vec<(String, String)>,
    /// What is said of lines of the runs' files that cannot be read: of each such file a sentence.
    pub skipped: Vec<String>,
}

/// Draws runs beside each other: their curves, what was asked for and what they wrote.
///
/// # Errors
///
/// When a folder is no run or has no figures; lines of figures that cannot be read are left out.
pub fn report_runs(runs: &[&Path]) -> Result<RunReport, TrainError> {
    report(runs, None)
}

/// Draws one run of a task: its curves, and what goes on inside its model or what that answers to the examples that
/// were held out.
///
/// # Errors
///
/// As [`report_runs`], and when the weights are damaged. Of a run without weights, or whose held-out examples cannot be
/// read any more, the page says so.
pub fn report_task<T: Task>(run: &Path) -> Result<RunReport, TrainError> {
    report(&[run], Some(T::inside(run)?))
}

fn report(runs: &[&Path], inside: Option<Inside>) -> Result<RunReport, TrainError> {
    let runs: Vec<TrainedRun> = runs
        .iter()
        .map(|run| TrainedRun::read(run))
        .collect::<Result<_, _>>()?;
    let mut charts = vec![
        losses(&runs),
        gradient_norms(&runs),
        curves(&runs, "learning-rate", "Learning rate", |run| {
            run.learned(|line| line.learning_rate)
        }),
        curves(
            &runs,
            "throughput",
            common(&runs, |terms| terms.rate).unwrap_or(Terms::default().rate),
            TrainedRun::throughput,
        ),
    ];
    charts.extend(step_times(&runs));
    let left_out = curves(&runs, "left-out", "Steps left out by the guard", |run| {
        run.learned(|line| Some(line.skipped as f64))
    });
    // Where nothing was left out there is nothing to see.
    charts.extend((left_out.greatest() > 0.0).then_some(left_out));
    let figures = charts
        .iter()
        .map(|chart| Ok((chart.name.clone(), chart.svg()?)))
        .collect::<Result<Vec<_>, TrainError>>()?;
    let of_inside = inside.iter().flat_map(|inside| &inside.skipped);
    let skipped = runs.iter().flat_map(|run| &run.skipped).chain(of_inside);
    let skipped: Vec<String> = skipped.cloned().collect();
    let page = page::page(&runs, &figures, inside.as_ref(), &skipped);
    let inner = inside.into_iter().flat_map(Inside::into_pictures);
    let figures = figures.into_iter().chain(inner).collect();
    Ok(RunReport {
        page,
        pictures: figures,
        skipped,
    })
}

/// A curve a run.
fn curves(
    runs: &[TrainedRun],
    name: &'static str,
    title: &str,
    points: impl Fn(&TrainedRun) -> Vec<(f64, f64)>,
) -> Chart {
    let in_legend = runs.len() > 1;
    let curve = |(colour, run): (usize, &TrainedRun)| Curve {
        name: run.name.clone(),
        in_legend,
        colour,
        points: points(run),
        width: 2,
        dashed: false,
    };
    Chart {
        name: name.to_string(),
        title: title.to_string(),
        across: "steps",
        scale: Scale::Linear,
        legend: Legend::Above,
        curves: runs.iter().enumerate().map(curve).collect(),
    }
}

/// What all runs call something, if they call it the same.
fn common<T: PartialEq>(runs: &[TrainedRun], of: impl Fn(&Terms) -> T) -> Option<T> {
    let mut all = runs.iter().map(|run| of(&run.terms));
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn losses(runs: &[TrainedRun]) -> Chart {
    let name = common(runs, |terms| terms.loss.map(|loss| loss.name)).flatten();
    let title = format!("{}: learned (thin), and held out", name.unwrap_or("Loss"));
    let mut chart = curves(runs, "loss", &title, TrainedRun::held_out);
    if let [only] = &mut chart.curves[..] {
        only.name = "held out".to_string();
    }
    for (colour, run) in runs.iter().enumerate() {
        chart.curves.push(Curve {
            name: match runs.len() {
                1 => "learned".to_string(),
                _ => format!("{}, learned", run.name),
            },
            in_legend: false,
            colour,
            points: run.learned(|line| run.loss(line)),
            width: 1,
            dashed: false,
        });
    }
    chart
}

fn gradient_norms(runs: &[TrainedRun]) -> Chart {
    let title = "Norm of the whole gradient, and where it is clipped (dashed)";
    let mut chart = curves(runs, "gradient-norm", title, |run| {
        run.learned(|line| line.gradient_norm)
    });
    chart.scale = Scale::Logarithmic;
    // Of several runs there are curves enough.
    if let [run] = runs {
        chart.curves[0].name = "before clipping".to_string();
        chart.curves[0].in_legend = true;
        chart.curves.push(Curve {
            name: "after it".to_string(),
            in_legend: true,
            colour: 1,
            points: run.learned(|line| line.clipped_norm),
            width: 1,
            dashed: false,
        });
    }
    for (colour, run) in runs.iter().enumerate() {
        let limit = run.asked.training.clipping.norm;
        chart.curves.extend(limit.map(|limit| Curve {
            name: "clipped to this".to_string(),
            in_legend: false,
            colour,
            points: vec![(0.0, limit), (run.last_step(), limit)],
            width: 1,
            dashed: true,
        }));
    }
    chart
}

/// How long the parts of a step take, of a single run whose steps were timed.
fn step_times(runs: &[TrainedRun]) -> Option<Chart> {
    let [run] = runs else { return None };
    type Read = fn(&StepTimes) -> f64;
    let parts: [(&str, Read); 5] = [
        ("data", |times| times.data),
        ("forward", |times| times.forward),
        ("backward", |times| times.backward),
        ("update", |times| times.update),
        ("rest", |times| times.rest),
    ];
    let curve = |(colour, (name, read)): (usize, (&str, Read))| {
        let points = run.learned(|line| line.times.as_ref().map(|times| read(times) * 1e3));
        let mut values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        let median = values.get(values.len() / 2)?;
        Some(Curve {
            name: format!("{name} {median:.2} ms"),
            in_legend: true,
            colour,
            points,
            width: 1,
            dashed: false,
        })
    };
    let curves: Option<Vec<Curve>> = parts.into_iter().enumerate().map(curve).collect();
    Some(Chart {
        name: "step-times".to_string(),
        title: "Milliseconds a step, by part, and the median of each".to_string(),
        across: "steps",
        scale: Scale::Logarithmic,
        legend: Legend::Above,
        curves: curves?,
    })
}
