//! Texts that come into a command: from a path, or with `-` from standard input.

use std::fs::File;
use std::path::Path;

use backdraft_data::{DataError, read_text_from};

use crate::say::say;
use crate::{LanguageSettings, Text, TrainError};

/// Whether standard input is meant by a path.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The text at a path; tells what of a folder is not in it.
pub(super) fn open_text(path: &Path, settings: &LanguageSettings) -> Result<Text, TrainError> {
    if is_standard_input(path) {
        return Text::standard_input();
    }
    let text = Text::open(Some(path), settings)?;
    if let Some(first) = text.skipped.first() {
        let (count, source) = (text.skipped.len(), &text.source);
        let more = if count > 1 { "; and others" } else { "" };
        say(format_args!(
            "note: files of {source} that were skipped: {count}: {first}{more}"
        ));
    }
    Ok(text)
}

/// A prompt from a file, without the line break that editors put at its end.
pub(super) fn read_prompt(path: &Path) -> Result<String, TrainError> {
    let prompt = match is_standard_input(path) {
        true => read_text_from(std::io::stdin().lock(), Path::new("standard input")),
        false => File::open(path)
            .map_err(|error| {
                let path = path.to_path_buf();
                DataError::Unreadable { path, error }
            })
            .and_then(|file| read_text_from(file, path)),
    }?;
    let line = prompt.strip_suffix('\n').unwrap_or(&prompt);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_string())
}
