//! A run as a page, and runs side by side.

use std::fs;
use std::path::Path;

use crate::support::{backdraft, refused, trained};

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
    // On the page, text is text.
    let unit = fs::read_to_string(pictures.join("unit-line-position.svg")).unwrap();
    assert!(unit.starts_with("<svg") && !page.contains(&unit));
    assert!(page.contains("<span style=\"background:#"));

    let both = folder.path().join("both.html").display().to_string();
    let told = backdraft(&["compare", &run, &second, "--out", &both]);
    assert_eq!(String::from_utf8(told.stdout).unwrap(), format!("{both}\n"));
    let page = fs::read_to_string(&both).unwrap();
    assert_eq!(page.matches("<td>elman").count(), 1);
    assert_eq!(page.matches("<td>gru").count(), 1);
    // Runs beside each other are compared by their curves.
    assert!(!page.contains("What recurs"));

    refused(
        &["report", folder.path().to_str().unwrap()],
        "expected a run folder",
    );
    refused(&["compare", &run], "RUNS: expected at least 2, found 1");
    fs::write(Path::new(&run).join("metrics.jsonl"), "{}\n").unwrap();
    refused(
        &["report", &run],
        "metrics.jsonl: the file is damaged: line 1",
    );
    fs::remove_file(Path::new(&run).join("metrics.jsonl")).unwrap();
    refused(&["report", &run], "metrics.jsonl: the file is damaged: ");
}
