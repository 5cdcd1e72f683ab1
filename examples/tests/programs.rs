//! Each example ends as its head says.

use std::process::Command;

fn output(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn own_cell_ends_at_an_accuracy_of_one() {
    let told = output(env!("CARGO_BIN_EXE_own-cell"));
    assert!(told.contains("kernel ("), "{told}");
    assert!(told.trim_end().ends_with("accuracy 1.000"), "{told}");
}

#[test]
fn language_model_recites_its_own_source() {
    let told = output(env!("CARGO_BIN_EXE_language-model"));
    let (_, written) = told.split_once("\nfn main() ").unwrap();
    let source = include_str!("../language_model.rs");
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
