//! N-grams in files of their own, as a stranger counts and uses them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{refused, succeeded};

fn told(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeded(arguments)).unwrap()
}

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_string()
}

const LINES: &str = "one fish two fish\nred fish blue fish\n";

#[test]
fn what_is_counted_is_measured_and_written_with() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(folder.path(), "text.txt", &LINES.repeat(30));
    let model = folder.path().join("model.arpa");
    let model = model.to_str().unwrap();
    for (unit, symbols, longest) in [("word", 7, 3), ("char", 17, 12), ("byte", 256, 12)] {
        let order = longest.to_string();
        let count = [
            "ngram", "--data", &data, "--out", model, "--unit", unit, "--order", &order,
        ];
        let report = told(&[&count[..], &["--force", "--json"]].concat());
        assert_eq!(report["vocabulary"], symbols, "{report}");
        assert_eq!(report["grams"].as_array().unwrap().len(), longest);
        let evaluate = ["evaluate", model, "--data", &data, "--json"];
        let report = told(&evaluate);
        let number = |name: &str| report[name].as_f64().unwrap();
        // A line is told by its first word, of which there are two.
        let bits = 0.5 / (LINES.len() as f64 / 4.0);
        let found = number("bits_per_character");
        assert!((bits..0.5).contains(&found), "{found} {bits}");
        assert!((number("perplexity") - number("loss").exp()).abs() < 1e-9);
        assert_eq!(report["unknown"], 0);
        let characters =
            number("loss") / std::f64::consts::LN_2 * number("symbols") / (LINES.len() * 30) as f64;
        assert!((found - characters).abs() < 1e-9);

        let write = |more: &[&str]| succeeded(&[&["generate", model][..], more].concat());
        let line = write(&["--prompt", "red", "--until", "\\n", "--temperature", "0"]);
        assert_eq!(line, "red fish blue fish\n\n");
        let searched = write(&["--prompt", "one", "--until", "\\n", "--beam", "4"]);
        assert_eq!(searched, "one fish two fish\n\n");
        let length = if unit == "word" { "20" } else { "80" };
        let several = ["--samples", "3", "--length", length, "--seed", "5"];
        let texts = write(&several);
        assert_eq!(texts, write(&several));
        let mut lines = texts.lines().filter(|line| !line.is_empty());
        let first = lines.next().unwrap();
        assert!(LINES.lines().any(|line| line == first), "{texts}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = file(folder.path(), "text.txt", LINES);
    let model = folder.path().join("model.arpa");
    let model = model.to_str().unwrap();
    let count = |more: &[&str], expected: &str| {
        let arguments = ["ngram", "--data", &data, "--out", model];
        refused(&[&arguments[..], more].concat(), expected);
        assert!(!Path::new(model).exists());
    };
    count(&["--order", "0"], "--order: expected at least 1, found 0");
    count(&["--order", "65"], "--order: expected at most 64, found 65");
    count(
        &["--unit", "pieces.json"],
        "--unit: expected char, byte or word, as an ARPA file does not hold a tokenizer",
    );
    count(
        &["--unit", "char", "--most-words", "5"],
        "--most-words: expected word as the unit",
    );
    let other = ["ngram", "--data", &data, "--out", "model.txt"];
    refused(
        &other,
        "expected a name that ends in .arpa, found `model.txt`",
    );

    let broken = file(folder.path(), "broken.arpa", "\\data\\\n\nsome words\n");
    refused(&["generate", &broken], "broken.arpa: ");
    let there = ["ngram", "--data", &data, "--out", &broken];
    refused(&there, "broken.arpa, which exists");

    succeeded(&["ngram", "--data", &data, "--out", model]);
    refused(&["evaluate", model], "--data: expected a text");
    let evaluate = ["evaluate", model, "--data", &data];
    refused(
        &[&evaluate[..], &["--streams", "2"]].concat(),
        "--streams has an effect only with a run",
    );
    for setting in [&["--beam", "2"], &["--lexicon", &data]] {
        let expected = format!("{} has an effect only with a run", setting[0]);
        refused(&[&evaluate[..], setting].concat(), &expected);
    }
    refused(
        &[&evaluate[..], &["--unit", "char"]].concat(),
        "--unit: expected names of characters as its words, found others in ",
    );
    refused(
        &["generate", model, "--device", "flex"],
        "--device has an effect only with a run",
    );
    // Words that begin lines in such a file.
    let begun = file(folder.path(), "begun.txt", "<s> one\n<s> two\n");
    let other = folder.path().join("begun.arpa");
    let other = other.to_str().unwrap();
    refused(
        &["ngram", "--data", &begun, "--out", other],
        "the text: expected no word <s>, which begins each line in an ARPA file",
    );
    fs::create_dir(other).unwrap();
    let into = ["ngram", "--data", &data, "--out", other, "--force"];
    refused(&into, "expected a file, found ");
    refused(&["generate", other], "expected a run folder");
    refused(
        &["generate", model, "--condition", "a key"],
        "--condition: expected a run of `train lm --condition`",
    );
}

/// As KenLM and SRILM write them, in lower case, with words that are spelled as this program does not.
#[test]
fn files_of_other_programs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let content = "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-0.7\ta\t-0.3\n-0.7\tb\n-99\t<s>\t-0.2\n\
                   -0.5\t</s>\n\n\\2-grams:\n-0.1\t<s> a\n-0.2\ta b\n\n\\end\\\n";
    let model = file(folder.path(), "model.arpa", content);
    let data = file(folder.path(), "text.txt", "ab\n");
    let report = told(&["evaluate", &model, "--data", &data, "--json"]);
    // p(a | <s>), p(b | a), p(</s>).
    let nats = (0.1 + 0.2 + 0.5) * std::f64::consts::LN_10;
    let loss = report["loss"].as_f64().unwrap();
    assert!((loss - nats / 3.0).abs() < 1e-6, "{report}");
    assert_eq!(report["unit"], "char");
    let as_words = [
        "evaluate", &model, "--data", &data, "--unit", "word", "--json",
    ];
    assert_eq!(told(&as_words)["unknown"], 1);

    // Texts that were taken apart before: a word is what stands between spaces.
    let content = content.replace("a b", "Mr. 's").replace("\ta\t", "\tMr.\t");
    let content = content
        .replace("\tb\n", "\t's\n")
        .replace("<s> a", "<s> Mr.");
    let model = file(folder.path(), "tokens.arpa", &content);
    let data = file(folder.path(), "tokens.txt", "Mr. 's\n");
    let report = told(&["evaluate", &model, "--data", &data, "--json"]);
    let loss = report["loss"].as_f64().unwrap();
    assert!((loss - nats / 3.0).abs() < 1e-6, "{report}");
    let write = ["generate", &model, "--prompt", "Mr.", "--temperature", "0"];
    let written = succeeded(&[&write[..], &["--until", "\\n"]].concat());
    assert_eq!(written, "Mr. 's\n\n");
}
