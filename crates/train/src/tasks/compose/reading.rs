//! Keys and their texts, from a table or from tunes.
//!
//! ```text
//! mood <tab> poem                  a head, then a row each; `\n` in a text is a line break, and in a
//! spring <tab> Green\nand gold     .csv file a line break within quotes
//! ```
//!
//! Of an `.abc` file, the key is `R:reel M:4/4 K:Dmaj`, of the fields that were asked for, with `_` in
//! the place of spaces within a field; the text is the notes.

use std::path::Path;

use backdraft_data::{LabelColumns, LabelledTexts, Tune, has_commas, read_labelled, read_tunes};

use super::{ComposeExample, ComposeOptions, KeyUnit};
use crate::TrainError;
use crate::tasks::{Rows, Sequence};

/// A key as it is typed, taken apart; the error is a sentence.
pub(super) fn key(text: &str, unit: KeyUnit) -> Result<Sequence, String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    if parts.is_empty() {
        return Err("expected a key, found nothing".to_string());
    }
    if unit == KeyUnit::Word {
        return Ok(Sequence::Text {
            text: text.to_string(),
            units: parts.into_iter().map(str::to_string).collect(),
        });
    }
    let number = |part: &&str| {
        let number = part.parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| format!("expected a key of numbers, found `{part}` in it"))
    };
    let values = parts.iter().map(number).collect::<Result<Vec<f32>, _>>()?;
    Ok(Sequence::Vectors {
        features: values.len(),
        values,
    })
}

fn example(
    path: &Path,
    number: usize,
    key_text: String,
    text: Option<&str>,
    options: &ComposeOptions,
) -> Result<ComposeExample, TrainError> {
    let key = key(&key_text, options.key_unit).map_err(|reason| TrainError::OtherKind {
        path: path.to_path_buf(),
        reason: format!("example {number}: {reason}"),
    })?;
    Ok(ComposeExample {
        key,
        key_text,
        text: text.map(str::to_string),
        steps: 0,
    })
}

/// The fields of a tune that are its key.
fn key_of(tune: &Tune, fields: &[char]) -> String {
    let known = fields.iter().filter_map(|&name| {
        let value = tune.field(name).filter(|value| !value.is_empty())?;
        let value: Vec<&str> = value.split_whitespace().collect();
        Some(format!("{name}:{}", value.join("_")))
    });
    known.collect::<Vec<_>>().join(" ")
}

/// Whether a file is one of tunes in ABC notation.
pub(super) fn are_tunes(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "abc")
}

/// Keys and their texts.
pub(super) fn read(
    path: &Path,
    options: &ComposeOptions,
) -> Result<Rows<ComposeExample>, TrainError> {
    if are_tunes(path) {
        let fields = options.letters().unwrap_or_default();
        let (tunes, skipped) = read_tunes(path)?;
        let examples = (1..).zip(&tunes).map(|(number, tune)| {
            let key = key_of(tune, &fields);
            example(path, number, key, Some(&tune.notes), options)
        });
        return Ok(Rows::new(examples.collect::<Result<_, _>>()?, skipped));
    }
    let columns = LabelColumns {
        label: options.key_column.clone(),
        text: options.text_column.clone(),
    };
    let LabelledTexts { rows, skipped, .. } = read_labelled(path, &columns)?;
    let has_commas = has_commas(path);
    let examples = (1..).zip(rows).map(|(number, row)| {
        let Some(key) = row.label else {
            return Err(TrainError::OtherKind {
                path: path.to_path_buf(),
                reason: "expected a column of keys and one of texts, found one alone".to_string(),
            });
        };
        let text = match has_commas {
            true => row.text,
            false => row.text.replace("\\n", "\n"),
        };
        example(path, number, key, Some(&text), options)
    });
    Ok(Rows::new(examples.collect::<Result<_, _>>()?, skipped))
}

/// Keys alone: of a table of one column, that; of any other file, its keys.
pub(super) fn read_keys(
    path: &Path,
    options: &ComposeOptions,
) -> Result<Rows<ComposeExample>, TrainError> {
    if !are_tunes(path) {
        let read = read_labelled(path, &LabelColumns::default())?;
        if read.rows.iter().all(|row| row.label.is_none()) {
            let examples = (1..).zip(read.rows);
            let examples =
                examples.map(|(number, row)| example(path, number, row.text, None, options));
            return Ok(Rows {
                examples: examples.collect::<Result<_, _>>()?,
                skipped: read.skipped,
                only_column: read.only_column,
            });
        }
    }
    read(path, options)
}
