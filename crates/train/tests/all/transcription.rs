//! Transcription, from a file to answers, on every device.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use backdraft_train::{Recurrence, TaskSettings, Training, Transcribe, TranscribeOptions};
use serde_json::Value;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{answers, backdraft, goes_out_and_comes_back, learned, refused, succeeded};

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// Sounds of two letters, each some frames long, with a pause between; two features.
pub fn sounds(folder: &Path) -> std::path::PathBuf {
    let (mut frames, mut lengths, mut classes) = (Vec::<f32>::new(), Vec::new(), Vec::new());
    for number in 0..160_usize {
        let class = number % 4;
        let mut length = 0;
        for (place, letter) in [class / 2, class % 2].into_iter().enumerate() {
            let pause = 1 + (number / 4 + place) % 2;
            for _ in 0..pause {
                frames.extend([0.0, 0.0]);
            }
            let held = 1 + (number / 8 + place) % 3;
            for _ in 0..held {
                frames.extend(if letter == 0 { [1.0, 0.1] } else { [-0.1, 1.0] });
            }
            length += pause + held;
        }
        lengths.push(length as i64);
        classes.push(class as i64);
    }
    let bytes = |values: &[i64]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let floats: Vec<u8> = frames
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let rows = format!("({},)", lengths.len());
    let path = folder.join("sounds.npz");
    let mut archive = ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, content) in [
        (
            "X",
            npy("<f4", &format!("({}, 2)", frames.len() / 2), &floats),
        ),
        ("lengths", npy("<i8", &rows, &bytes(&lengths))),
        ("y", npy("<i8", &rows, &bytes(&classes))),
    ] {
        archive
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap();
    path
}

#[test]
fn what_is_said_is_learned_on_every_device_without_being_told_when() {
    let folder = tempfile::tempdir().unwrap();
    let data = sounds(folder.path());
    let runs = folder.path().join("runs");
    let settings = TaskSettings {
        recurrence: Recurrence {
            hidden: 12,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options: TranscribeOptions {
            names: ["oo", "oh", "ho", "hh"].map(String::from).to_vec(),
            beam: 3,
            ..TranscribeOptions::default()
        },
        training: Training {
            batch: 16,
            epochs: Some(20),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    };
    learned::<Transcribe>(&settings, &data, &runs, |report, device| {
        let errors = report.figures["label_error_rate"];
        assert!(errors < 0.1, "{device}: {report:?}");
    });
    let told = answers(&runs, &data);
    assert_eq!(told.len(), 160);
    let right = told.iter().filter(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.len() == 2 && cells[0] == cells[1]
    });
    assert!(right.count() > 140, "{told:?}");
    goes_out_and_comes_back(&runs);
    transcripts_are_searched_for_anew(runs.join("flex").to_str().unwrap(), &data);
}

/// Only words of a lexicon come out, a language model counts by its weight, and several answers come with scores.
fn transcripts_are_searched_for_anew(run: &str, data: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let predict = |more: &[&str]| -> Vec<Vec<String>> {
        let data = data.to_str().unwrap();
        let told = succeeded(&[&["predict", run, data, "--device", "flex"], more].concat());
        let cells = |line: &str| line.split('\t').map(str::to_string).collect();
        told.lines().map(cells).collect()
    };
    let words = file("words.txt", "hh\noo\n\nxyz\n");
    let told = predict(&["--lexicon", &words, "--beam", "16"]);
    assert_eq!(told.len(), 160);
    assert!(
        told.iter()
            .all(|cells| cells[0] == "hh" || cells[0] == "oo"),
        "{told:?}"
    );
    let right = told.iter().filter(|cells| cells[0] == cells[1]).count();
    assert!(right > 70, "{right} of the 80 that can be right");

    // The more it counts what is likely, the less what was heard.
    let likely = file("likely.txt", &"oo\n".repeat(50));
    let fused = |weight: &str| {
        let told = predict(&["--language-model", &likely, "--language-weight", weight]);
        told.iter().filter(|cells| cells[0] == "oo").count()
    };
    let [none, all] = ["0", "30"].map(fused);
    assert!(none < 60 && all > 120, "{none} and {all}");

    // N-grams of these letters in a file of their own are the same.
    let arpa = folder.path().join("likely.arpa");
    let arpa = arpa.to_str().unwrap();
    succeeded(&[
        "ngram", "--data", &likely, "--out", arpa, "--unit", "char", "--order", "4",
    ]);
    refused(
        &[
            "predict",
            run,
            data.to_str().unwrap(),
            "--language-model",
            arpa,
        ],
        "expected n-grams of the letters that the run writes, found none of 'h' in ",
    );
    let both = file("both.txt", &["oo\n"; 50].join("hh\n"));
    succeeded(&[
        "ngram", "--data", &both, "--out", arpa, "--unit", "char", "--order", "4", "--force",
    ]);
    let fused = |file: &str| predict(&["--language-model", file, "--language-weight", "2"]);
    assert_eq!(fused(arpa), fused(&both));
    let order = ["--language-model", arpa, "--language-order", "3"];
    refused(
        &[&["predict", run, data.to_str().unwrap()][..], &order].concat(),
        "--language-order has an effect only with a --language-model of transcripts",
    );

    let best = predict(&["--beam", "4", "--n-best", "2"]);
    assert_eq!(best.len(), 320);
    let score = |cells: &[String]| cells[1].parse::<f64>().unwrap();
    assert!(
        best.chunks(2).all(|two| score(&two[0]) >= score(&two[1])),
        "{best:?}"
    );

    let data = data.to_str().unwrap();
    let predict = |more: &[&str], expected: &str| {
        refused(&[&["predict", run, data], more].concat(), expected);
    };
    predict(
        &["--n-best", "4"],
        "--n-best: expected at least 1 and at most 3, the width of the beam, found 4",
    );
    predict(
        &["--length-penalty", "1"],
        "--length-penalty: expected a run of `train translate`, found 1, with a run of `train transcribe`",
    );
    let strange = file("strange.txt", "xyz\nzz\n");
    predict(
        &["--lexicon", &strange],
        "2 words with letters that the run has not learned",
    );
    predict(
        &["--language-weight", "1"],
        "--language-weight: expected --language-model FILE with it, found 1 alone",
    );
}

/// `oo` needs a step for a blank between its letters. Where there is none, it is not learned from and counts as wrong.
#[test]
fn what_does_not_fit_into_its_steps_is_measured_and_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    let data = sounds(folder.path());
    let (data, run) = (data.to_str().unwrap(), folder.path().join("run"));
    let output = backdraft(&[
        "train",
        "transcribe",
        "--data",
        data,
        "--names",
        "oo,oh,ho,hh",
        "--out",
        run.to_str().unwrap(),
        "--stacking",
        "4",
        "--valid-fraction",
        "0.5",
        "--hidden",
        "8",
        "--layers",
        "1",
        "--epochs",
        "1",
        "--device",
        "flex",
        "--json",
    ]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    let expected = "have an answer that the model cannot give: they count as wrong and have no loss; expected at \
                    least 3 steps, as its letters need, found 2";
    assert!(error.contains(expected), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(count("valid_examples"), 80);
    assert_eq!(count("examples") + count("skipped_rows"), 80);
    assert!(count("skipped_rows") > 20, "{report}");
    assert!(report["loss"].as_f64().unwrap().is_finite(), "{report}");
}
