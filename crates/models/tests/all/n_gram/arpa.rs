//! N-grams as ARPA files, written and read.

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|symbol| format!("w{symbol}")).collect()
}

/// Every probability after every context of up to `longest` symbols, from the beginning and amid a text.
fn everything(model: &NGram, longest: usize) -> Vec<f64> {
    let symbols = model.vocabulary_size() as u32;
    let mut states = vec![Default::default(), model.initial_state()];
    let mut p = Vec::new();
    for length in 0..=longest {
        let mut next = Vec::new();
        for state in &states {
            let distribution = model.distribution(state);
            let sum: f64 = distribution.iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            p.extend(distribution);
            for symbol in (0..symbols).filter(|_| length < longest) {
                let mut state = state.clone();
                model.read(&mut state, &[symbol]).unwrap();
                next.push(state);
            }
        }
        states = next;
    }
    p
}

#[test]
fn what_is_written_is_read_again() {
    let mut random = StdRng::seed_from_u64(9);
    for round in 0..20 {
        let order = 1 + round % 5;
        let symbols = random.random_range(1..6);
        let config = NGramConfig::new(symbols, order).with_begin(random.random());
        let text = |_| -> Vec<u32> {
            let length = random.random_range(1..40);
            let draw = |_| random.random_range(0..symbols as u32);
            (0..length).map(draw).collect()
        };
        let texts: Vec<Vec<u32>> = (0..4).map(text).collect();
        let model = config.fit(&texts).unwrap();
        let names = names(symbols);
        let file = model.to_arpa(&names).unwrap();
        let read = NGram::from_arpa(&file, &names).unwrap();
        assert_eq!(NGram::arpa_names(&file).unwrap(), names);
        let (written, again) = (everything(&model, 3), everything(&read, 3));
        assert_eq!(written.len(), again.len());
        for (a, b) in written.iter().zip(again) {
            assert!((a / b - 1.0).abs() < 2e-5, "{a} against {b}: {file}");
        }
        // The digits of a file are those of the file.
        assert_eq!(read.to_arpa(&names).unwrap(), file);
        // Symbols in another order are the same words.
        let turned: Vec<String> = names.iter().rev().cloned().collect();
        let turned = NGram::from_arpa(&file, &turned).unwrap();
        let turn = |symbol: &u32| symbols as u32 - 1 - symbol;
        let text: Vec<u32> = texts[0].iter().map(turn).collect();
        let pairs = read.nats(&texts[0]).unwrap().into_iter();
        for (a, b) in pairs.zip(turned.nats(&text).unwrap()) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}

/// As SRILM writes them, with an order of its own, a context that no shorter one ends, and without some weights.
const BY_HAND: &str = "
made by hand

\\data\\
ngram 1=5
ngram 2=3
ngram 3=2

\\1-grams:
-0.6989700 <unk>
-99 <s> -0.3010300
-0.3979400 cat -0.1760913
-0.5228787 the -0.2218487
-1 </s>

\\2-grams:
-0.2218487 <s> the -0.3010300
-0.3979400 the cat
-0.0969100 cat </s>

\\3-grams:
-0.0457575 <s> the cat
-0.0969100 <unk> <unk> cat

\\end\\
What comes after is not read: \\4-grams:
";

#[test]
fn a_file_means_what_the_format_says() {
    let names = NGram::arpa_names(BY_HAND).unwrap();
    assert_eq!(names, ["<unk>", "cat", "the", "</s>"]);
    let model = NGram::from_arpa(BY_HAND, &names).unwrap();
    assert_eq!((model.config().order, model.config().begin), (3, true));
    let [unk, cat, the, end] = [0, 1, 2, 3];
    let of = |begins: bool, context: &[u32], symbol: u32| {
        let mut state = match begins {
            true => model.initial_state(),
            false => Default::default(),
        };
        model.read(&mut state, context).unwrap();
        model.probability(&state, symbol).unwrap()
    };
    let close = |found: f64, expected: f64| {
        assert!(
            (found / expected - 1.0).abs() < 1e-6,
            "{found}, not {expected}"
        );
    };
    close(of(false, &[], cat), 0.4);
    close(of(true, &[], the), 0.6);
    close(of(true, &[], cat), 0.5 * 0.4);
    close(of(true, &[the], cat), 0.9);
    // b(<s> the) b(the) p(end), and without a beginning b(the) p(end).
    close(of(true, &[the], end), 0.5 * 0.6 * 0.1);
    close(of(false, &[the], end), 0.6 * 0.1);
    close(of(false, &[the, cat], end), 0.8);
    // No weight is told of what was seen once and never went on: it is 1.
    close(of(true, &[the, cat], unk), 10f64.powf(-0.1760913) * 0.2);
    close(of(false, &[unk, unk], cat), 0.8);
    close(of(false, &[unk, unk], the), 0.3);
    close(of(false, &[cat, unk], cat), 0.4);

    // A vocabulary without some of the words has only what is told of the others.
    let some = NGram::from_arpa(BY_HAND, &["the", "cat"]).unwrap();
    let mut state = some.initial_state();
    some.read(&mut state, &[0]).unwrap();
    close(some.probability(&state, 1).unwrap(), 0.9);
}

/// As KenLM takes them, 10^-100; another word that is missing is refused.
#[test]
fn an_unknown_word_and_an_end_need_not_be_in_a_file() {
    let file = BY_HAND.replace("<unk>", "dog").replace("</s>", "bird");
    let names = ["the", "<unk>", "cat", "</s>", "dog", "bird"];
    let model = NGram::from_arpa(&file, &names).unwrap();
    let of = |symbol: u32| model.probability(&Default::default(), symbol).unwrap();
    assert!((of(1) / 1e-100 - 1.0).abs() < 1e-9 && (of(3) / 1e-100 - 1.0).abs() < 1e-9);
    assert!((of(2) - 0.4).abs() < 1e-6);
    assert_eq!(model.config().end, Some(3));
    assert!(NGram::from_arpa(&file, &["the", "horse"]).is_err());
}

#[test]
fn what_is_no_arpa_file_is_refused_with_its_line() {
    let names = ["<unk>", "cat", "the", "</s>"];
    let refused = |text: &str| NGram::from_arpa(text, &names).unwrap_err().to_string();
    let with = |from: &str, to: &str| {
        assert!(BY_HAND.contains(from), "{from}");
        refused(&BY_HAND.replacen(from, to, 1))
    };
    assert_eq!(
        refused(""),
        "NGram: ARPA file: expected \\end\\ at its end, found none"
    );
    assert_eq!(
        with("\\2-grams:", "\\3-grams:"),
        "NGram: line 16 of the ARPA file: expected \\2-grams: or \\end\\, found \\3-grams:"
    );
    for wrong in ["cat dog bird", "cat x", "cat inf", "cat -0.1 -0.2"] {
        let message = with("cat -0.1760913", wrong);
        let expected = "NGram: line 12 of the ARPA file: expected a logarithm, a word and perhaps";
        assert!(message.starts_with(expected), "{message}");
    }
    assert!(with("-0.3979400 cat", "0.1 cat").contains("line 12"));
    assert!(with("-0.3979400 cat", "nan cat").contains("line 12"));
    assert_eq!(
        with("-1 </s>", "-1 cat"),
        "NGram: line 14 of the ARPA file: expected each n-gram once, found \"cat\" again"
    );
    assert_eq!(
        NGram::from_arpa(BY_HAND, &["cat", "dog"])
            .unwrap_err()
            .to_string(),
        "NGram: 1-grams: expected a 1-gram of each word of the vocabulary, found none of \"dog\""
    );
    let none: [&str; 0] = [];
    assert!(NGram::from_arpa(BY_HAND, &none).is_err());

    let model = NGramConfig::new(2, 2).fit(&[[0, 1]]).unwrap();
    for (names, what) in [
        (vec!["a"], "names: expected 2, one for each symbol, found 1"),
        (
            vec!["a", "a"],
            "names: expected each once, found \"a\" twice",
        ),
        (
            vec!["a", "b c"],
            "white space, other than <s>, found \"b c\"",
        ),
        (vec!["a", ""], "white space, other than <s>, found \"\""),
        (
            vec!["<s>", "b"],
            "white space, other than <s>, found \"<s>\"",
        ),
    ] {
        let message = model.to_arpa(&names).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
    }
}

/// `log10 p` of each word of a sentence and of its end, as KenLM 0.3.0 tells it, where "dog" is unknown; of
/// `BY_HAND` with tabs, and without the 3-gram that no 2-gram ends, which KenLM refuses:
///
/// ```python
/// model = kenlm.Model("by_hand.arpa")
/// [score[0] for score in model.full_scores("dog the cat dog")]
/// ```
const BY_KENLM: [(&[u32], &[f64]); 4] = [
    (
        &[2, 1],
        &[
            -0.22184869647026062,
            -0.04575749859213829,
            -0.09690999984741211,
        ],
    ),
    (
        &[1, 2, 2, 1],
        &[
            -0.6989700198173523,
            -0.6989700198173523,
            -0.744727373123169,
            -0.3979400098323822,
            -0.09690999984741211,
        ],
    ),
    (
        &[0, 2, 1, 0],
        &[
            -1.0,
            -0.5228787064552307,
            -0.3979400098323822,
            -0.8750613331794739,
            -1.0,
        ],
    ),
    (&[], &[-1.3010300397872925]),
];

#[test]
fn sentences_are_as_likely_as_kenlm_finds_them() {
    let file = BY_HAND.replace("-0.0969100 <unk> <unk> cat\n", "");
    let model = NGram::from_arpa(&file, &["<unk>", "cat", "the", "</s>"]).unwrap();
    for (sentence, expected) in BY_KENLM {
        let nats = model.nats(&[sentence, &[3]].concat()).unwrap();
        assert_eq!(nats.len(), expected.len());
        for (nats, expected) in nats.iter().zip(expected) {
            let found = -nats / std::f64::consts::LN_10;
            assert!(
                (found - expected).abs() < 1e-6,
                "{found}, not {expected}: {sentence:?}"
            );
        }
    }
}
