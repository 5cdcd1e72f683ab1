//! `backdraft ngram`.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use super::drawing::check_folder;
use super::lexicon::Words;
use super::print::{print, print_json};
use super::reading::open_text;
use crate::{LanguageSettings, NGramFile, TextUnit, TrainError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Text file, folder of text files, or - for standard input; each line begins anew
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// ARPA file to write, for `generate`, `evaluate`, `--language-model` and other programs
    #[arg(long, value_name = "FILE.arpa", value_parser = arpa)]
    out: PathBuf,
    /// Symbols of the text: characters, bytes or words
    #[arg(long, value_name = "char|byte|word", default_value_t = TextUnit::Word)]
    unit: TextUnit,
    /// Longest n-grams
    #[arg(long, value_name = "N", default_value_t = 5)]
    order: usize,
    #[command(flatten)]
    words: Words,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// A file that other programs know by its name.
fn arpa(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match path.is_dir() || NGramFile::is_named(&path) {
        true => Ok(path),
        false => Err(format!(
            "expected a name that ends in .arpa, found `{name}`"
        )),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), TrainError> {
    let out = &arguments.out;
    check_folder("out", out)?;
    let refused = match (out.is_dir(), out.exists() && !arguments.force) {
        (true, _) => Some(("a file", "is a folder")),
        (false, true) => Some(("a new one (--force overwrites it)", "exists")),
        (false, false) => None,
    };
    if let Some((expected, why)) = refused {
        return Err(TrainError::Unfit {
            what: "the file to write",
            expected: expected.to_string(),
            found: format!("{}, which {why}", out.display()),
        });
    }
    let start = Instant::now();
    let lexicon = arguments.words.lexicon(&arguments.unit);
    let text = open_text(&arguments.data, &LanguageSettings::default())?;
    let file = NGramFile::count(&text.content, &lexicon, arguments.order)?;
    file.write(out)?;
    let (unit, symbols, grams) = (file.unit(), file.vocabulary_size(), file.grams());
    let (file, seconds) = (out.display().to_string(), start.elapsed().as_secs_f64());
    if arguments.json {
        return print_json(&json!({
            "file": file,
            "data": text.source,
            "unit": unit,
            "vocabulary": symbols,
            "grams": grams,
            "seconds": seconds,
        }));
    }
    let counts = (1..).zip(&grams);
    let counts: String = counts
        .map(|(length, grams)| format!("{length}-grams {grams}\n"))
        .collect();
    print(&format!(
        "{file}: n-grams of {}, unit {unit}, {symbols} symbols, {seconds:.1} s\n{counts}",
        text.source
    ))
}
