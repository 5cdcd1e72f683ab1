//! `backdraft generate`.

use std::path::PathBuf;

use backdraft_cells::{Error, ErrorKind};
use backdraft_models::{BeamSearch, Sampling};
use serde_json::json;

use super::lexicon::of_arpa;
use super::print::{print, print_json};
use super::reading::read_prompt;
use super::typed::unescape;
use crate::bounds::{beam, counts, rows};
use crate::say::{counted, say};
use crate::{
    Asked, Author, Compose, DeviceChoice, LanguageSettings, NGramFile, PickedDevice, Prompted, Run,
    Task, TextUnit, TrainError, Writing,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the run, or an ARPA file of n-grams
    run: PathBuf,
    /// With an ARPA file: what its words stand for, char, byte or word [default: guessed from the words]
    #[arg(long, value_name = "UNIT")]
    unit: Option<TextUnit>,
    /// Text to continue [default: the start of a line]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Read the prompt from this file, or from standard input with -; one line break at its end is dropped
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<PathBuf>,
    /// Key to write about, for a run of `train lm --condition`
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    condition: Option<String>,
    /// Maximum number of symbols: characters, bytes, words or pieces of words
    #[arg(long, value_name = "N", default_value_t = 500)]
    length: usize,
    /// Number of texts
    #[arg(long, value_name = "N", default_value_t = 1)]
    samples: usize,
    /// Sampling temperature: below 1 is more predictable, above 1 more varied, 0 always takes the likeliest
    #[arg(long, value_name = "F", default_value_t = 0.7)]
    temperature: f64,
    /// Sample from the K likeliest symbols only
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Sample from the smallest set of likeliest symbols whose probabilities add up to P
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// Beam search of this width instead of sampling: write the likeliest text found
    #[arg(
        long,
        value_name = "W",
        conflicts_with_all = ["samples", "temperature", "top_k", "top_p", "seed"]
    )]
    beam: Option<usize>,
    /// Stop after this text; \n and \t are understood
    #[arg(long, value_name = "TEXT", value_parser = ending, allow_hyphen_values = true)]
    until: Option<String>,
    /// Keep unknown symbols, as <UNK> or U+FFFD, instead of sampling again
    #[arg(long)]
    keep_unknown: bool,
    /// Random seed: the same seed gives the same text
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Print one JSON object per text, once all are complete
    #[arg(long)]
    json: bool,
}

/// What a text may end with: something.
fn ending(text: &str) -> Result<String, String> {
    match unescape(text)? {
        nothing if nothing.is_empty() => Err("expected some text, found none".to_string()),
        text => Ok(text),
    }
}

/// Generates what was asked for; `typed` knows the flags that were given.
pub(super) fn run(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    arguments.sampling().check().map_err(named)?;
    arguments.refuse_idle(typed)?;
    counts([("length", arguments.length)])?;
    rows([("samples", arguments.samples)])?;
    beam(arguments.beam.unwrap_or(1))?;
    if NGramFile::is_named(&arguments.run) {
        return with_n_grams(arguments, typed);
    }
    of_arpa(arguments.unit.as_ref())?;
    let (_, task, _) = Run::asked(&arguments.run)?;
    let prompt = arguments.prompt()?;
    let device = arguments.device.pick()?;
    match task.as_str() {
        Compose::NAME => compose(arguments, &prompt, &device),
        LanguageSettings::TASK if arguments.condition.is_some() => Err(arguments.without_keys()),
        _ => {
            let keep_unknown = arguments.keep_unknown;
            let prompted = Prompted::open(&arguments.run, &prompt, keep_unknown, &device)?;
            go_on(arguments, &prompt, &prompted)
        }
    }
}

/// Writes on with n-grams, for which no device is needed.
fn with_n_grams(arguments: &Arguments, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
    if arguments.condition.is_some() {
        return Err(arguments.without_keys());
    }
    if typed("device") {
        let (setting, with) = ("device", "a run");
        return Err(TrainError::Idle { setting, with });
    }
    let prompt = arguments.prompt()?;
    let file = NGramFile::read(&arguments.run, arguments.unit.as_ref())?;
    let prompted = Prompted::from_n_grams(file, &prompt, arguments.keep_unknown)?;
    go_on(arguments, &prompt, &prompted)
}

/// A setting of the sampling by its flag.
fn named(error: Error) -> TrainError {
    let ErrorKind::Range {
        what,
        expected,
        found,
    } = error.kind()
    else {
        return error.into();
    };
    let setting = match what.as_str() {
        "temperature" => "temperature",
        "top-k" => "top_k",
        "top-p" => "top_p",
        _ => return error.into(),
    };
    TrainError::Invalid {
        setting,
        expected: expected.clone(),
        found: found.to_string(),
    }
}

impl Arguments {
    fn prompt(&self) -> Result<String, TrainError> {
        match (&self.prompt_file, &self.prompt) {
            (Some(file), _) => read_prompt(file),
            (None, prompt) => Ok(prompt.clone().unwrap_or_default()),
        }
    }

    fn sampling(&self) -> Sampling {
        Sampling::new()
            .with_temperature(self.temperature)
            .with_top_k(self.top_k)
            .with_top_p(self.top_p)
    }

    /// Refuses what would change nothing where the likeliest symbol is always taken.
    fn refuse_idle(&self, typed: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
        let idle = ["samples", "top_k", "top_p", "seed"];
        match idle.into_iter().find(|setting| typed(setting)) {
            Some(setting) if self.temperature == 0.0 => Err(TrainError::Idle {
                setting,
                with: "a --temperature above 0",
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a key for what was learned without any.
    fn without_keys(&self) -> TrainError {
        TrainError::Invalid {
            setting: "condition",
            expected: "a run of `train lm --condition`".to_string(),
            found: format!("{}, which was trained without keys", self.run.display()),
        }
    }

    fn search(&self) -> Option<BeamSearch> {
        let width = self.beam?;
        Some(BeamSearch::new(self.length).with_width(width))
    }

    /// Tells what was written, text by text.
    fn tell(&self, texts: &[String]) -> Result<(), TrainError> {
        for (number, text) in texts.iter().enumerate() {
            if self.json {
                print_json(&json!({ "text": text }))?;
                continue;
            }
            let apart = if number > 0 { "\n" } else { "" };
            print(&format!("{apart}{text}\n"))?;
        }
        Ok(())
    }
}

fn note_unknown(unknown: usize, of: &str) {
    if unknown > 0 {
        say(format_args!(
            "note: the model does not know {} of the {of}",
            counted(unknown, "symbol")
        ));
    }
}

/// Writes about a key.
fn compose(arguments: &Arguments, prompt: &str, device: &PickedDevice) -> Result<(), TrainError> {
    let Some(key) = &arguments.condition else {
        return Err(TrainError::Invalid {
            setting: "condition",
            expected: "a key to write about, since this run was trained with keys".to_string(),
            found: "none".to_string(),
        });
    };
    let author = Author::open(&arguments.run, device)?;
    let writing = match arguments.search() {
        Some(search) => Writing::Likeliest(search),
        None => Writing::Drawn {
            texts: arguments.samples,
            sampling: arguments.sampling(),
            seed: arguments.seed,
        },
    };
    let (length, keep_unknown) = (arguments.length, arguments.keep_unknown);
    let mut written = author.write(key, prompt, length, writing, keep_unknown)?;
    note_unknown(written.unknown, "key and of the prompt");
    if let Some(end) = &arguments.until {
        for text in &mut written.texts {
            let from = prompt.len().min(text.len());
            let from = text.floor_char_boundary(from);
            if let Some(at) = text[from..].find(end.as_str()) {
                text.truncate(from + at + end.len());
            }
        }
    }
    arguments.tell(&written.texts)
}

/// Writes on from a prompt.
fn go_on(arguments: &Arguments, prompt: &str, prompted: &Prompted) -> Result<(), TrainError> {
    note_unknown(prompted.unknown, "prompt");
    let until = arguments.until.as_deref();
    let texts = match arguments.search() {
        Some(search) => vec![prompted.likeliest(search, until)?],
        None if arguments.samples == 1 && !arguments.json => {
            return stream(arguments, prompt, prompted);
        }
        None => {
            let (texts, length) = (arguments.samples, arguments.length);
            prompted.texts(texts, length, until, arguments.sampling(), arguments.seed)?
        }
    };
    let whole = texts.into_iter().map(|text| format!("{prompt}{text}"));
    arguments.tell(&whole.collect::<Vec<_>>())
}

/// Writes one text as it is drawn.
fn stream(arguments: &Arguments, prompt: &str, prompted: &Prompted) -> Result<(), TrainError> {
    let writer = prompted.writer(arguments.sampling(), arguments.seed)?;
    print(prompt)?;
    let (mut symbols, mut text) = (0, String::new());
    for piece in writer.take(arguments.length) {
        print(&piece)?;
        symbols += 1;
        if let Some(end) = &arguments.until {
            text.push_str(&piece);
            if text.contains(end.as_str()) {
                return print("\n");
            }
            // What is before can be no part of the end.
            let keep = text.len().saturating_sub(end.len() - 1);
            text.drain(..text.floor_char_boundary(keep));
        }
    }
    print("\n")?;
    match symbols < arguments.length {
        true => Err(TrainError::NoSymbol),
        false => Ok(()),
    }
}
