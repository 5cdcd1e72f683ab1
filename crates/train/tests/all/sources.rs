//! Where classes come from and what their texts are made of: folders, tokenizers, vectors of words.

use std::fs;
use std::path::Path;

use backdraft_exchange::pytorch::StateDict;
use serde_json::Value;

use crate::classify::{rule, told, trained};
use crate::support::{nonsense, refused, succeeded};
use crate::units::tokenizer;

/// The texts of a table, each in a file of its own, in a folder that is called as its class.
fn folders(folder: &Path) -> String {
    let table = fs::read_to_string(rule(folder)).unwrap();
    let root = folder.join("classes");
    for (number, row) in table.lines().skip(1).enumerate() {
        let (class, text) = row.split_once('\t').unwrap();
        fs::create_dir_all(root.join(class)).unwrap();
        fs::write(root.join(class).join(format!("{number}.txt")), text).unwrap();
    }
    fs::write(root.join("about.txt"), "of no class").unwrap();
    root.to_str().unwrap().to_string()
}

#[test]
fn the_name_of_a_folder_is_a_class() {
    let folder = tempfile::tempdir().unwrap();
    let data = folders(folder.path());
    let run = folder.path().join("run").to_str().unwrap().to_string();
    let report = trained(&data, &run, &["--epochs", "12"]);
    assert!(report["accuracy"].as_f64().unwrap() > 0.9, "{report}");
    assert_eq!(report["skipped_rows"], 1);
    let examples = [&report["examples"], &report["valid_examples"]];
    let examples = examples.map(|count| count.as_u64().unwrap());
    assert_eq!(examples.iter().sum::<u64>(), 240);

    let answers = told(&["predict", &run, &data, "--json"]);
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 241);
    assert!(answers[0]["expected"].is_null(), "{}", answers[0]);
    assert_eq!(answers[0]["file"], "about.txt");
    let right = answers
        .iter()
        .filter(|answer| answer["class"] == answer["expected"]);
    assert!(right.count() > 220);

    let described = Path::new(&run).join("run.toml");
    let again = folder.path().join("again").to_str().unwrap().to_string();
    let described = described.to_str().unwrap();
    succeeded(&["train", described, "--out", &again, "--steps", "1"]);

    // A run among the classes is none.
    let inner = Path::new(&data).join("runs/one");
    fs::create_dir_all(&inner).unwrap();
    fs::copy(Path::new(&run).join("run.toml"), inner.join("run.toml")).unwrap();
    let measured: Value = serde_json::from_str(&told(&["evaluate", &run, "--json"])).unwrap();
    assert_eq!(measured["accuracy"], report["accuracy"]);

    // One file of it has changed.
    fs::write(Path::new(&data).join("salt-first/0.txt"), "pepper").unwrap();
    refused(
        &["evaluate", &run],
        "are not those that the run was started with",
    );
    let data = folders(folder.path());
    let class = Path::new(&data).join("salt-first");
    let arguments = ["train", "classify", "--data", class.to_str().unwrap()];
    refused(
        &arguments,
        "expected a folder for each class, found files alone",
    );
    let arguments = [
        "train",
        "classify",
        "--data",
        &data,
        "--text-column",
        "text",
    ];
    nonsense(
        &arguments,
        "--text-column has an effect only with a table of texts",
    );
}

#[test]
fn pieces_of_a_tokenizer_are_classified_without_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let words = ["<unk>", "salt", "pepper", "oak", "elm", "fir"];
    let file = tokenizer(folder.path(), &words);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let run = path("run");
    nonsense(
        &[
            "train", "classify", "--data", &data, "--unit", &file, "--case",
        ],
        "--case has an effect only with --unit char, byte or word",
    );
    let report = trained(&data, &run, &["--epochs", "12", "--unit", &file]);
    assert!(report["accuracy"].as_f64().unwrap() > 0.9, "{report}");
    // What the run needs of it, it has: to be measured, to answer, and to begin others with.
    fs::remove_file(&file).unwrap();
    let again: Value = serde_json::from_str(&told(&["evaluate", &run, "--json"])).unwrap();
    assert_eq!(again["accuracy"], report["accuracy"]);
    let answers = told(&["predict", &run, &data]);
    assert_eq!(answers.lines().count(), 240);
    let other = folder.path().join("other").to_str().unwrap().to_string();
    let from = ["train", "classify", "--from", &run, "--data", &data];
    let dry = succeeded(&[&from[..], &["--dry-run", "--json"]].concat());
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["parameters"], report["parameters"]);
    succeeded(&[&from[..], &["--out", &other, "--steps", "1"]].concat());
    // What the run knows stays: an option that would change it is refused, not passed over.
    let none = path("none");
    for (option, value, known) in [
        ("--min-count", "3", "2"),
        ("--most-words", "9", "none"),
        ("--vectors", "/no/such/file", "none"),
    ] {
        let typed = [&from[..], &["--out", &none, option, value]].concat();
        nonsense(&typed, &format!("{option}: expected {known}, as in "));
    }
    assert!(!Path::new(&none).exists());
}

#[test]
fn an_embedding_begins_with_vectors_that_were_learned_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = rule(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (vectors, run, file) = (
        path("vectors.txt"),
        path("run"),
        path("weights.safetensors"),
    );
    let vector = |first: usize| -> Vec<f32> { (first..first + 8).map(|n| n as f32).collect() };
    let line = |(place, word): (usize, &str)| {
        let numbers: Vec<String> = vector(place).iter().map(f32::to_string).collect();
        format!("{word} {}\n", numbers.join(" "))
    };
    let words = ["Pepper", "salt", "paprika", "thyme"];
    fs::write(
        &vectors,
        words.into_iter().enumerate().map(line).collect::<String>(),
    )
    .unwrap();
    let asked = ["--vectors", &vectors, "--most-vectors", "3"];
    let train = ["train", "classify", "--data", &data];
    let hardly = ["--out", &run, "--steps", "1", "--lr", "1e-9"];
    let small = ["--hidden", "4", "--embedding", "8", "--device", "flex"];
    succeeded(&[&train[..], &asked, &hardly, &small].concat());
    let task = fs::read_to_string(Path::new(&run).join("task.json")).unwrap();
    let task: Value = serde_json::from_str(&task).unwrap();
    let known = task["reading"]["text"]["vocabulary"]["words"]
        .as_array()
        .unwrap();
    let symbol = |word: &str| {
        known
            .iter()
            .position(|other| other == word)
            .map(|at| at + 1)
    };
    assert!(
        symbol("thyme").is_none() && symbol("oak").is_some(),
        "{known:?}"
    );
    succeeded(&["export", &run, &file]);
    let weights = StateDict::open(&file).unwrap();
    let weights = weights.data("embedding.weight").unwrap().unwrap();
    let weights: Vec<f32> = weights.iter::<f32>().collect();
    for (place, word) in ["pepper", "salt", "paprika"].into_iter().enumerate() {
        let row = &weights[symbol(word).unwrap() * 8..][..8];
        let apart = row.iter().zip(vector(place)).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5, "{word}: {row:?}");
    }

    let with = |more: &[&str], expected: &str| nonsense(&[&train[..], more].concat(), expected);
    with(
        &["--most-vectors", "3"],
        "--most-vectors has an effect only with --vectors",
    );
    with(
        &["--vectors", &vectors, "--embedding", "9"],
        "--embedding: expected 8, the numbers of a vector in ",
    );
    with(
        &["--vectors", &vectors, "--unit", "char"],
        "--vectors has an effect only with --unit word or a tokenizer",
    );
    fs::write(&vectors, "pepper 1 2\nsalt 1 x\n").unwrap();
    refused(
        &[&train[..], &["--vectors", &vectors, "--embedding", "2"]].concat(),
        "vectors.txt: line 2, column `3`: expected a finite number, found `x`",
    );
}

/// Nine of ten are of one class: each class counts the same, and the other is told more often.
#[test]
fn a_rare_class_counts_as_much_as_a_frequent_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    // The text says nothing.
    let row = |number: usize| match number % 10 {
        0 => "rare\toak elm\n",
        _ => "frequent\toak elm\n",
    };
    let (data, run) = (path("data.tsv"), path("run"));
    let rows: String = (0..400).map(row).collect();
    fs::write(&data, format!("label\ttext\n{rows}")).unwrap();
    let p_of_rare = |more: &[&str]| {
        fs::remove_dir_all(&run).ok();
        trained(
            &data,
            &run,
            &[&["--epochs", "6", "--label-smoothing", "0"], more].concat(),
        );
        let question = path("question.tsv");
        fs::write(&question, "text\noak elm\n").unwrap();
        let answer: Value =
            serde_json::from_str(&told(&["predict", &run, &question, "--json"])).unwrap();
        let p = answer["probability"].as_f64().unwrap();
        match answer["class"] == "rare" {
            true => p,
            false => 1.0 - p,
        }
    };
    let (equal, balanced) = (p_of_rare(&[]), p_of_rare(&["--class-weights", "balanced"]));
    assert!((equal - 0.1).abs() < 0.08, "{equal}");
    assert!((balanced - 0.5).abs() < 0.2, "{balanced}");
}

/// What the settings say of decoding and weighting is taken from them, though the weights are those of another run.
#[test]
fn a_training_from_a_run_decodes_as_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (data, run, other) = (path("series.csv"), path("run"), path("other"));
    let rows: String = (0..60)
        .map(|step| format!("{},{}\n", 1900 + step, step % 7))
        .collect();
    fs::write(&data, format!("year,value\n{rows}")).unwrap();
    let train = [
        "train", "forecast", "--data", &data, "--steps", "2", "--device", "flex",
    ];
    let small = ["--hidden", "4", "--horizon", "5"];
    succeeded(&[&train[..], &small, &["--out", &run]].concat());
    let begun = ["--from", &run, "--horizon", "3", "--out", &other];
    succeeded(&[&train[..], &begun].concat());
    let answer = |run: &str| -> usize {
        let answer = told(&["predict", run, &data, "--json"]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["mean"].as_array().unwrap().len()
    };
    assert_eq!([answer(&run), answer(&other)], [5, 3]);
}

/// Found by somebody who tried.
#[test]
fn what_cannot_be_learned_or_asked_is_refused_by_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (series, run) = (path("series.csv"), path("run"));
    let rows: String = (0..60)
        .map(|step| format!("{},{}.5,1\n", 1900 + step, step % 7))
        .collect();
    fs::write(&series, format!("year,value,promo\n{rows}")).unwrap();
    let forecast = [
        "train", "forecast", "--data", &series, "--steps", "2", "--device", "flex",
    ];
    let with = |more: &[&str], expected: &str| {
        nonsense(&[&forecast[..], &["--out", &run], more].concat(), expected);
        assert!(!Path::new(&run).exists());
    };
    with(
        &["--output", "negative-binomial"],
        "--output: expected a distribution of numbers, as ",
    );
    with(
        &["--value-column", "promo", "--covariates", "promo"],
        "--covariates: expected other columns than that of the values, found promo",
    );
    // Covariates of the steps to come are not known: it learns, and shows no sample.
    let covariates = ["--covariates", "promo", "--hidden", "4", "--out", &run];
    succeeded(&[&forecast[..], &covariates].concat());
    nonsense(
        &["evaluate", &run, "--data", "-"],
        "--data: expected a file; standard input is read only as the text of `train lm`",
    );
    nonsense(
        &[
            "train", "forecast", "--from", &run, "--hidden", "5", "--steps", "1",
        ],
        "--hidden: expected 4, as in ",
    );

    // Classes that were never learned have no loss.
    let (data, other, classes) = (rule(folder.path()), path("other.tsv"), path("classes"));
    trained(&data, &classes, &["--steps", "2", "--epochs", "1"]);
    fs::write(&other, "label\ttext\nneither\toak\nsalt-first\tsalt\n").unwrap();
    let told_of = |data: &str| -> Value {
        let told = told(&["evaluate", &classes, "--data", data, "--json"]);
        serde_json::from_str(&told).unwrap()
    };
    let both = told_of(&other);
    fs::write(&other, "label\ttext\nsalt-first\tsalt\n").unwrap();
    assert_eq!(both["loss"], told_of(&other)["loss"]);
    fs::write(&other, "label\ttext\nneither\toak\n").unwrap();
    assert!(told_of(&other)["loss"].is_null());
    let train = ["train", "classify", "--data", &data, "--valid", &other];
    refused(
        &[&train[..], &["--out", &path("none")]].concat(),
        "the held-out examples: expected one at least whose answer can be learned, found none: expected one of the classes",
    );
}
