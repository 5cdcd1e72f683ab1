//! What a setting is called: its key in a file, its flag on the command line, and what it is called
//! elsewhere.
//!
//! A key is written with the tables that it is in, `regularize.drop_connect`. Its flag is the last part
//! of it, `--drop-connect`, unless [`FLAGS`] says otherwise.

use clap::ValueEnum;

/// Keys, and flags that are not their last part.
const FLAGS: [(&str, &str); 17] = [
    ("averaging.after", "average-after"),
    ("averaging.decay", "average-decay"),
    ("averaging.kind", "average"),
    ("clipping.adaptive", "clip-adaptive"),
    ("clipping.norm", "clip-norm"),
    ("clipping.tensor", "clip-tensor"),
    ("clipping.value", "clip-value"),
    ("dropping.embedding", "embedding-dropout"),
    ("dropping.input", "input-dropout"),
    ("dropping.output", "output-dropout"),
    ("falling.after", "fall-after"),
    ("falling.factor", "fall-factor"),
    ("memory.chrono.longest", "chrono"),
    ("penalties.activation", "activation-penalty"),
    ("penalties.temporal_activation", "temporal-penalty"),
    ("saving.seconds", "save-seconds"),
    ("saving.steps", "save-steps"),
];

/// Second names of flags, which are understood.
pub(crate) const ALIASES: [(&str, &str); 10] = [
    ("batch-size", "batch"),
    ("bptt", "unroll"),
    ("grad-clip", "clip-norm"),
    ("hidden-size", "hidden"),
    ("learning-rate", "lr"),
    ("model", "cell"),
    ("num-layers", "layers"),
    ("num-samples", "samples"),
    ("seq-len", "unroll"),
    ("stop", "until"),
];

/// Names that other programs have for flags, which are not understood but answered.
const ELSEWHERE: [(&str, &[&str]); 35] = [
    ("adaptive", &["adaptive-softmax", "cutoffs"]),
    ("batch", &["batchsize", "bs", "minibatch"]),
    ("beam", &["beam-size", "beam-width", "num-beams"]),
    (
        "cell",
        &["arch", "cell-type", "rnn", "rnn-cell", "rnn-type"],
    ),
    (
        "clip-norm",
        &[
            "clip",
            "clip-grad",
            "clip-grad-norm",
            "gradient-clip",
            "max-grad-norm",
        ],
    ),
    (
        "data",
        &[
            "corpus",
            "data-dir",
            "dataset",
            "file",
            "input",
            "text",
            "train-file",
        ],
    ),
    (
        "decay",
        &[
            "lr-decay",
            "lr-schedule",
            "lr-scheduler",
            "schedule",
            "scheduler",
        ],
    ),
    ("device", &["backend", "cpu", "cuda", "gpu"]),
    ("drop-connect", &["dropconnect", "wdrop", "weight-drop"]),
    (
        "dropout",
        &["drop", "drop-prob", "dropout-rate", "dropouth"],
    ),
    (
        "embedding",
        &[
            "emb-dim",
            "embed-dim",
            "embed-size",
            "embedding-dim",
            "embedding-size",
            "emsize",
            "ninp",
        ],
    ),
    ("embedding-dropout", &["dropoute"]),
    (
        "epochs",
        &["max-epochs", "n-epochs", "nepochs", "num-epochs"],
    ),
    (
        "evaluate-steps",
        &["eval-every", "eval-interval", "eval-steps", "val-every"],
    ),
    (
        "hidden",
        &[
            "hid",
            "hidden-dim",
            "hidden-units",
            "nhid",
            "num-hidden",
            "num-units",
            "rnn-size",
            "units",
        ],
    ),
    ("input-dropout", &["dropouti", "dropout-input"]),
    (
        "layers",
        &["depth", "n-layers", "nlayers", "num-rnn-layers"],
    ),
    (
        "length",
        &[
            "max-length",
            "max-len",
            "max-new-tokens",
            "max-tokens",
            "num-chars",
            "num-tokens",
        ],
    ),
    ("lr", &["alpha", "eta", "rate", "step-size"]),
    (
        "most-words",
        &["max-vocab", "max-words", "vocab-size", "vocabulary-size"],
    ),
    ("optimizer", &["optim", "optimiser"]),
    (
        "out",
        &["log-dir", "output", "output-dir", "run", "save", "save-dir"],
    ),
    (
        "prompt",
        &[
            "prefix",
            "prime",
            "prime-text",
            "primer",
            "seed-text",
            "start",
            "start-text",
        ],
    ),
    (
        "resume",
        &["checkpoint", "continue", "init-from", "load", "restore"],
    ),
    ("samples", &["n-samples", "num-return-sequences"]),
    (
        "save-steps",
        &["checkpoint-every", "save-every", "save-interval"],
    ),
    ("seed", &["manual-seed", "random-seed"]),
    (
        "steps",
        &[
            "iterations",
            "iters",
            "max-iters",
            "max-steps",
            "num-steps",
            "train-steps",
        ],
    ),
    ("stop-after", &["early-stop", "early-stopping"]),
    ("temperature", &["temp"]),
    (
        "unroll",
        &[
            "backprop-steps",
            "block-size",
            "context",
            "seq-length",
            "sequence-length",
            "tbptt",
            "truncate",
        ],
    ),
    ("until", &["eos", "stop-at"]),
    (
        "valid-fraction",
        &[
            "test-size",
            "val-frac",
            "val-split",
            "valid-split",
            "validation-split",
        ],
    ),
    ("warmup", &["warmup-steps"]),
    ("weight-decay", &["l2", "wd", "wdecay"]),
];

/// A value of a flag, as it is typed.
pub(crate) fn typed<V: ValueEnum>(value: &V) -> String {
    let value = value.to_possible_value().expect("none is hidden");
    value.get_name().to_string()
}

/// The flag of a key, without its dashes: `drop-connect` of `regularize.drop_connect`.
pub(crate) fn flag_name(key: &str) -> String {
    let otherwise = FLAGS.iter().find(|(known, _)| *known == key);
    match otherwise {
        Some((_, flag)) => (*flag).to_string(),
        None => key.rsplit('.').next().unwrap_or(key).replace('_', "-"),
    }
}

/// The flag of a key: `--drop-connect` of `regularize.drop_connect`.
pub(crate) fn flag(key: &str) -> String {
    format!("--{}", flag_name(key))
}

/// The flag of a key, as the fields of what is typed are called: `drop_connect`.
pub(crate) fn field(key: &str) -> String {
    flag_name(key).replace('-', "_")
}

/// The flag, without its dashes, that is called `name` elsewhere, or has it as its second name.
pub(crate) fn meant_by(name: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let elsewhere = || ELSEWHERE.iter().find(|(_, names)| names.contains(&name));
    match alias {
        Some((_, flag)) => Some(flag),
        None => elsewhere().map(|(flag, _)| *flag),
    }
}

/// All that other programs call a flag.
#[cfg(test)]
pub(crate) fn every_name() -> impl Iterator<Item = &'static str> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    aliases.chain(
        ELSEWHERE
            .iter()
            .flat_map(|(_, names)| names.iter().copied()),
    )
}
