//! Sequences of feature vectors from NumPy's files.
//!
//! ```text
//! X: (frames, features), lengths: (rows)         row after row
//! X: (rows, time, features), lengths: (rows)     padded; without lengths nothing is padding
//! y: (rows)                                      a class each, integers or texts
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zip::{ZipArchive, result::ZipError};

use crate::npy::{Array, Elements, array};
use crate::{DataError, FeatureSequences};

/// What the arrays of a file are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArrayNames {
    /// Of the vectors; `X` by default.
    pub values: String,
    /// Of the lengths; `lengths` by default.
    pub lengths: String,
    /// Of the classes; `y` by default.
    pub classes: String,
}

impl Default for ArrayNames {
    fn default() -> Self {
        let [values, lengths, classes] = ["X", "lengths", "y"].map(str::to_string);
        Self {
            values,
            lengths,
            classes,
        }
    }
}

/// The class of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// The names of the classes in order: of numbers by size, of texts by letters.
    pub names: Vec<String>,
    /// The class of each row, by its place in `names`.
    pub rows: Vec<usize>,
}

impl Classes {
    /// Numbers the classes of `rows` in their order.
    fn of<T: Ord + Clone + ToString>(rows: &[T]) -> Self {
        let mut numbers: BTreeMap<_, _> = rows.iter().map(|row| (row, 0)).collect();
        for (number, value) in numbers.values_mut().enumerate() {
            *value = number;
        }
        Self {
            names: numbers.keys().map(|name| name.to_string()).collect(),
            rows: rows.iter().map(|row| numbers[row]).collect(),
        }
    }
}

/// Reads sequences, and their classes where there are any, from a `.npz` file, or from a `.npy`
/// file that is `X` alone.
///
/// # Errors
///
/// When the file cannot be read, an array that is needed is not there, one has not the shape or
/// type that it should have, lengths do not add up, or a valid step has a value that is not finite:
/// which file, which array, what was expected and what was found.
pub fn read_arrays(
    path: impl AsRef<Path>,
    names: &ArrayNames,
) -> Result<(FeatureSequences, Option<Classes>), DataError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut reader = BufReader::new(file);
    let alone = path.extension().is_some_and(|extension| extension == "npy");
    let (values, lengths, classes) = if alone {
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|error| unreadable(path, error))?;
        (Some(parsed(path, &names.values, &bytes)?), None, None)
    } else {
        let mut archive = ZipArchive::new(reader).map_err(|error| unzipped(path, error))?;
        let mut find = |name: &str| find(path, name, &mut archive);
        (
            find(&names.values)?,
            find(&names.lengths)?,
            find(&names.classes)?,
        )
    };
    let unfit = |array: &str, expected: &str, found: String| DataError::Array {
        path: path.to_path_buf(),
        array: array.to_string(),
        expected: expected.to_string(),
        found,
    };
    let Some(values) = values else {
        return Err(unfit(&names.values, "to be in the file", "none".into()));
    };
    let lengths = match lengths {
        Some(lengths) => Some(counts(&lengths).ok_or_else(|| {
            let expected = "(rows), integers of at least 0";
            unfit(&names.lengths, expected, told(&lengths))
        })?),
        None => None,
    };
    let sequences = sequences(values, lengths).map_err(|(what, expected, found)| match what {
        ArrayPart::Values => unfit(&names.values, &expected, found),
        ArrayPart::Lengths => unfit(&names.lengths, &expected, found),
    })?;
    let classes = match classes {
        None => None,
        Some(classes) if classes.shape != [sequences.len()] => {
            let expected = format!("({}), one for each row", sequences.len());
            return Err(unfit(&names.classes, &expected, told(&classes)));
        }
        Some(classes) => Some(match &classes.elements {
            Elements::Integers(rows) => Classes::of(rows),
            Elements::Texts(rows) => Classes::of(rows),
            Elements::Floats(_) => {
                return Err(unfit(&names.classes, "integers or texts", told(&classes)));
            }
        }),
    };
    Ok((sequences, classes))
}

fn unreadable(path: &Path, error: std::io::Error) -> DataError {
    DataError::Unreadable {
        path: path.to_path_buf(),
        error,
    }
}

fn unzipped(path: &Path, error: ZipError) -> DataError {
    unreadable(path, error.into())
}

fn find(
    path: &Path,
    name: &str,
    archive: &mut ZipArchive<BufReader<File>>,
) -> Result<Option<Array>, DataError> {
    let mut file = match archive.by_name(&format!("{name}.npy")) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(unzipped(path, error)),
    };
    let mut bytes = Vec::new();
    let read = file.read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, error))?;
    parsed(path, name, &bytes).map(Some)
}

fn parsed(path: &Path, name: &str, bytes: &[u8]) -> Result<Array, DataError> {
    array(bytes).map_err(|(expected, found)| DataError::Array {
        path: path.to_path_buf(),
        array: name.to_string(),
        expected,
        found,
    })
}

/// What an array is, for errors: `(3, 4), integers`.
fn told(array: &Array) -> String {
    let sizes: Vec<_> = array.shape.iter().map(usize::to_string).collect();
    let kind = match array.elements {
        Elements::Floats(_) => "floats",
        Elements::Integers(_) => "integers",
        Elements::Texts(_) => "texts",
    };
    format!("({}), {kind}", sizes.join(", "))
}

fn counts(array: &Array) -> Option<Vec<usize>> {
    match &array.elements {
        Elements::Integers(counts) if array.shape.len() == 1 => {
            let counts = counts.iter().map(|&count| usize::try_from(count).ok());
            counts.collect()
        }
        _ => None,
    }
}

/// Which array is at fault.
enum ArrayPart {
    Values,
    Lengths,
}

fn sequences(
    array: Array,
    lengths: Option<Vec<usize>>,
) -> Result<FeatureSequences, (ArrayPart, String, String)> {
    let found = told(&array);
    let values: Vec<f32> = match array.elements {
        Elements::Floats(values) => values,
        Elements::Integers(values) => values.into_iter().map(|value| value as f32).collect(),
        Elements::Texts(_) => return Err((ArrayPart::Values, "numbers".into(), found)),
    };
    let sequences = match (array.shape.as_slice(), lengths) {
        (&[frames, features], Some(lengths)) if features > 0 => {
            let total = lengths
                .iter()
                .try_fold(0, |sum: usize, &length| sum.checked_add(length));
            if total != Some(frames) {
                let expected = format!("lengths that add up to {frames}, the frames");
                let total = total.map_or("more".to_string(), |total| total.to_string());
                return Err((ArrayPart::Lengths, expected, total));
            }
            FeatureSequences::new(features, values, &lengths)
        }
        (&[rows, time, features], lengths) if features > 0 => {
            let lengths = lengths.unwrap_or_else(|| vec![time; rows]);
            if lengths.len() != rows || lengths.iter().any(|&length| length > time) {
                let expected = format!("({rows}), one for each row, each at most {time}");
                let most = lengths.iter().max().unwrap_or(&0);
                let found = format!("({}), at most {most}", lengths.len());
                return Err((ArrayPart::Lengths, expected, found));
            }
            let row = time * features;
            let valid = lengths.iter().enumerate();
            let valid = valid.map(|(at, length)| &values[at * row..at * row + length * features]);
            let valid = valid.collect::<Vec<_>>().concat();
            FeatureSequences::new(features, valid, &lengths)
        }
        _ => {
            let expected = "(frames, features) with lengths, or (rows, time, features)";
            return Err((ArrayPart::Values, expected.into(), found));
        }
    };
    match sequences.first_not_finite() {
        Some((row, step, value)) => {
            let found = format!("{value} at step {step} of row {row}");
            Err((ArrayPart::Values, "finite numbers".into(), found))
        }
        None => Ok(sequences),
    }
}
