//! Forecasting, from a file to answers, on every device.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use backdraft_train::{
    ColumnOptions, Forecast, ForecastOptions, Recurrence, TaskSettings, Training,
};
use serde_json::{Value, json};

use crate::support::{
    answers, command, drawn, goes_out_and_comes_back, learned, refused, succeeded,
};

/// Two series that swing, the one ten times as far as the other, with gaps.
pub fn swings(folder: &Path) -> std::path::PathBuf {
    let mut table = String::from("day,who,sold\n");
    for (name, size) in [("small", 1.0), ("large", 10.0)] {
        for step in 0..160_u32 {
            let swing = (f64::from(step) * std::f64::consts::TAU / 8.0).sin();
            let value = match step % 13 {
                5 => String::new(),
                _ => format!("{:.4}", size * (2.0 + swing)),
            };
            writeln!(table, "{},{name},{value}", 2000 + step).unwrap();
        }
    }
    let path = folder.join("swings.csv");
    fs::write(&path, table).unwrap();
    path
}

#[test]
fn a_swing_is_foreseen_on_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = swings(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            ..Recurrence::default()
        },
        options: ForecastOptions {
            columns: ColumnOptions {
                series_column: Some("who".to_string()),
                ..ColumnOptions::default()
            },
            window: 40,
            horizon: 4,
            valid_steps: Some(24),
            ..ForecastOptions::default()
        },
        training: Training {
            batch: 4,
            epochs: Some(30),
            lr: 2e-2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Forecast>(&settings, &data, &runs, |report, device| {
        for figure in ["rmse", "coverage_50", "weighted_quantile_loss"] {
            assert!(
                report.figures[figure] > 0.0,
                "{figure} on {device}: {report:?}"
            );
        }
        let of_naive = report.figures["of_naive"];
        assert!(of_naive < 0.5, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 1 + 2 * 4);
    assert_eq!(told[0], "series,time,mean,lower_5,upper_95");
    let large: Vec<Vec<&str>> = told[5..]
        .iter()
        .map(|row| row.split(',').collect())
        .collect();
    // 160 steps are 20 swings: what comes next begins another.
    let means: Vec<f64> = large.iter().map(|row| row[2].parse().unwrap()).collect();
    assert!(means[2] > 25.0 && means[0] < 25.0, "{means:?}");
    for (row, time) in large.iter().zip(["2160", "2161", "2162", "2163"]) {
        assert_eq!(row[..2], ["large", time]);
        let [mean, lower, upper] = [2, 3, 4].map(|cell| row[cell].parse::<f64>().unwrap());
        assert!(lower < mean && mean < upper, "{row:?}");
    }
    is_the_same_from_a_pipe_and_alone(run_name(&runs).as_str(), &data, &told);
    let (page, pictures) = drawn(&runs);
    assert!(page.contains("The last part of each series"), "{page}");
    let run = runs.join("flex");
    refused(
        &[
            "predict",
            run.to_str().unwrap(),
            data.to_str().unwrap(),
            "--probabilities",
        ],
        "--probabilities: expected a run of `train classify` or `train tag`, found one of `train forecast`",
    );
    rolls(run.to_str().unwrap());
    for picture in ["forecast-1.svg", "forecast-2.svg"] {
        assert!(pictures.contains(&picture.to_string()), "{pictures:?}");
    }
    goes_out_and_comes_back(&runs);
}

fn run_name(runs: &Path) -> String {
    runs.join("flex").to_str().unwrap().to_string()
}

/// A series is forecast as it is in the file, whatever it is beside and wherever it comes from.
fn is_the_same_from_a_pipe_and_alone(run: &str, data: &Path, told: &[String]) {
    let table = fs::read_to_string(data).unwrap();
    let lines = table.lines().filter(|line| !line.contains(",small,"));
    let alone = lines.fold(String::new(), |all, line| all + line + "\n");
    let piped = |table: &str, more: &[&str]| {
        let mut asked = command(&[&["predict", run, "-"], more].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = asked.stdin.take().unwrap();
        input.write_all(table.as_bytes()).unwrap();
        drop(input);
        let output = asked.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(piped(&table, &[]).lines().collect::<Vec<_>>(), told);
    let answer = piped(&alone, &[]);
    assert_eq!(answer.lines().skip(1).collect::<Vec<_>>(), told[5..]);
    let answer: Value = serde_json::from_str(&piped(&alone, &["--json"])).unwrap();
    assert_eq!(answer["times"], json!(["2160", "2161", "2162", "2163"]));
    let mean = answer["mean"][3].as_f64().unwrap().to_string();
    assert_eq!(told[8].split(',').nth(2), Some(mean.as_str()));
}

/// Eight steps at a time, of 24 that are held out of two series.
fn rolls(run: &str) {
    let evaluate = |more: &[&str]| -> Value {
        let told = succeeded(&[&["evaluate", run, "--json"], more].concat());
        serde_json::from_str(&told).unwrap()
    };
    let all = evaluate(&["--horizon", "8"]);
    assert_eq!(
        (&all["forecasts"], &all["horizon"]),
        (&json!(34), &json!(8))
    );
    let error = |report: &Value| report["mase"].as_f64().unwrap();
    assert!(
        error(&all) < 0.7 * all["naive_mase"].as_f64().unwrap(),
        "{all}"
    );
    assert!(all["coverage_90"].as_f64().unwrap() > 0.5, "{all}");
    let some = evaluate(&["--horizon", "8", "--every", "8"]);
    assert_eq!(some["forecasts"], 6);
    // One step at a time is nearly what is foreseen without sampling.
    let (ahead, one) = (evaluate(&["--horizon", "1"]), evaluate(&[]));
    let apart = (error(&ahead) - error(&one)).abs();
    assert!(apart < 0.1 * error(&one), "{ahead} beside {one}");
    refused(
        &["evaluate", run, "--horizon", "25"],
        "--horizon: expected at most 24, the steps of series `small` that are held out, found 25",
    );
}

/// What never changes is foreseen, and has no figure in units of its changes.
#[test]
fn a_constant_series_is_learned_beside_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    type Step = fn(u32) -> u32;
    let train = |name: &str, series: &[(&str, Step)]| -> Value {
        let mut table = String::from("time,value,series\n");
        for (name, value) in series {
            for step in 0..40 {
                writeln!(table, "{},{},{name}", 2000 + step, value(step)).unwrap();
            }
        }
        let data = path(&format!("{name}.csv"));
        fs::write(&data, table).unwrap();
        let out = path(name);
        let train = [
            "train",
            "forecast",
            "--data",
            &data,
            "--out",
            &out,
            "--series-column",
            "series",
            "--epochs",
            "1",
            "--hidden",
            "4",
            "--device",
            "flex",
            "--json",
        ];
        serde_json::from_str(&succeeded(&train)).unwrap()
    };
    let alone = train("alone", &[("still", |_| 3)]);
    assert!(alone["mase"].is_null(), "{alone}");
    assert!(alone["crps"].as_f64().is_some(), "{alone}");
    let both = train("both", &[("still", |_| 3), ("moving", |step| step % 5)]);
    assert!(both["mase"].as_f64().is_some_and(f64::is_finite), "{both}");
    assert!(
        both["of_naive"].as_f64().is_some_and(f64::is_finite),
        "{both}"
    );
    // Those of zeros alone have no size that they could be divided by.
    let zeros = train("zeros", &[("zeros", |_| 0)]);
    assert!(
        zeros["loss"].as_f64().is_some_and(f64::is_finite),
        "{zeros}"
    );
}
