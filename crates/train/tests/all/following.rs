//! What follows the evaluations of a training: its end, its learning rate, the weights that are kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::folder::weights;
use crate::support::{backdraft, trained};

fn figures(run: &str) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(run).join("metrics.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn run(more: &str) -> (tempfile::TempDir, String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let more: Vec<&str> = more.split_whitespace().collect();
    let (run, report) = trained(folder.path(), &more);
    (folder, run, report)
}

/// At such a rate nothing gets better for long.
const WILD: &str = "--optimizer sgd --lr 20 --steps 300 --evaluate-steps 4";

#[test]
fn evaluations_that_get_no_better_end_it() {
    let (_folder, run, report) = run(&format!("{WILD} --decay constant --stop-after 3"));
    let steps = report["steps"].as_u64().unwrap();
    assert!(steps < 300, "{report}");
    let lines = figures(&run);
    let losses = lines.iter().filter(|line| line["split"] == "valid");
    let losses: Vec<f64> = losses
        .map(|line| line["loss"].as_f64().unwrap_or(f64::NAN))
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let at = losses.iter().position(|loss| *loss == best).unwrap();
    assert_eq!(losses.len() - 1 - at, 3, "{losses:?}");
    assert_eq!(
        report["loss"].as_f64(),
        Some(best),
        "the best weights are kept"
    );
}

#[test]
fn a_plateau_lowers_the_rate() {
    let (_folder, run, _) = run(&format!("{WILD} --decay plateau --fall-after 1"));
    let mut rates = Vec::new();
    let (mut best, mut expected) = (f64::INFINITY, 20.0);
    for line in figures(&run) {
        match line["split"].as_str() {
            Some("train") => {
                let rate = line["learning_rate"].as_f64().unwrap();
                assert!(
                    (rate / expected - 1.0).abs() < 1e-9,
                    "{rate}, not {expected}"
                );
                rates.push(rate.to_bits());
            }
            _ => {
                let loss = line["loss"].as_f64().unwrap_or(f64::NAN);
                if loss < best {
                    best = loss;
                } else {
                    expected *= 0.5;
                }
            }
        }
    }
    let different: BTreeSet<u64> = rates.into_iter().collect();
    assert!(different.len() > 2);
}

/// Steps of both are the same to the last bit: nothing of a training changes by an evaluation. The
/// last evaluation is the best, so that the last weights are those that are kept.
#[test]
fn an_evaluation_changes_nothing() {
    let asked = "--steps 90 --dropout 0.2 --layers 2";
    let (_alone, alone, _) = run(asked);
    let (_often, often, _) = run(&format!("{asked} --evaluate-steps 7"));
    let losses = |run: &str| -> Vec<Value> {
        let lines = figures(run).into_iter();
        let learned = lines.filter(|line| line["split"] == "train");
        learned.map(|line| line["loss"].clone()).collect()
    };
    assert_eq!(losses(&often), losses(&alone));
    let evaluations = |run: &str| {
        let lines = figures(run);
        lines.iter().filter(|line| line["split"] == "valid").count()
    };
    assert!(evaluations(&often) > evaluations(&alone) + 8);
}

#[test]
fn the_average_is_what_is_kept() {
    let asked = "--steps 60";
    let (_plain, plain, _) = run(asked);
    // An average that keeps nothing of itself is the last weights.
    let (_last, last, _) = run(&format!("{asked} --average ema --average-decay 0"));
    assert!(weights(&last) == weights(&plain));
    let (_averaged, averaged, report) = run(&format!("{asked} --average ema --average-decay 0.9"));
    assert!(weights(&averaged) != weights(&plain));
    let evaluated = backdraft(&["evaluate", &averaged, "--json"]);
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).unwrap();
    assert_eq!(evaluated["loss"], report["loss"]);
}
