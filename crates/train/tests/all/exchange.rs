//! Weights that go out of a run and come into one.

use std::fs;
use std::path::Path;

use backdraft_exchange::pytorch::StateDict;
use serde_json::Value;

use crate::support::{backdraft, refused, succeeded, trained};

/// PyTorch's own part is in backdraft-exchange's tests, and in `peers/language_model.py`.
#[test]
fn weights_go_out_and_come_back_in() {
    let folder = tempfile::tempdir().unwrap();
    let (run, report) = trained(folder.path(), &[]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, copy) = (path("weights.safetensors"), path("copy"));

    let output = backdraft(&["export", &run, &file, "--json"]);
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["parameters"], report["parameters"]);
    // The embedding, the output and its bias, and four of one layer.
    assert_eq!(told["tensors"], 7);

    let output = backdraft(&["import", &file, "--like", &run, "--out", &copy]);
    assert!(output.status.success(), "{output:?}");
    let loss = |run: &str| {
        let output = backdraft(&["evaluate", run, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["loss"].as_f64().unwrap()
    };
    assert_eq!(loss(&copy), loss(&run));

    // What is there already is written over when that is asked for.
    let before = fs::read(&file).unwrap();
    refused(
        &["export", &run, &file],
        "expected a new one (--force overwrites it), found ",
    );
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::write(&file, "").unwrap();
    succeeded(&["export", &run, &file, "--force"]);
    assert_eq!(fs::read(&file).unwrap(), before);

    // What PyTorch has no place for stays here, and is used here.
    for (other, expected) in [
        (
            ["--cell", "janet"],
            "one that PyTorch has: elman, lstm or gru, found janet",
        ),
        (["--weight-norm", "both"], "weight norm: expected off"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (run, _) = trained(folder.path(), &other);
        refused(&["export", &run, &path("none.safetensors")], expected);
        assert!(loss(&run).is_finite());
        assert!(backdraft(&["generate", &run]).status.success());
    }

    refused(
        &["export", &run, &path("weights.pt")],
        "ends in .safetensors",
    );
    refused(
        &["import", &file, "--like", &run, "--out", &copy],
        "found a run",
    );
    let other = path("other");
    let prefixed = [
        "import", &file, "--like", &run, "--out", &other, "--prefix", "model",
    ];
    refused(&prefixed, "missing: model.embedding.weight");
    assert!(!Path::new(&other).exists());
}

/// What `torch.compile` and the like put into names, the error proposes to take out.
#[test]
fn tensors_come_in_by_other_names() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &[]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, wrapped, copy) = (
        path("own.safetensors"),
        path("wrapped.safetensors"),
        path("copy"),
    );
    succeeded(&["export", &run, &file]);
    let wrap = |name: &str| Some(name.replace("recurrent.", "body.rnn._orig_mod."));
    let state = StateDict::open(&file).unwrap().renamed_by(wrap).unwrap();
    state.save(&wrapped).unwrap();

    let import = |rules: &[&str]| -> Vec<String> {
        let start = ["import", &wrapped, "--like", &run, "--out", &copy];
        let rules = rules.iter().flat_map(|rule| ["--rename", rule]);
        start.into_iter().chain(rules).map(str::to_string).collect()
    };
    let refused = |rules: &[&str], expected: &str| {
        let arguments = import(rules);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&arguments, expected);
        assert!(!Path::new(&copy).exists());
    };
    refused(
        &[],
        "they fit with no prefix, renamed by `body.rnn._orig_mod=recurrent`",
    );
    refused(
        &["_orig_mod="],
        "they fit with no prefix, renamed by `body.rnn=recurrent`",
    );
    refused(
        &["module="],
        "rule `module=`: expected a name with FROM between its dots, found \
         `body.rnn._orig_mod.bias_hh_l0, body.rnn._orig_mod.bias_ih_l0, body.rnn._orig_mod.weight_hh_l0, ..`",
    );
    refused(
        &["module"],
        "expected FROM=TO, as in `module=`, found `module`",
    );
    let arguments = import(&["_orig_mod=", "body.rnn=recurrent"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    succeeded(&arguments);
    succeeded(&["export", &copy, &path("again.safetensors")]);
    let read = |file: &str| fs::read(file).unwrap();
    assert_eq!(read(&path("again.safetensors")), read(&file));
}
