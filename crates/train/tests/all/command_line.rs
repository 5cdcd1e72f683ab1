//! What is typed: how it is understood, and what is said to what cannot be.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{SMALL, backdraft, succeeded, text, trained};

/// What was asked for makes no sense: the program says so by this message, with exit code 2.
#[track_caller]
fn nonsense(arguments: &[&str], expected: &str) {
    let output = backdraft(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    let message = error.strip_prefix("error: ").unwrap_or(&error);
    assert!(message.starts_with(expected), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn an_impossible_value_is_refused_by_its_flag_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let train = |more: &[&str], expected: &str| {
        nonsense(
            &[&["train", "lm", "--data", &text], more].concat(),
            expected,
        );
    };
    train(
        &["--drop-connect", "2"],
        "--drop-connect: expected at least 0 and below 1, found 2\n",
    );
    train(
        &["--tied"],
        "--tied: expected an embedding of 192 features, as there are units, found one of 64\n",
    );
    train(
        &["--cell", "elman", "--candidate-dropout", "0.1"],
        "--candidate-dropout: expected 0, as elman cells do not support it, found 0.1\n",
    );
    train(
        &["--chrono", "1"],
        "--chrono: expected at least 3, found 1\n",
    );
    train(
        &["--forget-bias", "inf"],
        "--forget-bias: expected a finite number, found inf\n",
    );
    train(
        &["--dry-run", "--adaptive", "5,4000"],
        "--adaptive: expected numbers below 17, the size of the vocabulary, found 5,4000\n",
    );
    // Cuts that no memory holds are wrong before they are large.
    train(
        &["--dry-run", "--adaptive", "4000000000"],
        "--adaptive: expected numbers below 17, the size of the vocabulary, found 4000000000\n",
    );
    train(
        &["--steps", "9223372036854775808"],
        "--steps: expected at most 9223372036854775807, found 9223372036854775808\n",
    );
    for number in ["1e99", "1e-99"] {
        let expected = format!("--lr: expected a finite number above 0, found {number}\n");
        train(&["--lr", number], &expected);
    }
    train(
        &["--weight-decay", "1e99"],
        "--weight-decay: expected a finite number, at least 0, found 1e99\n",
    );
    train(&["--lr", "fast"], "--lr: expected a number, found `fast`\n");
    train(
        &["--batch", "99999999999999999999"],
        "--batch: expected a whole number below 2^64, found `99999999999999999999`\n",
    );
    train(&["--hidden"], "--hidden: expected a value, found none\n");
    train(
        &["--lr", "1", "--lr", "2"],
        "--lr: expected once, found more than once\n",
    );
    train(
        &["--chrono", "9", "--forget-bias", "1"],
        "--chrono cannot be combined with --forget-bias F\n",
    );
    train(
        &["--cell", "lsmt"],
        "--cell: expected elman, high-order-elman, jordan, elman-jordan, ind-rnn, lstm, four-gate-lstm, gru, \
         layer-norm-lstm, layer-norm-gru, janet, mgu, s-lstm, min-gru, min-lstm or lru, found `lsmt`; did you \
         mean `lstm`?\n",
    );
    train(
        &["--unit", "letter"],
        "--unit: expected char, word or the name of a tokenizer",
    );

    for (arguments, expected) in [
        (
            &["train", "translate", "--hidden", "5"][..],
            "--hidden: expected an even number",
        ),
        (
            &["train", "transcribe", "--coefficients", "40"],
            "--coefficients: expected at most 26",
        ),
        (
            &["train", "transcribe", "--frame-ms", "0"],
            "--frame-ms: expected above 0",
        ),
        (
            &[
                "train",
                "forecast",
                "--output",
                "negative-binomial",
                "--scaling",
                "standard",
            ],
            "--scaling: expected mean or off",
        ),
        (
            &["train", "tag", "--characters", "99999999999"],
            "--characters: expected at most 16384",
        ),
        (
            &["train", "classify"],
            "--data: expected the file with the examples, found none",
        ),
        (
            &["train", "chess"],
            "expected lm, classify, tag, forecast, translate, transcribe",
        ),
        (
            &["train", "ml"],
            "expected lm, classify, tag, forecast, translate, transcribe or compose, or a file that ends in .toml, \
             found `ml`; did you mean `lm`?\n",
        ),
        (&["train", "mine.json"], "expected lm, classify, tag"),
        (
            &["generate", "run", "--temperature", "-1"],
            "--temperature: expected a finite number, at least 0",
        ),
        (
            &["generate", "run", "--top-k", "0"],
            "--top-k: expected at least 1, found 0",
        ),
        (
            &["generate", "run", "--samples", "99999999999"],
            "--samples: expected at most 1048576",
        ),
        (
            &["generate", "run", "--length", "0"],
            "--length: expected at least 1, found 0",
        ),
        (
            &["generate", "run", "--temperature", "0", "--top-k", "5"],
            "--top-k has an effect only with a --temperature above 0\n",
        ),
        (
            &["generate", "run", "--temperature", "0", "--seed", "0"],
            "--seed has an effect only with a --temperature above 0\n",
        ),
        (
            &["generate", "run", "--beam", "100000"],
            "--beam: expected at most 4096, found 100000\n",
        ),
        (&["generate"], "expected RUN, found nothing more"),
        (
            &["export", "run", "weights.pt"],
            "FILE.safetensors: expected a name that ends in",
        ),
        (
            &["import", "weights.pt"],
            "expected --like RUN and --out RUN, found nothing more",
        ),
        (
            &["train", "--resume"],
            "--resume: expected a value, found none",
        ),
        (&["compare", "run"], "RUNS: expected at least 2, found 1"),
        (
            &["inspect", "run", "other"],
            "expected nothing more, found `other`",
        ),
        (
            &["baselines", "tag", "--data", "none", "--word-column", "0"],
            "--word-column: expected",
        ),
        (
            &["probe", "adding", "--lengths", "99999999999"],
            "--lengths: expected at most",
        ),
        (
            &["probe", "adding", "--lengths", "50,60,50"],
            "--lengths: expected each once, found 50 twice\n",
        ),
        (
            &["probe", "adding", "--cells", "lstm,lstm"],
            "--cells: expected each once, found lstm twice\n",
        ),
        (
            &["baselines", "tag", "--data", "none", "--cells", "gru,gru"],
            "--cells: expected each once, found gru twice\n",
        ),
        (
            &["train", "tag", "--data", "none", "--tag-column", "1"],
            "--word-column: expected another column than that of the tag, found 1\n",
        ),
        (
            &[
                "train",
                "tag",
                "--characters",
                "0",
                "--data",
                "none",
                "--character-embedding",
                "8",
            ],
            "--character-embedding has an effect only with --characters above 0\n",
        ),
        (
            &["train", "classify", "--data", "none.npz", "--unit", "char"],
            "--unit has an effect only with texts\n",
        ),
        (
            &[
                "train",
                "transcribe",
                "--data",
                "none.npz",
                "--frame-ms",
                "20",
            ],
            "--frame-ms has an effect only with WAV files\n",
        ),
        (
            &[
                "train",
                "transcribe",
                "--data",
                "none.tsv",
                "--names",
                "yes,no",
            ],
            "--names has an effect only with arrays, whose classes are numbers\n",
        ),
        (
            &[
                "train",
                "transcribe",
                "--data",
                "none.tsv",
                "--embedding",
                "8",
            ],
            "--embedding has an effect only with symbols",
        ),
        (
            &[
                "train",
                "compose",
                "--data",
                "none.abc",
                "--text-column",
                "text",
            ],
            "--text-column has an effect only with a table of texts\n",
        ),
        (
            &["train", "compose", "--data", "none.tsv", "--fields", "R"],
            "--fields has an effect only with tunes in an .abc file\n",
        ),
        (
            &["probe", "adding", "--seeds", "0"],
            "--seeds: expected at least 1, found 0",
        ),
        (
            &["probe", "adding", "--test", "99999999999"],
            "--test: expected at most 1048576",
        ),
        (
            &["probe", "chess"],
            "PROBLEM: expected adding, copy, temporal-order",
        ),
        (&["trian"], "expected train, generate, predict"),
        (
            &["train", "lm", "--resume", "runs/lm-1"],
            "unknown flag `--resume`; did you mean `backdraft train --resume`?",
        ),
        (
            &["train", "lm", "--rnn_size", "5"],
            "unknown flag `--rnn_size`; did you mean `--hidden`?",
        ),
    ] {
        nonsense(arguments, expected);
    }
}

/// Each flag that people know from other programs is understood, or answered with the one that is meant.
#[test]
fn flags_of_other_programs_are_understood_or_answered() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let estimate = |flags: &[&str]| -> Value {
        let fixed = [
            "train",
            "lm",
            "--data",
            &text,
            "--dry-run",
            "--json",
            "--device",
            "flex",
        ];
        serde_json::from_str(&succeeded(&[&fixed[..], flags].concat())).unwrap()
    };
    let own = [
        "--cell",
        "lstm",
        "--hidden",
        "12",
        "--layers",
        "2",
        "--batch",
        "3",
        "--unroll",
        "7",
        "--lr",
        "0.1",
        "--clip-norm",
        "2",
    ];
    let elsewhere = [
        "--model",
        "lstm",
        "--hidden-size",
        "12",
        "--num-layers",
        "2",
        "--batch-size",
        "3",
        "--bptt",
        "7",
        "--learning-rate",
        "0.1",
        "--grad-clip",
        "2",
    ];
    let (own, elsewhere) = (estimate(&own), estimate(&elsewhere));
    for figure in ["model", "parameters", "steps", "symbols"] {
        assert_eq!(own[figure], elsewhere[figure], "{figure}");
    }
    assert_eq!(
        estimate(&["--seq-len", "7", "--steps", "3"])["symbols"],
        estimate(&["--unroll", "7", "--steps", "3"])["symbols"]
    );

    for (command, flag, meant) in [
        ("train lm", "--rnn-size", "--hidden"),
        ("train lm", "--nhid", "--hidden"),
        ("train lm", "--nlayers", "--layers"),
        ("train lm", "--emsize", "--embedding"),
        ("train tag", "--max-epochs", "--epochs"),
        ("train lm", "--checkpoint", "backdraft train --resume"),
        ("train lm", "--max-grad-norm", "--clip-norm"),
        ("train lm", "--droput", "--dropout"),
        ("generate", "--prime", "--prompt"),
        ("generate", "--temp", "--temperature"),
        ("generate", "--max-length", "--length"),
    ] {
        let arguments: Vec<&str> = command.split(' ').chain([flag, "1"]).collect();
        let expected = format!("unknown flag `{flag}`; did you mean `{meant}`?\n");
        nonsense(&arguments, &expected);
    }
    nonsense(
        &["train", "lm", "--xyzzy"],
        "unknown flag `--xyzzy`; `backdraft train lm --help` lists those there are\n",
    );
}

#[test]
fn with_json_an_error_is_an_object_too() {
    let told = |arguments: &[&str], code: i32, kind: &str| {
        let output = backdraft(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        let object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(object["kind"], kind, "{arguments:?}");
        let message = object["error"].as_str().unwrap();
        assert_eq!(error.trim_end(), format!("error: {message}"));
    };
    told(&["train", "lm", "--lr", "0", "--json"], 2, "invalid");
    told(&["train", "lm", "--lr", "x", "--json"], 2, "usage");
    told(&["train", "lm", "--json", "--xyzzy"], 2, "usage");
    told(&["train", "none.toml", "--json"], 2, "undescribed");
    told(&["train", "lm", "--data", "none", "--json"], 1, "data");
    told(&["train", "--json"], 2, "usage");
    told(&["probe", "adding", "--steps", "0", "--json"], 2, "invalid");
    told(&["baselines", "lm", "--data", "none", "--json"], 1, "data");
    for arguments in [
        &["train", "--resume", "none"][..],
        &["generate", "none"],
        &["predict", "none", "-"],
        &["evaluate", "none"],
        &["inspect", "none"],
        &["export", "none", "weights.safetensors"],
    ] {
        told(&[arguments, &["--json"]].concat(), 1, "not_a_run");
    }
    let import = [
        "import", "none", "--like", "none", "--out", "none", "--json",
    ];
    told(&import, 1, "not_a_run");
}

#[test]
fn a_setting_of_a_file_is_refused_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path()).to_str().unwrap().to_string();
    let file = folder
        .path()
        .join("mine.toml")
        .to_str()
        .unwrap()
        .to_string();
    let write = |content: &str| fs::write(&file, format!("data = '{text}'\n{content}")).unwrap();
    write("[regularize]\ndrop_connect = 2\n");
    let expected =
        format!("{file}: `regularize.drop_connect`: expected at least 0 and below 1, found 2\n");
    nonsense(&["train", &file], &expected);
    // What was typed is told as it was.
    nonsense(
        &["train", &file, "--drop-connect", "3"],
        "--drop-connect: expected at least 0 and below 1, found 3\n",
    );
    write("adaptive = [5, 4000]\n");
    let expected = format!("{file}: `adaptive`: expected numbers below 17");
    nonsense(&["train", &file, "--dry-run"], &expected);
    // What has no effect, though nobody typed it; in the file of a run every key is there.
    for (key, with) in [
        ("momentum = 0.5", "--optimizer sgd"),
        ("[averaging]\ndecay = 0.5", "--average ema"),
        ("[falling]\nafter = 2", "--decay halve or plateau"),
    ] {
        write(key);
        let name = key.replace("[", "").replace("]\n", ".");
        let name = name.split(' ').next().unwrap();
        let expected = format!("{file}: `{name}` has an effect only with {with}\n");
        nonsense(&["train", &file], &expected);
    }
    write("momentum = 0.5");
    succeeded(&["train", &file, "--optimizer", "sgd", "--dry-run"]);
    write("tied = true\nadaptive = [5]\n");
    let expected = format!("{file}: `tied` cannot be combined with `adaptive`\n");
    nonsense(&["train", &file], &expected);
    write("cell = \"lsmt\"\n");
    let expected = format!("{file}: `cell`: expected elman, high-order-elman, ");
    nonsense(&["train", &file], &expected);
    write("task = \"chess\"\n");
    let expected = format!("{file}: `task`: expected `lm` or `classify` or ");
    nonsense(&["train", &file], &expected);
    fs::write(&file, "\n").unwrap();
    let expected = format!("{file}: expected settings, found an empty file\n");
    nonsense(&["train", &file], &expected);
    write("learning_rate = 1\n");
    let expected = format!("{file}: unknown key `learning_rate`; did you mean `lr`?\n");
    nonsense(&["train", &file], &expected);
    write("learning_rate = 1\n[made]\nbackdraft = '99.0.0'\n");
    let expected = format!(
        "{file}: unknown key `learning_rate`; did you mean `lr`?; it was written by backdraft 99.0.0, which \
         is newer than this one, {}\n",
        env!("CARGO_PKG_VERSION")
    );
    nonsense(&["train", &file], &expected);
}

/// A run's description is used again: of another text, after an edit, by an older program.
#[test]
fn a_description_that_is_used_again_says_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "2"]);
    let described = Path::new(&run).join("run.toml");
    let (path, content) = (
        described.to_str().unwrap(),
        fs::read_to_string(&described).unwrap(),
    );
    assert!(content.contains("origin = \"file\""), "{content}");
    let dry_run = |more: &[&str]| {
        let output = backdraft(&[&["train", path, "--dry-run"], more].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        error
    };
    assert_eq!(dry_run(&[]), "");

    // Edited inside the run: the run is not what it was, but the file can be used.
    fs::write(&described, content.replace("hidden = 24", "hidden = 12")).unwrap();
    let output = backdraft(&["evaluate", &run]);
    let error = String::from_utf8_lossy(&output.stderr);
    let advice = format!("`backdraft train {path} --out NEW` trains with the new settings");
    assert!(error.contains(&advice), "{error}");
    assert_eq!(dry_run(&[]), "");

    let version = env!("CARGO_PKG_VERSION");
    let newer = content.replace(&format!("\"{version}\""), "\"99.1.0\"");
    fs::write(&described, newer).unwrap();
    let warning = dry_run(&[]);
    let expected = format!("warning: {path}: it was written by backdraft 99.1.0, which is newer");
    assert!(warning.starts_with(&expected), "{warning}");

    fs::write(&described, &content).unwrap();
    let text = folder.path().join("text.txt");
    let other = "one fish two fish red fish blue fish\n".repeat(100);
    fs::write(&text, &other).unwrap();
    let warning = dry_run(&[]);
    for expected in [
        format!("warning: {path}: the data, "),
        text.display().to_string(),
    ] {
        assert!(warning.contains(&expected), "{warning}");
    }
    // Whoever names the text means that one.
    assert_eq!(dry_run(&["--data", text.to_str().unwrap()]), "");

    // Without `data`, the source of Burn: but not where a program handed over the text.
    let lines = content.lines().filter(|line| !line.starts_with("data ="));
    let lost = lines.collect::<Vec<_>>().join("\n");
    let lost = lost.replace("origin = \"file\"", "origin = \"caller\"");
    fs::write(&described, lost).unwrap();
    let expected =
        format!("{path}: `data`: expected a file or a folder, since the text of this run");
    nonsense(&["train", path], &expected);
}

/// What is wrong is told without what it was wrapped in: layers of the library, files beside the one that
/// was named, advice that cannot help.
#[test]
fn what_cannot_be_done_is_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = trained(folder.path(), &["--steps", "2"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    fs::write(path("one.txt"), "x").unwrap();
    let told = |arguments: &[&str]| {
        let output = backdraft(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        error
    };
    assert_eq!(
        told(&["evaluate", &run, "--data", &path("one.txt")]),
        "error: the text is too short: expected at least 2 symbols, found 1; use more text\n"
    );
    assert_eq!(
        told(&["baselines", "lm", "--data", &path("one.txt")]),
        "error: the text: expected at least 2 characters to learn from and 2 that are held out, found 1 and \
         0\n"
    );
    let file = path("none/weights.safetensors");
    let expected = format!("error: cannot write {file}: No such file or directory (os error 2)\n");
    assert_eq!(told(&["export", &run, &file]), expected);
    let expected =
        "error: the run: expected one of `train classify` or another task with answers, as";
    let found = told(&["predict", &run, &path("one.txt")]);
    assert!(found.starts_with(expected), "{found}");
}

#[cfg(unix)]
#[test]
fn a_path_that_a_description_cannot_hold_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use crate::support::command;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join(OsStr::from_bytes(b"t\xffxt"));
    fs::rename(text(folder.path()), &data).unwrap();
    let run = folder.path().join("run");
    let mut command = command(&["train", "lm", "--out", run.to_str().unwrap()]);
    let output = command
        .args(SMALL)
        .arg("--data")
        .arg(&data)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.starts_with("error: --data: expected a path in UTF-8"),
        "{error}"
    );
    assert!(!run.exists());
}

#[test]
fn a_name_cannot_give_orders_to_a_terminal() {
    let output = backdraft(&["train", "lm", "--data", "a\u{1b}[2J\r.txt"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(r"cannot read a\u{1b}[2J\r.txt: "), "{error}");
}
