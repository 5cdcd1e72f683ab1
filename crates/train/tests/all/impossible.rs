//! Values that make no sense: refused by the flag, or by the key of a file, with what would be possible.

use std::fs;

use crate::support::{nonsense, succeeded, text};

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
        "--tied: expected an embedding of 192 features, as the last layer has, found one of 64\n",
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
        "--unit: expected char, byte, word or the name of a tokenizer",
    );

    // As they are typed.
    for (typed, expected) in [
        (
            "train translate --hidden 5",
            "--hidden: expected an even number",
        ),
        (
            "train transcribe --coefficients 40",
            "--coefficients: expected at most 26",
        ),
        (
            "train transcribe --frame-ms 0",
            "--frame-ms: expected above 0",
        ),
        (
            "train forecast --output negative-binomial --scaling standard",
            "--scaling: expected mean or off",
        ),
        (
            "train tag --characters 99999999999",
            "--characters: expected at most 16384",
        ),
        (
            "train classify",
            "--data: expected the file with the examples, found none",
        ),
        (
            "train chess",
            "expected lm, classify, tag, forecast, translate, transcribe",
        ),
        (
            "train ml",
            "expected lm, classify, tag, forecast, translate, transcribe or compose, or a file that ends in .toml, \
             found `ml`; did you mean `lm`?\n",
        ),
        ("train mine.json", "expected lm, classify, tag"),
        (
            "generate run --temperature -1",
            "--temperature: expected a finite number, at least 0",
        ),
        (
            "generate run --top-k 0",
            "--top-k: expected at least 1, found 0",
        ),
        (
            "generate run --samples 99999999999",
            "--samples: expected at most 1048576",
        ),
        (
            "generate run --length 0",
            "--length: expected at least 1, found 0",
        ),
        (
            "generate run --temperature 0 --top-k 5",
            "--top-k has an effect only with a --temperature above 0\n",
        ),
        (
            "generate run --temperature 0 --seed 0",
            "--seed has an effect only with a --temperature above 0\n",
        ),
        (
            "generate run --beam 100000",
            "--beam: expected at most 4096, found 100000\n",
        ),
        ("generate", "expected RUN, found nothing more"),
        (
            "export run weights.pt",
            "FILE.safetensors: expected a name that ends in",
        ),
        (
            "import weights.pt",
            "expected --like RUN and --out RUN, found nothing more",
        ),
        ("train --resume", "--resume: expected a value, found none"),
        ("compare run", "RUNS: expected at least 2, found 1"),
        ("inspect run other", "expected nothing more, found `other`"),
        (
            "baselines tag --data none --word-column 0",
            "--word-column: expected",
        ),
        (
            "probe adding --lengths 99999999999",
            "--lengths: expected at most",
        ),
        (
            "probe adding --lengths 50,60,50",
            "--lengths: expected each once, found 50 twice\n",
        ),
        (
            "probe adding --cells lstm,lstm",
            "--cells: expected each once, found lstm twice\n",
        ),
        (
            "baselines tag --data none --cells gru,gru",
            "--cells: expected each once, found gru twice\n",
        ),
        (
            "train tag --data none --tag-column 1",
            "--word-column: expected another column than that of the tag, found 1\n",
        ),
        (
            "train tag --characters 0 --data none --character-embedding 8",
            "--character-embedding has an effect only with --characters above 0\n",
        ),
        (
            "train classify --data none.npz --unit char",
            "--unit has an effect only with texts\n",
        ),
        (
            "train transcribe --data none.npz --frame-ms 20",
            "--frame-ms has an effect only with WAV files\n",
        ),
        (
            "train transcribe --data none.npz --features librosa",
            "--features has an effect only with WAV files\n",
        ),
        (
            "train transcribe --data none.tsv --names yes,no",
            "--names has an effect only with arrays, whose classes are numbers\n",
        ),
        (
            "train transcribe --data none.tsv --embedding 8",
            "--embedding has an effect only with symbols",
        ),
        (
            "train compose --data none.abc --text-column text",
            "--text-column has an effect only with a table of texts\n",
        ),
        (
            "train compose --data none.tsv --fields R",
            "--fields has an effect only with tunes in an .abc file\n",
        ),
        (
            "probe adding --seeds 0",
            "--seeds: expected at least 1, found 0",
        ),
        (
            "probe adding --test 99999999999",
            "--test: expected at most 1048576",
        ),
        (
            "probe chess",
            "PROBLEM: expected adding, copy, temporal-order",
        ),
        ("trian", "expected train, generate, predict"),
        (
            "train lm --resume runs/lm-1",
            "unknown flag `--resume`; did you mean `backdraft train --resume`?",
        ),
        (
            "train lm --rnn_size 5",
            "unknown flag `--rnn_size`; did you mean `--hidden`?",
        ),
    ] {
        let arguments: Vec<&str> = typed.split(' ').collect();
        nonsense(&arguments, expected);
    }
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
        ("[falling]\nafter = 2", "--decay halve, step or plateau"),
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
