//! The program, run as a stranger runs it: what it prints, and what it says to nonsense.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

const TINY: [&str; 4] = ["--shapes", "2,3,4,5", "--pairs", "2"];

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft-bench"));
    command.args(arguments).output().unwrap()
}

#[track_caller]
fn object(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    let object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(object.is_object(), "{object}");
    object
}

#[track_caller]
fn refused(arguments: &[&str], code: i32, expected: &str) {
    let output = bench(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert!(
        output.stdout.is_empty(),
        "{arguments:?}: something on standard output"
    );
    assert!(
        error.contains(expected),
        "{arguments:?}: expected `{expected}` in: {error}"
    );
    assert!(!error.contains("internal error"), "{arguments:?}: {error}");
    let messages = error.lines().filter(|line| line.starts_with("error:"));
    assert_eq!(messages.count(), 1, "{arguments:?}: {error}");
}

/// The fields that every comparison has, and what they say of each other.
#[track_caller]
fn check_row(row: &Value) {
    for (field, size) in [("batch", 2), ("time", 3), ("input", 4), ("hidden", 5)] {
        assert_eq!(row[field], size, "{field} of {row}");
    }
    for field in ["cell", "device", "against", "path"] {
        assert!(!row[field].as_str().unwrap().is_empty(), "{field} of {row}");
    }
    let number = |field: &str| {
        let value = row[field].as_f64();
        value.unwrap_or_else(|| panic!("{field} of {row}"))
    };
    for work in ["forward", "training"] {
        let [ours, theirs] = [format!("{work}_ms"), format!("against_{work}_ms")];
        assert!(number(&ours) > 0.0 && number(&theirs) > 0.0, "{row}");
        assert_eq!(number(&format!("{work}_pairs")), 2.0);
        let ratio = number(&format!("{work}_ratio"));
        let range = &row[&format!("{work}_ratio_quartiles")];
        let [least, greatest] = [0, 1].map(|end| range[end].as_f64().unwrap());
        assert!(least <= ratio && ratio <= greatest, "{row}");
        // 2 rows of 3 steps.
        let rate = number(&format!("{work}_symbols_per_second"));
        assert!((rate * number(&ours) / 6e3 - 1.0).abs() < 1e-9, "{row}");
    }
    // 3 products of 2 operations for 6 symbols, 4 + 5 numbers and 5 units of each gate.
    let gates = match row["cell"].as_str().unwrap() {
        "elman" => 1.0,
        "gru" => 3.0,
        _ => 4.0,
    };
    let flops = 3.0 * 2.0 * 6.0 * 9.0 * 5.0 * gates;
    assert!((number("gflops") * number("training_ms") * 1e6 / flops - 1.0).abs() < 1e-9);
}

fn names(rows: &Value, field: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[field].as_str().unwrap().to_string())
        .collect()
}

#[cfg(feature = "flex")]
#[test]
fn paths_are_compared() {
    let object = object(&[&["paths", "--threads", "1"], &TINY[..]].concat());
    assert_eq!(object["threads"], 1);
    let rows = &object["rows"];
    assert_eq!(
        names(rows, "cell"),
        ["elman", "elman", "lstm", "lstm", "gru", "gru"]
    );
    assert_eq!(names(rows, "against"), ["unrolled", "burn-nn"].repeat(3));
    for row in rows.as_array().unwrap() {
        check_row(row);
        assert_eq!(row["device"], "flex");
        assert!(row["path"].as_str().unwrap().starts_with("kernel"), "{row}");
        assert!(row["sgemm_gflops"].as_f64().unwrap() > 0.0, "{row}");
    }
    // The mean over one shape is that shape's ratio.
    let means = object["means"].as_array().unwrap();
    assert_eq!(means.len(), 6);
    for (mean, row) in means.iter().zip(rows.as_array().unwrap()) {
        assert_eq!(
            (&mean["cell"], &mean["against"]),
            (&row["cell"], &row["against"])
        );
        for field in ["forward_ratio", "training_ratio"] {
            let [mean, row] = [mean, row].map(|of| of[field].as_f64().unwrap());
            assert!((mean / row - 1.0).abs() < 1e-9);
        }
        assert_eq!(mean["shapes"], 1);
    }
}

#[cfg(all(feature = "flex", feature = "ndarray"))]
#[test]
fn backends_are_compared() {
    let command = ["backends", "--devices", "flex,ndarray", "--cells", "gru"];
    let object = object(&[&command[..], &TINY].concat());
    let rows = object["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    check_row(&rows[0]);
    assert_eq!(
        (&rows[0]["device"], &rows[0]["against"]),
        (&"flex".into(), &"ndarray".into())
    );
    let told = object["contenders"].to_string();
    assert!(told.contains("NdArray"), "{told}");
}

#[cfg(feature = "flex")]
#[test]
fn a_device_alone_is_compared_with_itself() {
    let command = ["backends", "--devices", "flex", "--cells", "elman"];
    let object = object(&[&command[..], &TINY].concat());
    check_row(&object["rows"][0]);
    assert_eq!(object["rows"][0]["against"], "flex");
}

#[cfg(feature = "flex")]
#[test]
fn growth_is_measured() {
    let command = ["scaling", "--cells", "lstm,elman", "--pairs", "2"];
    let object = object(&[&command[..], &["--shapes", "8,16,16,20"]].concat());
    let rows = object["rows"].as_array().unwrap();
    let of = |cell: &str, sweep: &str, field: &str| -> Vec<u64> {
        let rows = rows
            .iter()
            .filter(|row| row["cell"] == cell && row["sweep"] == sweep);
        rows.map(|row| row[field].as_u64().unwrap()).collect()
    };
    for cell in ["lstm", "elman"] {
        assert_eq!(of(cell, "time", "time"), [16, 64, 256, 1024]);
        assert_eq!(of(cell, "batch", "batch"), [2, 8, 32]);
        assert_eq!(of(cell, "hidden", "hidden"), [5, 20, 80]);
        // Four times the steps keep about four times the bytes, beside what any run keeps.
        let kept = of(cell, "time", "bytes_kept");
        let growth = (kept[3] - kept[2]) as f64 / (kept[2] - kept[1]) as f64;
        assert!((3.5..4.5).contains(&growth), "{cell}: {kept:?}");
    }
    for row in rows {
        assert!(row["forward_ms"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["training_ms"].as_f64().unwrap() > 0.0, "{row}");
        let size = |field: &str| row[field].as_f64().unwrap();
        let units = size("batch") * size("time") * size("hidden");
        let floats = size("bytes_kept") / 4.0 / units - 1.0;
        assert!((size("floats_per_unit") - floats).abs() < 1e-9, "{row}");
    }
    // An LSTM has to keep four gates and the memory; an Elman cell has nothing but its output.
    let longest = |cell: &str| {
        let mut rows = rows
            .iter()
            .filter(|row| row["cell"] == cell && row["time"] == 1024);
        rows.next().unwrap()["floats_per_unit"].as_f64().unwrap()
    };
    assert!(longest("lstm") > longest("elman") + 3.0);
}

#[cfg(feature = "flex")]
#[test]
fn tables_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    for (command, words) in [
        ("paths", "burn-nn"),
        ("scaling", "megabytes kept for backward"),
    ] {
        let svg = folder.path().join(format!("{command}.svg"));
        let drawn = ["--cells", "gru", "--svg", svg.to_str().unwrap()];
        let output = bench(&[&[command], &TINY[..], &drawn].concat());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(
            table.contains("train ms") && table.contains("gru"),
            "{table}"
        );
        let svg = fs::read_to_string(svg).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
            "{svg}"
        );
        assert!(svg.contains(words), "{svg}");
    }
}

#[test]
fn nonsense_is_refused() {
    refused(
        &["backends", "--devices", "flex,abacus"],
        2,
        "[possible values: flex, ndarray, wgpu]",
    );
    refused(
        &["paths", "--device", "abacus"],
        2,
        "[possible values: flex, ndarray, wgpu]",
    );
    refused(
        &["paths", "--cells", "transformer"],
        2,
        "[possible values: elman, lstm, gru]",
    );
    for shape in [
        "1,2,3",
        "1,2,3,4,5",
        "0,2,3,4",
        "1,2,3,many",
        "1,2,3,99999999999",
        "",
        "1,2,3,4;",
    ] {
        refused(
            &["paths", "--shapes", shape],
            2,
            "expected batch,time,input,hidden",
        );
    }
    refused(&["paths", "--pairs", "1"], 2, "1 is not in 2..");
    refused(
        &["paths", "--threads", "0"],
        2,
        "expected a number from 1 to 1024",
    );
    refused(&["peers"], 2, "--python <PATH>");
    refused(
        &["peers", "--python", "python", "--only", "cells"],
        2,
        "[possible values: layers, language-model, translator, tagger]",
    );
    refused(&["fly"], 2, "unrecognized subcommand");

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let inside = format!("{folder}/missing/picture.svg");
    refused(
        &["paths", "--device", built(), "--svg", folder],
        1,
        "it is a folder",
    );
    refused(
        &["paths", "--device", built(), "--svg", &inside],
        1,
        "there is no such folder",
    );
}

/// A device on the CPU that this build has.
fn built() -> &'static str {
    if cfg!(feature = "flex") {
        "flex"
    } else {
        "ndarray"
    }
}

#[test]
fn a_device_that_is_not_built_in_is_told_how_to_be() {
    if cfg!(feature = "wgpu") {
        return;
    }
    let expected = "build with `--features wgpu`";
    refused(&["launches"], 1, expected);
    refused(&["launches", "--json"], 1, expected);
    refused(
        &["backends", "--devices", "flex,wgpu", "--json"],
        1,
        expected,
    );
    refused(&["scaling", "--device", "wgpu"], 1, expected);
}

#[test]
fn an_interpreter_that_is_none_is_named() {
    let missing = "/there/is/no/python";
    let peers = |python: &str, expected: &str| {
        for only in ["layers", "language-model", "translator", "tagger"] {
            let command = ["peers", "--python", python, "--only", only];
            let told = ["--device", built(), "--json"];
            refused(&[&command[..], &told, &TINY].concat(), 1, expected);
            refused(&[&command[..], &told, &TINY].concat(), 1, python);
        }
    };
    peers(missing, "expected one that has PyTorch");
    // It runs, and is no Python.
    #[cfg(unix)]
    peers("true", "that it ended without an answer");
}
