//! Pairs of a table, or of two files line by line.

use std::path::Path;

use backdraft_data::{DataError, Pair, PairColumns, Pairs, read_parallel};

use super::{PairExample, TranslateOptions};
use crate::TaskOptions as _;
use crate::TrainError;
use crate::say::say;
use crate::tasks::{Rows, TextReader};

/// Pairs, those alone that can be learned from if `is_learned`; else questions, whose target may not be known, one for
/// each line.
pub(super) fn read_pairs(
    path: &Path,
    options: &TranslateOptions,
    readers: [&TextReader; 2],
    is_learned: bool,
) -> Result<Rows<PairExample>, TrainError> {
    let (pairs, skipped, only_column) = match options.beside(path).pop() {
        Some(targets) => {
            if targets == path {
                return Err(TrainError::Invalid {
                    setting: "target_extension",
                    expected: "another extension than that of the sources".to_string(),
                    found: path.display().to_string(),
                });
            }
            (parallel(path, &targets, is_learned)?, 0, None)
        }
        None => table(path, options, is_learned)?,
    };
    if pairs.is_empty() && skipped == 0 {
        return Err(DataError::no_row(path).into());
    }
    let all = pairs.len();
    let examples = pairs.into_iter().map(|pair| PairExample::of(pair, readers));
    let examples: Vec<PairExample> = match is_learned {
        true => {
            let can_be_used = |pair: &PairExample| !pair.source.is_empty() && pair.target.is_some();
            let taken_apart = examples.filter_map(Result::ok);
            taken_apart.filter(can_be_used).collect()
        }
        false => examples.collect::<Result<_, _>>()?,
    };
    Ok(Rows {
        skipped: skipped + all - examples.len(),
        examples,
        only_column,
    })
}

/// The lines of two files; of questions, those of the sources alone, if there are no targets or not as many.
fn parallel(path: &Path, targets: &Path, is_learned: bool) -> Result<Vec<Pair>, TrainError> {
    let are_questions = !is_learned;
    if are_questions && !targets.exists() {
        return Ok(read_parallel(path, None)?);
    }
    match read_parallel(path, Some(targets)) {
        Err(error @ DataError::OtherLines { .. }) if are_questions => {
            say(format_args!("note: without what is expected: {error}"));
            Ok(read_parallel(path, None)?)
        }
        pairs => Ok(pairs?),
    }
}

type Table = (Vec<Pair>, usize, Option<String>);

/// The pairs of a table, the rows that were passed over, and of a table of one column its name.
fn table(path: &Path, options: &TranslateOptions, is_learned: bool) -> Result<Table, TrainError> {
    let mut columns = PairColumns::new();
    if let Some(name) = &options.source_column {
        columns = columns.with_source(name);
    }
    if let Some(name) = &options.target_column {
        columns = columns.with_target(name);
    }
    if !is_learned {
        columns = columns.with_unknown_targets();
    }
    let mut pairs = Pairs::open(path, &columns)?;
    let all = pairs.by_ref().collect::<Result<Vec<Pair>, _>>()?;
    let only_column = pairs.only_column().map(str::to_string);
    Ok((all, pairs.skipped(), only_column))
}

impl PairExample {
    /// A pair, taken apart.
    ///
    /// # Errors
    ///
    /// When a tokenizer has no piece for something in it.
    pub(super) fn of(pair: Pair, [sources, targets]: [&TextReader; 2]) -> Result<Self, DataError> {
        let units = |reader: &TextReader, text: &str| match text.trim().is_empty() {
            true => Ok(Vec::new()),
            false => reader.units(text),
        };
        let target = units(targets, &pair.target)?;
        Ok(Self {
            source: units(sources, &pair.source)?,
            target: (!target.is_empty()).then_some(target),
            text: pair.source,
        })
    }
}
