//! A run as a page, and runs side by side.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{backdraft, refused, succeeded, trained};

#[test]
fn a_run_is_drawn_and_runs_are_laid_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let (run, report) = trained(folder.path(), &["--epochs", "3"]);
    let (second, _) = trained(other.path(), &["--epochs", "2", "--cell", "elman"]);
    let pictures = folder.path().join("pictures");
    let told = backdraft(&["report", &run, "--svg", pictures.to_str().unwrap()]);
    assert!(told.status.success(), "{told:?}");
    let page = fs::read_to_string(Path::new(&run).join("report.html")).unwrap();
    let best = report["bits_per_character"].as_f64().unwrap();
    for part in [
        &format!("{best:.4}"),
        "Norm of the whole gradient",
        "Learning rate",
        "Symbols a second",
        "sha256 = &quot;",
        "<summary>after ",
        "How far back gradients reach",
        "What recurs",
        "Gates",
        "Telling units",
        "position in the line: layer 1, hidden unit ",
        // Nothing is in quotes in this text.
        "a unit for &quot;inside quotes&quot;: it hardly changes",
        "fish",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    // Nothing was left out, and nothing is fetched from elsewhere.
    assert!(!page.contains("Steps left out"));
    assert!(!page.contains("<script") && !page.contains("href") && !page.contains("src="));
    let names = [
        "loss",
        "gradient-norm",
        "learning-rate",
        "throughput",
        "gradient-through-time",
        "spectral-radius-layer-1",
        "spectrum-layer-1",
        "gates-layer-1",
    ];
    for name in names {
        let svg = fs::read_to_string(pictures.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && page.contains(&svg), "{name}");
        assert!(!svg.contains("NaN"), "{name}");
    }
    // What is pointed at tells its number, without a script.
    let loss = fs::read_to_string(pictures.join("loss.svg")).unwrap();
    assert!(
        loss.contains("<title>learned\nsteps ") && loss.contains("<title>held out\nsteps "),
        "{loss}"
    );
    let gates = fs::read_to_string(pictures.join("gates-layer-1.svg")).unwrap();
    assert!(gates.contains("<title>0.00 to 0.05: "), "{gates}");
    // On the page, text is text.
    let unit = fs::read_to_string(pictures.join("unit-line-position.svg")).unwrap();
    assert!(unit.starts_with("<svg") && !page.contains(&unit));
    assert!(page.contains("<span style=\"background:#"));

    let both = folder.path().join("both.html").display().to_string();
    let told = backdraft(&["compare", &run, &second, "--out", &both]);
    assert_eq!(String::from_utf8(told.stdout).unwrap(), format!("{both}\n"));
    let page = fs::read_to_string(&both).unwrap();
    assert_eq!(page.matches("<td>elman").count(), 2);
    assert_eq!(page.matches("<td>gru").count(), 2);
    // Runs beside each other are compared by their curves and their settings.
    assert!(!page.contains("What recurs"));
    assert!(page.contains("<tr><td>epochs<td>3<td>2</tr>"), "{page}");
    assert!(page.contains("<td>gru<td>elman</tr>") && !page.contains("<tr><td>hidden<td>"));
    succeeded(&["compare", &run, &run, "--out", &both]);
    assert!(
        !fs::read_to_string(&both)
            .unwrap()
            .contains("Settings that differ")
    );

    // The same as an object.
    let told = |arguments: &[&str]| -> Value {
        serde_json::from_str(&succeeded(&[arguments, &["--json"]].concat())).unwrap()
    };
    let pictures = folder.path().join("again").display().to_string();
    let written = told(&["report", &run, "--svg", &pictures]);
    assert_eq!(written["page"], format!("{run}/report.html"));
    let figures = written["figures"].as_array().unwrap();
    assert!(
        figures.contains(&Value::from(format!("{pictures}/loss.svg"))),
        "{written}"
    );
    assert_eq!(written["skipped"], Value::Array(Vec::new()));
    assert_eq!(
        told(&["compare", &run, &second, "--out", &both])["page"],
        both
    );

    refused(
        &["report", folder.path().to_str().unwrap()],
        "expected a run folder",
    );
    refused(&["compare", &run], "RUNS: expected at least 2, found 1");
    fs::remove_file(Path::new(&run).join("metrics.jsonl")).unwrap();
    refused(&["report", &run], "metrics.jsonl: the file is missing");
}

/// It has no curves, and the inside of any model.
#[test]
fn weights_that_were_imported_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "20"]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, imported) = (path("weights.safetensors"), path("imported"));
    succeeded(&["export", &run, &file]);
    succeeded(&["import", &file, "--like", &run, "--out", &imported]);
    succeeded(&["report", &imported]);
    let page = fs::read_to_string(path("imported/report.html")).unwrap();
    assert!(
        page.contains("What recurs") && page.contains("none yet"),
        "{page}"
    );
    succeeded(&["compare", &run, &imported, "--out", &path("both.html")]);
}

#[test]
fn a_line_that_cannot_be_read_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "20"]);
    let path = |name: &str| Path::new(&run).join(name);
    let page = || {
        let output = backdraft(&["report", &run]);
        assert!(output.status.success(), "{output:?}");
        let page = fs::read_to_string(path("report.html")).unwrap();
        (page, String::from_utf8(output.stderr).unwrap())
    };
    let (whole, told) = page();
    assert_eq!(told, "");
    for name in ["metrics.jsonl", "spectra.jsonl"] {
        let before = fs::read(path(name)).unwrap();
        // A block of zeros, a line of something else, and half a line.
        let half = &before[..before.len() / 2];
        let damaged = [&before, &b"\0\0\0\0\n{}\n"[..], &half[..40]].concat();
        fs::write(path(name), damaged).unwrap();
        let (shown, told) = page();
        let line = format!("{name}: 3 of ");
        assert!(shown.contains(&line), "{shown}");
        assert!(
            told.starts_with("warning: ") && told.contains(&line),
            "{told}"
        );
        // All else is as it was.
        let without: String = shown
            .split_inclusive('\n')
            .filter(|part| !part.contains(&line))
            .collect();
        assert_eq!(without, whole);
        fs::write(path(name), before).unwrap();
    }
    // A sample that ends within a character.
    let samples = fs::read(path("samples.txt")).unwrap();
    fs::write(path("samples.txt"), [&samples[..], b"\xC3"].concat()).unwrap();
    assert!(page().0.contains('\u{FFFD}'));
}

/// Each figure as pixels, where the machine has a font for its words.
#[test]
fn figures_are_written_as_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "3"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (svg, png) = (path("svg"), path("png"));
    let arguments = ["report", &run, "--svg", &svg, "--png", &png];
    let output = backdraft(&arguments);
    if !output.status.success() {
        return refused(&arguments, "--png: expected a machine with a font on it");
    }
    let count = |folder: &str| fs::read_dir(folder).unwrap().count();
    assert!(count(&png) > 5 && count(&png) == count(&svg));
    for file in fs::read_dir(&png).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        assert!(content.starts_with(b"\x89PNG\r\n\x1A\n"));
    }
    // They are drawn again, and a picture of others is not drawn over.
    succeeded(&arguments);
    fs::write(Path::new(&png).join("loss.png"), b"\x89PNG\r\n\x1A\nmine").unwrap();
    refused(
        &arguments,
        "--png: expected a new file, or one that this program drew",
    );
}

#[test]
fn what_is_not_ours_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "3"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (mine, pictures) = (path("mine.html"), path("pictures"));
    fs::write(&mine, "<!doctype html>\n<html>mine</html>\n").unwrap();
    fs::create_dir(&pictures).unwrap();
    let loss = format!("{pictures}/loss.svg");
    fs::write(&loss, "<svg>mine</svg>").unwrap();
    let refuse = |arguments: &[&str], expected: &str| {
        refused(arguments, expected);
        assert_eq!(backdraft(arguments).status.code(), Some(2));
    };
    let page = path("page.html");
    for command in [&["report", &run][..], &["compare", &run, &run]] {
        let out = ["--out", &mine];
        let expected = "--out: expected a new file, or one that this program drew";
        refuse(&[command, &out].concat(), expected);
        let svg = ["--out", &page, "--svg", &pictures];
        refuse(&[command, &svg].concat(), "--svg: expected a new file");
        let file = ["--out", &page, "--svg", &mine];
        refuse(
            &[command, &file].concat(),
            "--svg: expected a folder, in which each figure is a file",
        );
        assert!(!Path::new(&page).exists());
    }
    refuse(&["report", &run, "--out", &pictures], "found a folder, ");
    assert!(fs::read_to_string(&mine).unwrap().contains("mine"));
    assert_eq!(fs::read_to_string(&loss).unwrap(), "<svg>mine</svg>");
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 1);

    // What was drawn before is drawn again, and with --force anything.
    let all = ["report", &run, "--out", &mine, "--svg", &pictures];
    succeeded(&[&all[..], &["--force"]].concat());
    assert!(!fs::read_to_string(&mine).unwrap().contains("mine</html>"));
    succeeded(&all);

    let svg = path("own.svg");
    fs::write(&svg, "<svg>mine</svg>").unwrap();
    refuse(
        &["probe", "adding", "--lengths", "5", "--svg", &svg],
        "--svg: expected",
    );
    assert_eq!(fs::read_to_string(&svg).unwrap(), "<svg>mine</svg>");
}
