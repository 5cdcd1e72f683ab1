//! What goes on inside the model of a run: as text, as JSON and on its page.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{refused, succeeded, trained};

fn inspected(run: &str) -> Value {
    serde_json::from_str(&succeeded(&["inspect", run, "--json"])).unwrap()
}

fn page(run: &str) -> String {
    succeeded(&["report", run]);
    fs::read_to_string(Path::new(run).join("report.html")).unwrap()
}

/// The names under which an object of each entry of a list is found.
fn names(list: &Value, key: &str) -> Vec<String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry[key].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn the_inside_of_a_run_is_told_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let more = [
        "--epochs",
        "3",
        "--layers",
        "2",
        "--cell",
        "lstm",
        "--weight-norm",
        "both",
    ];
    let (run, report) = trained(folder.path(), &more);
    let text = succeeded(&["inspect", &run]);
    for part in [
        "recurrent.layers.1.cell.gates.recurrent_weight",
        "layer 2 forget",
        "layer 1 cell",
        "of 24",
        "(a window of training has 16 steps)",
        "position in the line",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let found = inspected(&run);
    // Of weight norm's two parts of a weight, what they make together is shown.
    let shape = found["weights"].as_array().unwrap().iter().find(|weight| {
        weight["name"]
            .as_str()
            .unwrap()
            .ends_with("layers.1.cell.gates.input_weight")
    });
    assert_eq!(shape.unwrap()["shape"], serde_json::json!([96, 24]));
    let gates = ["input", "forget", "candidate", "output"];
    assert_eq!(names(&found["spectra"], "gate"), [gates, gates].concat());
    let states = ["hidden", "cell"];
    assert_eq!(
        names(&found["gradients"], "state"),
        [states, states].concat()
    );
    let gates = ["input", "forget", "output", "hidden"];
    assert_eq!(names(&found["activity"], "name"), [gates, gates].concat());
    for activity in found["activity"].as_array().unwrap() {
        let shares = activity["histogram"].as_array().unwrap().iter();
        let sum: f64 = shares.map(|share| share.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{activity}");
    }
    // The weights of the best evaluation are those of the last step here.
    let lines = fs::read_to_string(Path::new(&run).join("spectra.jsonl")).unwrap();
    let snapshots: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(snapshots[0]["step"], 0);
    let last = snapshots.last().unwrap();
    assert_eq!(last["step"], report["steps"]);
    let radius = |spectra: &Value| spectra[1]["radius"].as_f64().unwrap();
    let (kept, last) = (radius(&found["spectra"]), radius(&last["spectra"]));
    assert!((kept - last).abs() < 1e-4 * kept, "{kept} {last}");
    assert_ne!(radius(&snapshots[0]["spectra"]), last);
}

#[test]
fn every_cell_is_looked_into() {
    let none: &[&str] = &[];
    let cells: [(&str, &[&str], &[&str]); 16] = [
        ("elman", &["hidden"], none),
        ("high-order-elman", none, none),
        ("jordan", none, none),
        ("elman-jordan", none, none),
        ("ind-rnn", none, none),
        (
            "four-gate-lstm",
            &["input", "forget", "candidate", "use"],
            &["input", "forget", "use"],
        ),
        ("lru", none, none),
        (
            "lstm",
            &["input", "forget", "candidate", "output"],
            &["input", "forget", "output"],
        ),
        (
            "gru",
            &["reset", "update", "candidate"],
            &["reset", "update"],
        ),
        (
            "layer-norm-lstm",
            &["input", "forget", "candidate", "output"],
            &["input", "forget", "output"],
        ),
        (
            "layer-norm-gru",
            &["reset", "update", "candidate"],
            &["reset", "update"],
        ),
        ("janet", &["forget", "candidate"], &["forget", "input"]),
        ("mgu", &["forget", "candidate"], &["forget"]),
        (
            "s-lstm",
            &["input", "forget", "candidate", "output"],
            &["input", "forget", "output"],
        ),
        ("min-gru", none, &["update"]),
        ("min-lstm", none, &["forget", "input"]),
    ];
    for (cell, matrices, gates) in cells {
        let folder = tempfile::tempdir().unwrap();
        let (run, _) = trained(folder.path(), &["--steps", "4", "--cell", cell]);
        let found = inspected(&run);
        assert_eq!(found["cell"], cell);
        assert_eq!(names(&found["spectra"], "gate"), matrices, "{cell}");
        let shown = [gates, &["hidden"]].concat();
        assert_eq!(names(&found["activity"], "name"), shown, "{cell}");
        let norm = &found["gradients"][0]["norms"][0]["median"];
        assert!(norm.as_f64().unwrap() > 0.0, "{cell}: {norm}");
        let page = page(&run);
        assert!(!page.contains("NaN"), "{cell}");
        assert_eq!(
            page.contains("<h2>What recurs</h2>"),
            !matrices.is_empty(),
            "{cell}"
        );
    }
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    // Of 4440 characters, two are held out.
    let more = ["--steps", "4", "--valid-fraction", "0.0005"];
    let (run, _) = trained(folder.path(), &more);
    let path = |name: &str| Path::new(&run).join(name);
    assert_eq!(fs::read_to_string(path("held-out.txt")).unwrap().len(), 2);
    let shown = page(&run);
    assert!(shown.contains("<h2>What recurs</h2>"));
    assert!(shown.contains("How far back gradients reach"));
    assert!(!shown.contains("Telling units") && !shown.contains("NaN"));
    assert!(shown.contains("a unit for &quot;inside quotes&quot;"));

    // A run of before has nothing of the inside of its model as it went on.
    let spectra = fs::read(path("spectra.jsonl")).unwrap();
    let gradients = fs::read(path("gradients.jsonl")).unwrap();
    fs::remove_file(path("spectra.jsonl")).unwrap();
    assert!(page(&run).contains("hidden, untrained"));
    fs::remove_file(path("gradients.jsonl")).unwrap();
    let shown = page(&run);
    assert!(shown.contains("the run has no spectra.jsonl"));
    assert!(shown.contains("the weights kept") && !shown.contains("untrained"));
    fs::write(path("spectra.jsonl"), "{\"step\": 1}\n").unwrap();
    let shown = page(&run);
    assert!(
        shown.contains("spectra.jsonl: 1 of 1 lines cannot be read and are left out: line 1: ")
    );
    assert!(!shown.contains("untrained"));
    fs::write(path("spectra.jsonl"), spectra).unwrap();
    assert!(page(&run).contains("untrained"));
    fs::write(path("gradients.jsonl"), gradients).unwrap();

    // One whose weights are gone.
    fs::remove_file(path("model.bpk")).unwrap();
    let shown = page(&run);
    assert!(shown.contains("model.bpk: the file is missing"), "{shown}");
    assert!(shown.contains("Norm of the whole gradient"));
    refused(&["inspect", &run], "model.bpk: the file is missing");
    refused(
        &["inspect", folder.path().to_str().unwrap()],
        "expected a run folder",
    );
}
