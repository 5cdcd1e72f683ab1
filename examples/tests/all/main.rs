//! Each example ends as its head says.

use std::process::Command;

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn own_cell_ends_at_an_accuracy_of_one() {
    let told = output(env!("CARGO_BIN_EXE_own-cell"), &[]);
    assert!(told.contains("kernel ("), "{told}");
    assert!(told.trim_end().ends_with("accuracy 1.000"), "{told}");
}

#[test]
fn classification_tells_the_verdict_that_counts() {
    let told = output(env!("CARGO_BIN_EXE_classification"), &[]);
    let last = told.lines().next_back().unwrap();
    let accuracy = last.strip_prefix("accuracy ").unwrap();
    let accuracy: f64 = accuracy.split(',').next().unwrap().parse().unwrap();
    assert!(accuracy > 0.97, "{told}");
}

#[test]
fn composition_writes_what_its_keys_say() {
    let told = output(env!("CARGO_BIN_EXE_composition"), &[]);
    let last = told.lines().last().unwrap();
    let right: usize = last.split_whitespace().next().unwrap().parse().unwrap();
    assert!(right >= 95, "{told}");
    assert!(last.contains(" of 100 tunes"), "{told}");
}

/// Each kind is what it is said to be, by what can be measured of it.
#[test]
fn series_kinds_are_what_they_are_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let told = output(
        env!("CARGO_BIN_EXE_series-kinds"),
        &[folder.path().to_str().unwrap()],
    );
    assert_eq!(told.lines().count(), 4);
    let read = |kind: &str| -> Vec<Vec<f64>> {
        let table = std::fs::read_to_string(folder.path().join(format!("{kind}.csv"))).unwrap();
        let values = table.lines().skip(1).map(|line| {
            let value = line.rsplit(',').next().unwrap();
            value.parse::<f64>().unwrap()
        });
        let values: Vec<f64> = values.collect();
        assert_eq!(values.len(), 20 * 400);
        values.chunks(400).map(<[f64]>::to_vec).collect()
    };
    let deviation = |values: Vec<f64>| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        (values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / count)
            .sqrt()
    };
    // What is left when the rule is taken off is the noise.
    let left = |kind: &str, rule: &dyn Fn(&[f64], usize) -> f64, from: usize| {
        let all = read(kind);
        let left = all
            .iter()
            .flat_map(|series| (from..series.len()).map(|step| series[step] - rule(series, step)));
        deviation(left.collect())
    };
    let near =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.05, "{found}");
    near(left("ar2", &|z, t| 1.5 * z[t - 1] - 0.8 * z[t - 2], 2), 1.0);
    near(left("walk", &|z, t| z[t - 1], 1), 1.0);
    // Half a swing before, it is on the other side: the noise is there twice.
    let other = |z: &[f64], t: usize| 0.05 * (2.0 * t as f64 - 12.0) - z[t - 12];
    near(left("sine", &other, 12), 0.5 * 2f64.sqrt());
    let counts = read("counts").concat();
    let zeros = counts.iter().filter(|count| **count == 0.0).count();
    near(zeros as f64 / counts.len() as f64, 0.8);
    near(counts.iter().sum::<f64>() / counts.len() as f64, 0.2 * 3.0);
}

#[test]
fn forecasting_is_better_than_the_day_and_the_week_before() {
    let told = output(env!("CARGO_BIN_EXE_forecasting"), &[]);
    let number = |line: &str| -> f64 {
        let line = told.lines().find(|told| told.starts_with(line)).unwrap();
        let mut words = line.split_whitespace().rev();
        words.find_map(|word| word.parse().ok()).unwrap()
    };
    let model = number("the model");
    assert!(model < 0.5 * number("as today"), "{told}");
    assert!(model < 0.9 * number("as a week ago"), "{told}");
    let held = number("its 90 % intervals hold");
    assert!((82.0..97.0).contains(&held), "{told}");
}

#[test]
fn gradients_are_what_the_formulae_say() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("gradients.svg");
    let program = env!("CARGO_BIN_EXE_gradients");
    let told = output(program, &["--svg", svg.to_str().unwrap()]);
    let last_word = |number: &str, row: &str| {
        let (_, section) = told.split_once(&format!("\n{number}. ")).unwrap();
        let line = section.lines().find(|line| line.starts_with(row)).unwrap();
        line.split_whitespace().last().unwrap().to_string()
    };
    for (number, row, verdict) in [
        ("2", "rho 0.9", "vanishes"),
        ("2", "rho 1.0", "lasts"),
        ("2", "rho 1.1", "explodes"),
        ("3", "rho 1.1", "vanishes"),
        ("4", "input 0 ", "explodes"),
        ("4", "input 4 ", "vanishes"),
        ("5", "bias 0", "vanishes"),
        ("5", "chrono", "lasts"),
        ("6", "bias 0", "vanishes"),
        ("6", "chrono", "lasts"),
    ] {
        assert_eq!(last_word(number, row), verdict, "{number}, {row}\n{told}");
    }
    let difference = |precision: &str| -> f64 { last_word("7", precision).parse().unwrap() };
    assert!(difference("double precision") < 1e-12, "{told}");
    assert!(difference("single precision") < 1e-5, "{told}");
    let svg = std::fs::read_to_string(svg).unwrap();
    for panel in [
        "unit circle",
        "at rest",
        "strength 1",
        "saturation",
        "LSTM",
        "GRU",
    ] {
        assert!(svg.contains(panel), "{panel}");
    }
}

#[test]
fn language_model_recites_its_own_source() {
    let told = output(env!("CARGO_BIN_EXE_language-model"), &[]);
    let (_, written) = told.split_once("\n//! A language model").unwrap();
    let source = include_str!("../../language_model.rs");
    // The last line is cut off by the length of what is written.
    let lines = written.lines().filter(|line| line.trim().len() > 15);
    let own = lines.filter(|line| source.contains(line)).count();
    assert!(own >= 3, "{told}");
    let last = told
        .lines()
        .rfind(|line| line.starts_with("epoch "))
        .unwrap();
    let nats: f64 = last.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(nats < 0.5, "{last}");
}

#[test]
fn temporal_order_is_learned_further_back_with_clipping_than_without() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("temporal-order.svg");
    let few = ["--lengths", "10,22", "--seeds", "1", "--steps", "2000"];
    let drawn = ["--svg", svg.to_str().unwrap()];
    let program = env!("CARGO_BIN_EXE_temporal-order");
    let told = output(program, &[&few[..], &drawn].concat());
    let rates = |line: &str| {
        line.split_whitespace()
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let table: Vec<_> = told.lines().skip(1).take(2).map(rates).collect();
    assert_eq!(table[0], ["10", "1.00", "1.00"], "{told}");
    assert_eq!(table[1], ["22", "0.00", "1.00"], "{told}");
    assert!(
        std::fs::read_to_string(svg)
            .unwrap()
            .contains("no clipping")
    );
}

#[test]
fn tagging_finds_the_phrases_of_new_sentences() {
    let told = output(env!("CARGO_BIN_EXE_tagging"), &[]);
    let last = told.lines().last().unwrap();
    let f1: f64 = last.split_whitespace().last().unwrap().parse().unwrap();
    assert!(f1 > 0.95, "{told}");
}

#[test]
fn translation_writes_new_numbers_in_words() {
    let told = output(env!("CARGO_BIN_EXE_translation"), &[]);
    let last = told.lines().last().unwrap();
    let right: usize = last.split_whitespace().next().unwrap().parse().unwrap();
    assert!(right >= 95, "{told}");
    assert!(last.contains(" of 100 right"), "{told}");
}

#[test]
fn transcription_hears_the_digits_of_new_numbers() {
    let told = output(env!("CARGO_BIN_EXE_transcription"), &[]);
    let last = told.lines().last().unwrap();
    let (_, wrong) = last.split_once("right, ").unwrap();
    let wrong: f64 = wrong.split(' ').next().unwrap().parse().unwrap();
    assert!(wrong < 2.0, "{told}");
}

/// With attention nearly all strings are turned around, and more than without.
#[test]
fn reversal_needs_attention() {
    let told = output(env!("CARGO_BIN_EXE_reversal"), &[]);
    let right = |kind: &str| -> usize {
        let line = told.lines().find(|line| line.starts_with(kind)).unwrap();
        let count = line.rsplit(": ").next().unwrap();
        count.split(' ').next().unwrap().parse().unwrap()
    };
    let (without, with) = (right("without attention"), right("with attention"));
    assert!(with >= 95 && without < with, "{told}");
}
