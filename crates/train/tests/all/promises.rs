//! What the README says of a training that something goes wrong with: its table, row by row.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::folder::{checkpoints, weights};
use crate::support::{
    backdraft, command, killed_at, succeeded, text, train_arguments, waiting_after,
};

/// A row of the table.
struct Row {
    what: String,
    said: String,
    then: String,
}

fn table() -> Vec<Row> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let rows = readme
        .lines()
        .skip_while(|line| *line != "| what happens | message | then |")
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, said, then] = cells[..] else {
            panic!("not three cells: {row}")
        };
        Row {
            what: what.to_string(),
            said: said.trim_matches('`').to_string(),
            then: then.to_string(),
        }
    })
    .collect()
}

/// Whether a line says what the table has: `..`, PATH and N stand for anything.
fn says(line: &str, expected: &str) -> bool {
    let expected = expected
        .replace("PATH", "..")
        .replace(" N ", " .. ")
        .replace(" N:", " ..:");
    let mut rest = line;
    expected.split("..").all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Each file of a folder, and what is in it.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(content(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

/// Trainings of one text, of 90 steps with a checkpoint after each third.
struct Trainings {
    folder: tempfile::TempDir,
    text: String,
    expected: Vec<u8>,
}

const STEPS: [&str; 4] = ["--steps", "90", "--save-steps", "3"];

impl Trainings {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = text(folder.path()).to_str().unwrap().to_string();
        let mut all = Self {
            folder,
            text,
            expected: Vec::new(),
        };
        let whole = all.run("whole");
        succeeded(&train_arguments(&all.text, &whole, &STEPS));
        all.expected = weights(&whole);
        all
    }

    fn run(&self, name: &str) -> String {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    /// A training that was killed when it had been saved and evaluated.
    fn cut_off(&self, run: &str) {
        let arguments = train_arguments(&self.text, run, &STEPS);
        killed_at("checkpoint/checksums.txt", 28, &arguments);
    }

    /// Trains until the failpoint ends it; what was said.
    fn fails_at(&self, run: &str, failpoint: &str, code: i32) -> String {
        let mut command = command(&train_arguments(&self.text, run, &STEPS));
        command.env("BACKDRAFT_FAILPOINT", failpoint);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        error
    }

    /// Resumes a run that cannot be; what was said.
    fn refuses(&self, run: &str) -> String {
        let output = backdraft(&["train", "--resume", run]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Resumes a run to its end, which is the same as if nothing had gone wrong; what was said.
    fn goes_on(&self, run: &str) -> String {
        let output = backdraft(&["train", "--resume", run]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{error}");
        assert!(weights(run) == self.expected, "other weights");
        error
    }
}

fn flip_a_bit(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
}

/// Lets it go wrong, and tells what was said.
fn goes_wrong(row: &Row, all: &Trainings) -> String {
    let run = &all.run(&row.what);
    let path = Path::new(run);
    // What is to be refused is made ready here, and refused below.
    match row.what.as_str() {
        "Ctrl-C, SIGTERM, a terminal that is closed; `q` on the dashboard" => {
            let waiting = waiting_after(50, &train_arguments(&all.text, run, &STEPS));
            let (said, code) = waiting.interrupt();
            assert_eq!(code, Some(130));
            all.goes_on(run);
            return said;
        }
        "the program is killed, the power fails" => {
            all.cut_off(run);
            return all.goes_on(run);
        }
        "the disk is full, the folder read-only" => {
            let said = all.fails_at(run, "full:run/metrics.jsonl:40", 1);
            all.goes_on(run);
            return said;
        }
        "the run folder is removed while it is trained" => {
            // Nothing is written beside it while it is removed.
            let waiting = waiting_after(50, &train_arguments(&all.text, run, &STEPS[..2]));
            fs::remove_dir_all(run).unwrap();
            let (said, code) = waiting.interrupt();
            assert_eq!(code, Some(1), "{said}");
            assert!(!path.exists());
            return said;
        }
        "a file of a checkpoint was changed or cut short" => {
            all.cut_off(run);
            flip_a_bit(&checkpoints(run).pop().unwrap().join("model.bpk"));
            return all.goes_on(run);
        }
        "a file that grows was cut short" => {
            all.cut_off(run);
            fs::write(path.join("metrics.jsonl"), "").unwrap();
            return all.goes_on(run);
        }
        "a loss or gradient that is no number" | "ten of them in a row (`--patience`)" => {
            return diverges(all, run);
        }
        "no checkpoint is whole" => {
            all.cut_off(run);
            for checkpoint in fs::read_dir(path.join("checkpoints")).unwrap() {
                fs::write(checkpoint.unwrap().path().join("model.bpk"), "").unwrap();
            }
        }
        "the checkpoints are those of another run" => {
            all.cut_off(run);
            let other = all.run("another");
            let arguments = train_arguments(&all.text, &other, &STEPS);
            killed_at("step", 50, &[&arguments[..], &["--seed", "3"]].concat());
            fs::remove_dir_all(path.join("checkpoints")).unwrap();
            fs::rename(
                Path::new(&other).join("checkpoints"),
                path.join("checkpoints"),
            )
            .unwrap();
        }
        "the checkpoints were deleted" => {
            all.cut_off(run);
            fs::remove_dir_all(path.join("checkpoints")).unwrap();
        }
        "another file of the run that has a checksum was changed" => {
            all.cut_off(run);
            for file in [
                "run.toml",
                "vocabulary.json",
                "held-out.txt",
                "state.json",
                "model.bpk",
            ] {
                flip_a_bit(&path.join(file));
                let before = content(path);
                let said = all.refuses(run);
                assert!(said.lines().any(|line| says(line, &row.said)), "{said}");
                assert!(said.contains(file), "{said}");
                assert!(content(path) == before, "{file}: something was touched");
                flip_a_bit(&path.join(file));
            }
            flip_a_bit(&path.join("model.bpk"));
        }
        "a file of the run is not there" => {
            all.cut_off(run);
            for file in [
                "vocabulary.json",
                "held-out.txt",
                "state.json",
                "checksums.txt",
                "model.bpk",
            ] {
                let content = fs::read(path.join(file)).unwrap();
                fs::remove_file(path.join(file)).unwrap();
                let said = refused_untouched(all, run);
                assert!(
                    said.lines().any(|line| says(line, &row.said)),
                    "{file}: {said}"
                );
                assert!(said.contains(file), "{said}");
                fs::write(path.join(file), content).unwrap();
            }
            fs::remove_file(path.join("state.json")).unwrap();
        }
        "the text is another one now" => {
            all.cut_off(run);
            let said_and_touched = |text: &[u8]| {
                let kept = fs::read(&all.text).unwrap();
                fs::write(&all.text, text).unwrap();
                let refused = refused_untouched(all, run);
                fs::write(&all.text, kept).unwrap();
                refused
            };
            return said_and_touched(b"another one");
        }
        "the text is not where it was" => {
            all.cut_off(run);
            let aside = format!("{}.aside", all.text);
            fs::rename(&all.text, &aside).unwrap();
            let said = refused_untouched(all, run);
            // Another text is not the one.
            let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
            let other = backdraft(&["train", "--resume", run, "--data", readme]);
            assert_eq!(other.status.code(), Some(1));
            succeeded(&[
                "train", "--resume", run, "--data", &aside, "--device", "flex",
            ]);
            assert!(weights(run) == all.expected, "other weights");
            fs::rename(&aside, &all.text).unwrap();
            return said;
        }
        "a second program on one run" => {
            all.cut_off(run);
            let first = waiting_after(1, &["train", "--resume", run]);
            let said = refused_untouched(all, run);
            first.kill();
            return said;
        }
        "`--resume` of a training that diverged" => drop(diverges(all, run)),
        "`--resume` of a training that has ended" => {
            succeeded(&train_arguments(&all.text, run, &["--steps", "3"]));
        }
        "`--resume` of weights that were imported" => {
            let whole = all.run("whole");
            let file = format!("{whole}.safetensors");
            succeeded(&["import", &file, "--like", &whole, "--out", run]);
        }
        other => panic!("no test of what the README says of: {other}"),
    }
    assert!(row.then.contains("nothing is touched"), "{}", row.what);
    refused_untouched(all, run)
}

/// Resumes a run that cannot be: nothing of it changes.
fn refused_untouched(all: &Trainings, run: &str) -> String {
    let before = content(Path::new(run));
    let said = all.refuses(run);
    assert!(
        content(Path::new(run)) == before,
        "something was touched: {said}"
    );
    said
}

fn diverges(all: &Trainings, run: &str) -> String {
    let asked = "--cell elman --optimizer sgd --lr 1e38 --steps 1000 --clip-value 1e30";
    let asked: Vec<&str> = asked.split(' ').collect();
    let output = backdraft(&train_arguments(&all.text, run, &asked));
    assert_eq!(output.status.code(), Some(1));
    assert!(Path::new(run).join("checkpoints").is_dir());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn each_row_of_the_readme_is_true() {
    let all = Trainings::new();
    let table = table();
    assert!(table.len() >= 17, "{} rows", table.len());
    for row in &table {
        let said = goes_wrong(row, &all);
        let told = row.said.is_empty() || said.lines().any(|line| says(line, &row.said));
        assert!(told, "{}: expected `{}` in: {said}", row.what, row.said);
        for word in ["internal error", "panicked", "unwrap"] {
            assert!(!said.contains(word), "{}: {said}", row.what);
        }
    }
}
