//! The cells that can be asked for by name, and what can be asked of each.

use std::fs;

use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::{backdraft, refused, succeeded, train_arguments};

fn object(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeded(&[arguments, &["--json"]].concat())).unwrap()
}

/// What is asked for changes the model, goes through `run.toml`, and is there when the run is used.
#[test]
fn a_cell_has_what_is_asked_of_it() {
    let folder = Folder::new();
    let plain = |cell: &str| {
        let more = ["--steps", "1", "--dry-run", "--cell", cell];
        object(&train_arguments(&folder.text, "none", &more))["parameters"].clone()
    };
    for (number, (asked, more_parameters)) in (0..).zip([
        ("lstm --peepholes", true),
        ("lstm --coupled", true),
        ("lstm --projection 6 --layers 2", true),
        ("gru --reset none", true),
        ("gru --reset before", false),
        ("gru --residual --layers 2", true),
        ("high-order-elman --order 2", true),
        ("s-lstm --heads 2", true),
        ("lstm --layers 3 --last-hidden 8 --tied", true),
        (
            "gru --layers 2 --dropout 0.2 --variational --embedding-dropout 0.1 --input-dropout 0.3 --output-dropout 0",
            true,
        ),
        ("lstm --optimizer rmsprop --rms-decay 0.95 --decay one-cycle", false),
        ("lstm --optimizer adagrad --decay step --fall-after 1", false),
        ("four-gate-lstm --zoneout 0.1 --zoneout-memory 0.2", false),
        ("jordan --zoneout 0.1 --drop-connect 0.1", false),
    ]) {
        let run = folder.run(&number.to_string());
        let more: Vec<&str> = ["--steps", "2", "--cell"]
            .into_iter()
            .chain(asked.split(' '))
            .collect();
        let report = object(&train_arguments(&folder.text, &run, &more));
        let cell = asked.split(' ').next().unwrap();
        let differs = report["parameters"] != plain(cell);
        assert_eq!(differs, more_parameters, "{asked}: {report}");
        let loss = |report: &Value| report["loss"].as_f64().unwrap();
        let again = object(&["evaluate", &run]);
        assert!((loss(&again) - loss(&report)).abs() < 1e-6, "{asked}");
        // Its description makes it again, to the last digit.
        let (file, copy) = (format!("{run}/run.toml"), folder.run("copy"));
        let same = object(&["train", &file, "--out", &copy]);
        assert_eq!(loss(&same), loss(&report), "{asked}");
        fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn what_another_cell_has_is_refused() {
    let folder = Folder::new();
    let run = folder.run("none");
    for (asked, expected) in [
        (
            "--cell gru --peepholes",
            "--peepholes has an effect only with --cell lstm",
        ),
        (
            "--cell elman --coupled",
            "--coupled has an effect only with --cell lstm",
        ),
        (
            "--cell layer-norm-lstm --projection 4",
            "--projection has an effect only with --cell lstm",
        ),
        (
            "--cell lstm --reset none",
            "--reset has an effect only with --cell gru",
        ),
        (
            "--cell elman --order 2",
            "--order has an effect only with --cell high-order-elman",
        ),
        (
            "--cell lstm --heads 2",
            "--heads has an effect only with --cell s-lstm",
        ),
        (
            "--cell high-order-elman --order 1000",
            "--order: expected at most 256, found 1000",
        ),
        (
            "--cell s-lstm --heads 7",
            "--heads: expected a divisor of 24, the units of a layer, found 7",
        ),
        (
            "--residual",
            "--residual has an effect only with --layers 2",
        ),
        (
            "--cell lru --zoneout 0.1",
            "--zoneout: expected 0, as lru cells do not support it, found 0.1",
        ),
        (
            "--cell gru --zoneout-memory 0.1",
            "--zoneout-memory: expected 0, as gru cells remember nothing beside their output",
        ),
        (
            "--cell lstm --coupled --forget-bias 1",
            "--forget-bias cannot be combined with --coupled",
        ),
        (
            "--cell lstm --projection 9 --tied",
            "--tied: expected an embedding of 9 features",
        ),
        ("--cell conv-lstm", "--cell: expected elman, "),
        (
            "--last-hidden 8",
            "--last-hidden has an effect only with --layers 2 or more",
        ),
        (
            "--cell s-lstm --heads 2 --layers 2 --last-hidden 7",
            "--last-hidden: expected a multiple of 2, the heads of a layer, found 7",
        ),
        (
            "--layers 2 --last-hidden 9 --tied",
            "--tied: expected an embedding of 9 features, as the last layer has",
        ),
        (
            "--variational",
            "--variational has an effect only with --dropout, --input-dropout or --output-dropout",
        ),
        (
            "--output-dropout 0.5 --variational --recompute",
            "--recompute cannot be combined with --variational",
        ),
        (
            "--embedding-dropout 0.5 --recompute",
            "--recompute cannot be combined with --embedding-dropout",
        ),
        (
            "--embedding-dropout 1",
            "--embedding-dropout: expected at least 0 and below 1",
        ),
        (
            "--rms-decay 0.5",
            "--rms-decay has an effect only with --optimizer rmsprop",
        ),
    ] {
        let more: Vec<&str> = asked.split(' ').collect();
        let arguments = train_arguments(&folder.text, &run, &more);
        refused(&arguments, expected);
        assert_eq!(backdraft(&arguments).status.code(), Some(2), "{asked}");
    }
}

/// Layers of other tasks, some of which put out less than they have units.
#[test]
fn other_tasks_take_the_same_cells() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (classes, words, pairs) = (path("classes.tsv"), path("words.tsv"), path("pairs.tsv"));
    let rows = "good\tfine film\nbad\tdull film\n".repeat(20);
    fs::write(&classes, format!("label\ttext\n{rows}")).unwrap();
    fs::write(&words, "the\tD\ncat\tN\nsat\tV\n\n".repeat(20)).unwrap();
    let rows = "abc\tcba\nca\tac\n".repeat(20);
    fs::write(&pairs, format!("source\ttarget\n{rows}")).unwrap();
    for (task, data) in [
        ("classify", &classes),
        ("tag", &words),
        ("translate", &pairs),
    ] {
        for asked in [
            "lstm --projection 6",
            "high-order-elman --order 2",
            "elman-jordan --zoneout 0.1",
            "lru --layers 2 --residual",
            "s-lstm --heads 3",
        ] {
            let run = folder.run("run");
            let more: Vec<&str> = asked.split(' ').collect();
            let all = [
                &[
                    "train", task, "--data", data, "--out", &run, "--hidden", "12",
                ],
                &["--steps", "2", "--device", "flex", "--cell"][..],
                &more,
            ];
            succeeded(&all.concat());
            succeeded(&["evaluate", &run]);
            fs::remove_dir_all(run).unwrap();
        }
    }
}
