//! Transcription of WAV files.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{command, refused, succeeded};

/// WAV files of two tones, and a list of them.
fn recordings(folder: &Path) -> std::path::PathBuf {
    let mut list = String::from("file\tsaid\n");
    for number in 0..80_u32 {
        let said: String = (0..1 + number % 2)
            .map(|place| {
                if (number / 2 + place) % 3 == 0 {
                    'h'
                } else {
                    'l'
                }
            })
            .collect();
        let name = format!("{number}.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 4000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(folder.join(&name), spec).unwrap();
        for letter in said.chars() {
            let hertz = if letter == 'h' { 1200.0 } else { 300.0 };
            for sample in 0..500 + 40 * (number % 5) {
                let angle = std::f32::consts::TAU * hertz * sample as f32 / 4000.0;
                wav.write_sample((9000.0 * angle.sin()) as i16).unwrap();
            }
            (0..400).for_each(|_| wav.write_sample(0_i16).unwrap());
        }
        wav.finalize().unwrap();
        writeln!(list, "{name}\t{said}").unwrap();
    }
    let path = folder.join("list.tsv");
    fs::write(&path, list).unwrap();
    path
}

#[test]
fn recordings_are_transcribed() {
    let folder = tempfile::tempdir().unwrap();
    let data = recordings(folder.path());
    let (data, run) = (data.to_str().unwrap(), folder.path().join("run"));
    let run = run.to_str().unwrap();
    let train = [
        "train",
        "transcribe",
        "--data",
        data,
        "--out",
        run,
        "--hidden",
        "16",
        "--layers",
        "1",
        "--epochs",
        "25",
        "--batch",
        "8",
        "--lr",
        "0.02",
        "--dropout",
        "0",
        "--device",
        "flex",
        "--json",
    ];
    let report: Value = serde_json::from_str(&succeeded(&train)).unwrap();
    assert!(
        report["label_error_rate"].as_f64().unwrap() < 0.1,
        "{report}"
    );
    let told = succeeded(&["predict", run, data]);
    let right = told.lines().filter(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.len() == 3 && cells[0] == cells[1] && cells[2].ends_with(".wav")
    });
    assert!(right.count() > 72, "{told}");

    // One file, and paths on standard input.
    let one = folder.path().join("0.wav");
    let one = one.to_str().unwrap();
    assert_eq!(succeeded(&["predict", run, one]), format!("h\t{one}\n"));
    let mut asked = command(&["predict", run, "-"]);
    asked.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut asked = asked.spawn().unwrap();
    let mut input = asked.stdin.take().unwrap();
    writeln!(input, "{one}").unwrap();
    drop(input);
    let output = asked.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("h\t{one}\n")
    );

    let beside = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let missing = beside("missing.tsv", "file\tsaid\n0.wav\th\nnone.wav\tl\n");
    refused(
        &["evaluate", run, "--data", &missing],
        "missing.tsv: expected a list of WAV files, whose names are beside it or whole paths, found `none.wav`",
    );
    let no_sound = beside("no.wav", "not a sound");
    refused(&["predict", run, &no_sound], "expected a WAV file");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let fast = folder.path().join("fast.wav");
    let mut wav = hound::WavWriter::create(&fast, spec).unwrap();
    (0..900).for_each(|_| wav.write_sample(5_i16).unwrap());
    wav.finalize().unwrap();
    refused(
        &["predict", run, fast.to_str().unwrap()],
        "fast.wav: expected 4000 samples a second, as was learned from; found 8000",
    );
    let mixed = beside("mixed.tsv", "file\tsaid\n0.wav\th\nfast.wav\tl\n");
    let train = ["train", "transcribe", "--data", &mixed, "--out", "none"];
    refused(
        &train,
        "fast.wav: expected 4000 samples a second, as the files before have",
    );
    // The recordings are data, too, not the list of them alone.
    fs::copy(folder.path().join("1.wav"), folder.path().join("0.wav")).unwrap();
    refused(
        &["evaluate", run],
        "are not those that the run was started with",
    );
}

#[test]
fn frames_are_made_as_librosa_makes_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = recordings(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, run, next) = (data.to_str().unwrap(), path("run"), path("next"));
    let small = |out, more: &[&'static str]| {
        let asked = [
            "train",
            "transcribe",
            "--data",
            data,
            "--out",
            out,
            "--epochs",
            "1",
            "--device",
            "flex",
            "--hidden",
            "4",
        ];
        [&asked[..], more].concat()
    };
    succeeded(&small(&run, &["--features", "librosa"]));
    let description = fs::read_to_string(path("run/run.toml")).unwrap();
    assert!(
        description.contains("features = \"librosa\""),
        "{description}"
    );
    assert!(succeeded(&["predict", &run, &path("0.wav")]).ends_with("0.wav\n"));

    // A run keeps its definitions.
    let other = [&small(&next, &["--features", "htk"])[..], &["--from", &run]].concat();
    let expected = format!("--features: expected librosa, as in {run}, found htk");
    refused(&other, &expected);

    // More filters than there are frequencies.
    for features in ["htk", "librosa"] {
        let many = small(&next, &["--features", features, "--filters", "120"]);
        let expected =
            "--filters: expected so few that each of 64 frequencies can tell them apart, found 120";
        refused(&many, expected);
    }
}
