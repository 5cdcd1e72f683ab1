//! `backdraft baselines` and `backdraft probe`, as they are typed.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::command;

fn backdraft(folder: &Path, arguments: &[&str]) -> Output {
    command(arguments).current_dir(folder).output().unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = backdraft(
        folder,
        &[arguments, &["--device", "flex", "--json"]].concat(),
    );
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str], expected: &str) {
    let output = backdraft(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(error.contains(expected), "{error}");
}

/// A figure of the row whose model begins with this name, or else has it in it.
fn figure(report: &Value, model: &str, name: &str) -> f64 {
    let rows = report["rows"].as_array().unwrap();
    let called = |row: &&Value| row["model"].as_str().unwrap().contains(model);
    let begins = |row: &&Value| row["model"].as_str().unwrap().starts_with(model);
    let row = rows.iter().find(begins).or(rows.iter().find(called));
    let row = row.unwrap_or_else(|| panic!("no {model} in {report}"));
    row[name].as_f64().unwrap()
}

fn check_rows(report: &Value, count: usize) {
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), count, "{report}");
    for row in rows {
        for name in ["parameters", "fit_seconds", "step_microseconds"] {
            assert!(row[name].as_f64().unwrap() > 0.0, "{name} of {row}");
        }
    }
}

/// Numbers that look random and are the same everywhere.
fn random(count: usize) -> Vec<u32> {
    let next = |state: &u64| {
        Some(
            state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407),
        )
    };
    let states = std::iter::successors(Some(7u64), next).skip(1);
    states
        .take(count)
        .map(|state| (state >> 33) as u32)
        .collect()
}

/// Words of which the second is told by the one before it: a window of a few characters knows it, how
/// frequent characters are does not.
#[test]
fn models_of_text_are_told_apart_by_what_they_remember() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["ab", "acc", "addd"];
    let text: String = random(6000)
        .iter()
        .map(|n| words[(n % 3) as usize])
        .collect();
    std::fs::write(folder.path().join("text.txt"), &text).unwrap();
    let asked = [
        "baselines",
        "lm",
        "--data",
        "text.txt",
        "--cells",
        "elman,gru",
    ];
    let less = [
        "--steps",
        "200",
        "--hidden",
        "16",
        "--window",
        "4",
        "--states",
        "6",
        "--valid-fraction",
        "0.1",
        "--lr",
        "0.02",
    ];
    let report = json(folder.path(), &[&asked[..], &less].concat());
    check_rows(&report, 10);
    let bits = |model| figure(&report, model, "bits_per_character");
    // One of three words of 2, 3 or 4 characters: all the rest follows.
    let entropy = 3f64.log2() / 3.0;
    let unigram = bits("how frequent");
    assert!(unigram > entropy + 0.8, "{unigram}");
    for model in [
        "Kneser-Ney",
        "the last 4, a hidden layer",
        "time-delay",
        "elman",
        "gru",
    ] {
        let bits = bits(model);
        assert!(
            bits > entropy - 0.05 && bits < entropy + 0.25,
            "{model}: {bits}"
        );
        assert!(bits < unigram - 0.5, "{model}: {bits} beside {unigram}");
    }
    // Expectation maximisation may end in an optimum that is none of all.
    let markov = bits("hidden Markov");
    assert!(
        markov > entropy - 0.05 && markov < unigram - 0.5,
        "{markov}"
    );
    assert_eq!(report["rows"][8]["remembers"], "recurrence");
    assert_eq!(report["rows"][0]["remembers"], "window");

    // The same again is the same, but for the times: of a short text, which is no less drawn from.
    std::fs::write(folder.path().join("short.txt"), &text[..600]).unwrap();
    let short = [
        "baselines",
        "lm",
        "--data",
        "short.txt",
        "--cells",
        "gru",
        "--batch",
        "4",
        "--steps",
        "5",
        "--hidden",
        "8",
        "--states",
        "3",
        "--valid-fraction",
        "0.2",
    ];
    let [one, again] = [(), ()].map(|()| json(folder.path(), &short));
    let rows = |report: &Value| report["rows"].as_array().unwrap().clone();
    for (row, again) in rows(&one).iter().zip(rows(&again)) {
        let name = "bits_per_character";
        assert!(row[name].is_number(), "{row}");
        assert_eq!(row[name], again[name], "{row}");
    }
}

/// A series that goes back to its mean, with a gap: the last value says too much.
#[test]
fn models_of_series_are_held_against_the_last_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut value = 0.0;
    let mut table = String::from("time,value\n");
    for (step, noise) in random(400).into_iter().enumerate() {
        value = -0.8 * value + f64::from(noise % 1000) / 500.0 - 1.0;
        let shown = match (100..103).contains(&step) {
            true => String::new(),
            false => format!("{:.4}", 50.0 + value),
        };
        table += &format!("{step},{shown}\n");
    }
    std::fs::write(folder.path().join("series.csv"), table).unwrap();
    let asked = [
        "baselines",
        "forecast",
        "--data",
        "series.csv",
        "--cells",
        "gru",
        "--season",
        "7",
    ];
    let less = ["--steps", "200", "--window", "3", "--states", "4"];
    let report = json(folder.path(), &[&asked[..], &less].concat());
    check_rows(&report, 11);
    let naive = figure(&report, "as the last value", "mase");
    // Of noise that is uniform, the mean size is half of its range: beside the mean step.
    for model in ["order by AIC", "by gradient", "linear dynamics of 4", "gru"] {
        let mase = figure(&report, model, "mase");
        assert!(mase < 0.6 * naive, "{model}: {mase} beside {naive}");
        let coverage = figure(&report, model, "coverage_90");
        assert!(coverage > 0.75, "{model}: {coverage}");
    }
    refused(
        folder.path(),
        &[
            "baselines",
            "forecast",
            "--data",
            "series.csv",
            "--valid-steps",
            "399",
        ],
        "--valid-steps: expected at most 398, as a series has 400, found 399",
    );
    refused(
        folder.path(),
        &[
            "baselines",
            "forecast",
            "--data",
            "series.csv",
            "--season",
            "340",
        ],
        "--season: expected less than the 340 steps",
    );
}

/// What `x` is depends on the word before it.
#[test]
fn models_of_tags_are_told_apart_by_what_they_see() {
    let folder = tempfile::tempdir().unwrap();
    let mut sentences = String::new();
    let numbers = random(4000);
    for pair in numbers.chunks(2) {
        let (word, tag) = [("the", "N"), ("to", "V")][(pair[0] % 2) as usize];
        sentences += &format!(
            "{word}\tD\nx\t{tag}\n{}\tP\n\n",
            [".", "!"][(pair[1] % 2) as usize]
        );
    }
    std::fs::write(folder.path().join("tags.tsv"), sentences).unwrap();
    let asked = ["baselines", "tag", "--data", "tags.tsv", "--cells", "lstm"];
    let less = [
        "--steps", "80", "--hidden", "16", "--window", "2", "--lr", "0.02",
    ];
    let report = json(folder.path(), &[&asked[..], &less].concat());
    check_rows(&report, 7);
    let accuracy = |model| figure(&report, model, "accuracy");
    // A third of the words are `x`, and of these half are right.
    for model in ["most frequent tag", "the word, a hidden layer"] {
        let accuracy = accuracy(model);
        assert!((accuracy - 5.0 / 6.0).abs() < 0.05, "{model}: {accuracy}");
    }
    for model in ["the last 2 words", "time-delay", "lstm, both directions"] {
        assert!(accuracy(model) > 0.99, "{model}");
    }
    refused(
        folder.path(),
        &["baselines", "tag", "--data", "none.tsv"],
        "none.tsv",
    );
}

#[test]
fn a_probe_tells_who_remembers_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let asked = [
        "probe",
        "temporal-order",
        "--lengths",
        "12",
        "--cells",
        "gru",
        "--seeds",
        "2",
    ];
    let less = [
        "--hidden",
        "16",
        "--steps",
        "1500",
        "--lr",
        "0.01",
        "--test",
        "300",
        "--svg",
        "drawn.svg",
    ];
    let report = json(folder.path(), &[&asked[..], &less].concat());
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (seed, row) in rows.iter().enumerate() {
        assert_eq!(row["seed"], seed);
        assert_eq!(row["solved"], true, "{row}");
        assert!(row["figure"].as_f64().unwrap() < 0.01, "{row}");
        assert_eq!(row["blind"], 0.75);
    }
    let svg = std::fs::read_to_string(folder.path().join("drawn.svg")).unwrap();
    assert!(svg.contains("without memory") && svg.contains("gru"));

    let again = json(folder.path(), &[&asked[..], &less].concat());
    for (row, again) in rows.iter().zip(again["rows"].as_array().unwrap()) {
        assert_eq!(
            [&row["figure"], &row["steps"]],
            [&again["figure"], &again["steps"]]
        );
    }
    refused(
        folder.path(),
        &["probe", "temporal-order", "--lengths", "5"],
        "expected at least 10 for temporal-order, found 5",
    );
    refused(
        folder.path(),
        &["probe", "adding", "--lr", "-1"],
        "--lr: expected a finite number above 0, found -1",
    );
    refused(
        folder.path(),
        &["probe", "adding", "--hidden", "0"],
        "--hidden: expected at least 1, found 0",
    );
    refused(
        folder.path(),
        &["probe", "adding", "--clip-norm", "0"],
        "--clip-norm: expected a finite number above 0, found 0",
    );
}

/// On a slope of 1 a step, the value of h steps before is wrong by h: by 2 in the mean of three steps, in units of the
/// error of one. What knows slopes is right, however far it looks.
#[test]
fn many_steps_are_forecast_from_one_origin_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..60).map(|step| format!("{},{step}\n", 1900 + step));
    let table = format!("year,level\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("slope.csv"), table).unwrap();
    let asked = ["baselines", "forecast", "--data", "slope.csv"];
    let small = ["--cells", "gru", "--steps", "20", "--hidden", "4"];
    let rolling = ["--valid-steps", "9", "--horizon", "3"];
    let all = [&asked[..], &small, &rolling].concat();
    let report = json(folder.path(), &all);
    let mase = |report: &Value, model| figure(report, model, "mase");
    assert!((mase(&report, "as the last value") - 2.0).abs() < 1e-9);
    assert!(mase(&report, "linear dynamics: level and slope") < 1e-2);
    assert!(mase(&report, "gru").is_finite());
    // What follows exactly from the values before has no likelihood: an autoregression is left out, and said to be.
    let output = backdraft(folder.path(), &all);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("note: autoregression, order by AIC: left out: "),
        "{error}"
    );
    // A page shows what each of those that are left said; nobody's own file is written over.
    let paged = [&all[..], &["--page", "page.html"]].concat();
    json(folder.path(), &paged);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(page.matches("<svg").count(), rows.len());
    for row in rows {
        let model = row["model"].as_str().unwrap();
        assert_eq!(page.matches(&format!(">{model}<")).count(), 2, "{model}");
    }
    std::fs::write(folder.path().join("page.html"), "mine").unwrap();
    refused(
        folder.path(),
        &paged,
        "--page: expected a new file, or one that this program drew",
    );
    refused(
        folder.path(),
        &[&all[..], &["--page", "none/page.html"]].concat(),
        "--page: expected a file in a folder that is there, found none/page.html, and no folder none",
    );
    // Origins further apart see the same errors here.
    let apart = json(folder.path(), &[&all[..], &["--every", "3"]].concat());
    assert!((mase(&apart, "as the last value") - 2.0).abs() < 1e-9);
    refused(
        folder.path(),
        &[&asked[..], &["--valid-steps", "9", "--horizon", "10"]].concat(),
        "--horizon: expected at most 9, the steps of the series that are held out, found 10",
    );
}
