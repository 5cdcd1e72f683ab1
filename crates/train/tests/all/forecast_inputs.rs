//! What a forecaster is told beside the values: categories, covariates known beforehand and not; series in wide form.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::support::{backdraft, nonsense, refused, succeeded};

/// Series in which each value is the covariate `x` of the step, with the sign that the series' kind says, and half the
/// covariate `p` of the step before. `x` is large; neither `x` nor `p` tells anything of what comes later.
fn table(folder: &Path) -> String {
    let mut random = StdRng::seed_from_u64(3);
    let mut table = String::from("day,shop,kind,sold,x,p\n");
    for shop in 0..12_usize {
        let (kind, sign) = [("up", 1.0), ("down", -1.0)][shop % 2];
        let mut before = 0.0;
        for day in 0..60 {
            let [x, p]: [f64; 2] = [0, 1].map(|_| random.random_range(-1.0..1.0));
            let sold = sign * x + 0.5 * before;
            let x = 5e6 + 1e6 * x;
            writeln!(
                table,
                "{},{shop},{kind},{sold:.4},{x:.1},{p:.4}",
                2000 + day
            )
            .unwrap();
            before = p;
        }
    }
    let path = folder.join("shops.csv");
    fs::write(&path, table).unwrap();
    path.to_str().unwrap().to_string()
}

fn shown(arguments: &[&str]) -> (String, String) {
    let output = backdraft(arguments);
    let [told, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{arguments:?}: {error}");
    (told, error)
}

/// The mean, and how far the interval that holds nine in ten reaches, of each step.
fn forecast(told: &str) -> Vec<[f64; 2]> {
    let rows = told.lines().skip(1).map(|line| {
        let cells: Vec<f64> = line
            .split(',')
            .skip(2)
            .map(|cell| cell.parse().unwrap())
            .collect();
        [cells[0], cells[2] - cells[1]]
    });
    rows.collect()
}

#[test]
fn categories_and_covariates_decide_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, run) = (table(folder.path()), path("run"));
    let train = "train forecast --series-column shop --value-column sold --categories kind --covariates x \
                 --past-covariates p --window 20 --valid-steps 10 --horizon 3 --hidden 16 --epochs 40 \
                 --lr 0.02 --device flex --json";
    let train: Vec<&str> = train.split_whitespace().collect();
    let told = succeeded(&[&train[..], &["--data", &data, "--out", &run]].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    // By the last value it is foreseen no better than by any other.
    let of_naive = told["of_naive"].as_f64().unwrap();
    assert!(of_naive < 0.3, "{told}");
    let (again, error) = shown(&["evaluate", &run, "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["mase"], error.as_str()), (&told["mase"], ""));
    // Of the steps after the first, half of what decides is not known: no better, and known to be no better.
    let rolled = succeeded(&["evaluate", &run, "--horizon", "3", "--json"]);
    let rolled: Value = serde_json::from_str(&rolled).unwrap();
    assert!(rolled["mase"].as_f64() > told["mase"].as_f64(), "{rolled}");
    assert!(rolled["coverage_90"].as_f64().unwrap() > 0.75, "{rolled}");

    // A shop that was never seen, of which there is a single day.
    let asked = |name: &str, kind: &str| {
        let table = format!(
            "day,shop,kind,sold,x,p\n2000,n,{kind},0,5e6,-1\n2001,n,{kind},,5.9e6,\n2002,n,{kind},,5.9e6,\n"
        );
        fs::write(path(name), table).unwrap();
        shown(&["predict", &run, &path(name)])
    };
    let shortened = |name: &str| {
        format!(
            "note: {}: 2 steps are forecast of series `n`, and not 3, as the covariates of no more are known\n",
            path(name)
        )
    };
    let (up, error) = asked("up.csv", "up");
    assert_eq!(error, shortened("up.csv"));
    let (down, _) = asked("down.csv", "down");
    let (up, down) = (forecast(&up), forecast(&down));
    // The units are those of a single value, 1: 0.9 - 0.5 or -0.9 - 0.5, then without what p tells.
    assert!(up[0][0] > 0.2 && down[0][0] < -1.0, "{up:?} {down:?}");
    assert!(up[1][0] > 0.5 && down[1][0] < -0.5, "{up:?} {down:?}");
    assert!(up[1][1] > 1.2 * up[0][1], "{up:?}");
    // Neither the one nor the other.
    let (_, error) = asked("other.csv", "sideways");
    let unknown = "kind `sideways` did not occur in training, and the model makes no use of that";
    let expected = format!(
        "{}note: {}: {unknown}\n",
        shortened("other.csv"),
        path("other.csv")
    );
    assert_eq!(error, expected);

    refused(
        &[
            "train",
            "forecast",
            "--from",
            &run,
            "--data",
            &data,
            "--out",
            &path("more"),
            "--categories",
            "shop",
        ],
        "--categories",
    );
    let moved = fs::read_to_string(&data)
        .unwrap()
        .replacen(",up,", ",down,", 1);
    fs::write(path("moved.csv"), moved).unwrap();
    refused(
        &["predict", &run, &path("moved.csv")],
        "column `kind`: expected `down`, as in line 2, since a category is the same all through a series, \
         found `up`",
    );
}

/// What was the first column when it was learned from need not be the first of the next file.
#[test]
fn the_column_that_was_learned_from_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let table = |head: &str, row: &dyn Fn(u32) -> String| {
        let rows = (0..40).map(|year| format!("{},{}\n", 1900 + year, row(year % 4)));
        format!("year,{head}\n{}", rows.collect::<String>())
    };
    let run = path("run");
    for (name, content) in [
        ("one.csv", table("sold", &|value| value.to_string())),
        (
            "two.csv",
            table("price,sold", &|value| format!("{},{value}", 100 * value)),
        ),
        ("other.csv", table("count", &|value| value.to_string())),
    ] {
        fs::write(path(name), content).unwrap();
    }
    let train = [
        "train",
        "forecast",
        "--data",
        &path("one.csv"),
        "--out",
        &run,
        "--device",
        "flex",
    ];
    let few = ["--epochs", "1", "--hidden", "4", "--progress", "none"];
    succeeded(&[&train[..], &few].concat());
    let (one, said) = shown(&["predict", &run, &path("one.csv")]);
    assert_eq!(said, "");
    assert_eq!(
        shown(&["predict", &run, &path("two.csv")]),
        (one.clone(), String::new())
    );
    let note = format!(
        "note: {}: there is no column `sold`, which was learned from: `count` is read\n",
        path("other.csv")
    );
    assert_eq!(shown(&["predict", &run, &path("other.csv")]), (one, note));
}

#[test]
fn a_series_in_each_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (mut wide, mut long) = (
        String::from("year,small,large\n"),
        String::from("year,who,z\n"),
    );
    for year in 0..60_u32 {
        let swing = f64::from(year % 5);
        writeln!(wide, "{year},{swing},{}", 100.0 * swing).unwrap();
    }
    for (who, size) in [("small", 1.0), ("large", 100.0)] {
        for year in 0..60_u32 {
            writeln!(long, "{year},{who},{}", size * f64::from(year % 5)).unwrap();
        }
    }
    let ran = |name: &str, table: &str, columns: &[&str]| {
        let (data, run) = (path(&format!("{name}.csv")), path(name));
        fs::write(&data, table).unwrap();
        let train = [
            "train", "forecast", "--data", &data, "--out", &run, "--device", "flex",
        ];
        let few = ["--epochs", "2", "--hidden", "4", "--progress", "none"];
        succeeded(&[&train[..], &few, columns].concat());
        succeeded(&["predict", &run, &data])
    };
    let told = ran("wide", &wide, &["--wide"]);
    assert_eq!(told, ran("long", &long, &["--series-column", "who"]));
    assert_eq!(told.lines().count(), 1 + 2 * 12);
    // The inside of a model of series is drawn as that of others.
    succeeded(&["report", &path("wide")]);
    let page = fs::read_to_string(folder.path().join("wide/report.html")).unwrap();
    for shown in [
        "Norm of dL/dh_t, by how far",
        "Layer 1: how open the gates are",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }

    let train = ["train", "forecast", "--data", "wide.csv", "--wide"];
    fn with<'a>(train: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [train, more].concat()
    }
    nonsense(
        &with(&train, &["--series-column", "who"]),
        "--series-column cannot be combined with --wide",
    );
    nonsense(
        &with(&train, &["--covariates", "a", "--past-covariates", "b,a"]),
        "--past-covariates: expected other columns than those of --covariates, found a",
    );
    nonsense(
        &with(&train, &["--point-error", "absolute"]),
        "--point-error has an effect only with --output point",
    );
    nonsense(
        &with(&train, &["--dropout", "0.2"]),
        "--dropout has an effect only with --layers 2 or more",
    );
}
