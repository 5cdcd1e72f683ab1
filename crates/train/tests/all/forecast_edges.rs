//! Series that nobody draws in a textbook: each is learned from beside the others, and forecast in its own size.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;

use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::support::{backdraft, refused, succeeded};

/// Series by name, in steps of a day; empty where a value is missing.
fn series() -> Vec<(&'static str, Vec<Option<f64>>)> {
    let mut random = StdRng::seed_from_u64(5);
    let steps = 0..80_u32;
    let swing = |step: u32| 2.0 + (f64::from(step) * 0.7).sin();
    let all =
        |of: &mut dyn FnMut(u32) -> f64| steps.clone().map(|t| Some(of(t))).collect::<Vec<_>>();
    let mut level = 0.0;
    let walk = all(&mut |_| {
        level += random.random_range(-1.0..1.0);
        level
    });
    let holes = steps
        .clone()
        .map(|t| (!random.random_bool(0.3)).then(|| swing(t)));
    let holes = holes.collect();
    let mut open = all(&mut |t| swing(t));
    open.extend([None; 5]);
    vec![
        ("constant", all(&mut |_| 7.0)),
        ("spike", all(&mut |t| f64::from(u8::from(t == 40)))),
        ("tiny", all(&mut |t| 1e-30 * swing(t))),
        ("huge", all(&mut |t| 1e30 * swing(t))),
        ("walk", walk),
        ("holes", holes),
        ("open", open),
        ("empty", vec![None; 80]),
        ("one", vec![Some(3.0)]),
        ("two", vec![Some(3.0), Some(4.0)]),
    ]
}

fn table<'a>(all: impl IntoIterator<Item = &'a (&'static str, Vec<Option<f64>>)>) -> String {
    let mut table = String::from("day,name,z\n");
    for (name, values) in all {
        for (day, value) in values.iter().enumerate() {
            let value = value.map_or_else(String::new, |value| value.to_string());
            writeln!(table, "{day},{name},{value}").unwrap();
        }
    }
    table
}

#[test]
fn odd_series_are_learned_from_and_forecast_in_their_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, run, all) = (path("odd.csv"), path("run"), series());
    fs::write(&data, table(&all)).unwrap();
    // A window is shorter than the horizon.
    let asked = "train forecast --series-column name --window 12 --horizon 40 --valid-steps 10 --hidden 12 \
                 --epochs 20 --lr 0.01 --device flex --json";
    let asked: Vec<&str> = asked.split_whitespace().collect();
    let output = backdraft(&[&asked[..], &["--data", &data, "--out", &run]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for figure in ["loss", "mase", "smape", "crps", "coverage_90"] {
        assert!(
            report[figure].as_f64().is_some_and(f64::is_finite),
            "{report}"
        );
    }
    // What was never observed cannot be used; what is short is learned from alone.
    assert_eq!(
        (&report["skipped_rows"], &report["valid_examples"]),
        (&1.into(), &7.into())
    );
    let short = "note: 2 series too short to hold out steps of, such as `one` of 1 step: learned from in whole";
    assert!(error.contains(short), "{error}");

    let forecast = |name: &str, table: &str| {
        fs::write(path(name), table).unwrap();
        succeeded(&["predict", &run, &path(name)])
    };
    let told = forecast("all.csv", &table(&all));
    let mut steps: HashMap<&str, Vec<[f64; 3]>> = HashMap::new();
    for line in told.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let numbers = [2, 3, 4].map(|cell| cells[cell].parse::<f64>().unwrap());
        assert!(numbers.iter().all(|number| number.is_finite()), "{line}");
        steps.entry(cells[0]).or_default().push(numbers);
    }
    assert_eq!(steps.len(), 9);
    assert!(steps.values().all(|steps| steps.len() == 40));
    for (name, least, most) in [
        ("tiny", 0.0, 4e-30),
        ("huge", 0.0, 4e30),
        ("constant", 3.0, 11.0),
    ] {
        for [mean, ..] in &steps[name] {
            assert!((least..most).contains(mean), "{name}: {mean}");
        }
    }
    // Far beyond what a window shows, one is no surer than of the next step.
    let wide = |[_, lower, upper]: &[f64; 3]| upper - lower;
    let walk = &steps["walk"];
    let last = walk[30..].iter().map(wide).fold(f64::INFINITY, f64::min);
    assert!(last > wide(&walk[0]), "{walk:?}");

    // Each by itself is forecast as beside the others.
    for one in all.iter().filter(|(name, _)| *name != "empty") {
        let alone = forecast("alone.csv", &table([one]));
        let rows = told
            .lines()
            .filter(|line| line.starts_with(&format!("{},", one.0)));
        assert_eq!(
            alone.lines().skip(1).collect::<Vec<_>>(),
            rows.collect::<Vec<_>>()
        );
    }
    refused(
        &["predict", &run, &{
            let empty = all.iter().find(|(name, _)| *name == "empty");
            fs::write(path("empty.csv"), table(empty)).unwrap();
            path("empty.csv")
        }],
        "empty.csv",
    );
    // None is long enough.
    fs::write(path("short.csv"), table(&all[8..])).unwrap();
    refused(
        &[
            &asked[..asked.len() - 1],
            &["--data", &path("short.csv"), "--out", &path("none")],
        ]
        .concat(),
        "--valid-steps: expected at most 0, as the longest series has 2, found 10",
    );
}
