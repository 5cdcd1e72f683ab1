//! Sounds, and what is said in them: arrays of frames, or WAV files and a list of them.
//!
//! ```text
//! file <tab> said                  a head, then a row each; files are beside the list
//! yes/001.wav <tab> yes
//! ```
//!
//! The frames of a WAV file are its mel-frequency cepstral coefficients, as [`Mfcc`] has them.

use std::path::{Path, PathBuf};

use backdraft_data::{
    ArrayNames, DataError, LabelColumns, LabelledText, LabelledTexts, Mfcc, MfccConfig,
    read_arrays, read_labelled, read_wav,
};

use super::{SoundExample, TranscribeOptions};
use crate::TrainError;
use crate::tasks::sequences::{is_arrays, vectors};
use crate::tasks::{Rows, Sequence};

/// Reads WAV files of one sample rate.
pub(super) struct Ear<'a> {
    config: &'a MfccConfig,
    /// Samples a second, and what makes frames of them; of the first file.
    mfcc: Option<(u32, Mfcc)>,
}

impl<'a> Ear<'a> {
    pub(super) fn new(config: &'a MfccConfig) -> Self {
        Self { config, mfcc: None }
    }

    /// A file, in which this is said.
    pub(super) fn hear(
        &mut self,
        path: &Path,
        said: Option<String>,
    ) -> Result<SoundExample, TrainError> {
        let sound = read_wav(path)?;
        let other = |reason: String| TrainError::OtherKind {
            path: path.to_path_buf(),
            reason,
        };
        let (rate, mfcc) = match self.mfcc.take() {
            Some(known) => known,
            None => (
                sound.rate,
                self.config.init(sound.rate).map_err(by_setting)?,
            ),
        };
        if sound.rate != rate {
            let found = sound.rate;
            return Err(other(format!(
                "expected {rate} samples a second, as the files before have; found {found}"
            )));
        }
        if sound.samples.is_empty() {
            return Err(other("expected sound, found no sample".to_string()));
        }
        let frames = Sequence::Vectors {
            values: mfcc.of(&sound.samples),
            features: mfcc.features(),
        };
        self.mfcc = Some((rate, mfcc));
        Ok(SoundExample {
            frames,
            said,
            file: Some(path.to_path_buf()),
            rate: Some(rate),
        })
    }

    /// The files of a list.
    fn list(
        &mut self,
        path: &Path,
        columns: &LabelColumns,
    ) -> Result<Rows<SoundExample>, TrainError> {
        let LabelledTexts {
            rows,
            skipped,
            only_column,
        } = read_labelled(path, columns)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let examples = rows.into_iter().map(|row| {
            let (file, said) = file_of(row);
            let sound = folder.join(&file);
            // Of a text that is no list, each line would be the name of a file.
            if !sound.exists() {
                return Err(TrainError::OtherKind {
                    path: path.to_path_buf(),
                    reason: format!(
                        "expected a list of WAV files, whose names are beside it or whole paths, found \
                         `{}`, which is not there",
                        file.display()
                    ),
                });
            }
            self.hear(&sound, said)
        });
        Ok(Rows {
            examples: examples.collect::<Result<_, _>>()?,
            skipped,
            only_column,
        })
    }
}

/// What cannot be at the sample rate of the files, by the setting that asks for it.
fn by_setting(error: DataError) -> TrainError {
    let DataError::Invalid {
        what,
        expected,
        found,
    } = error
    else {
        return error.into();
    };
    let setting = match what {
        "the filters" => "filters",
        "the milliseconds of a frame" => "frame_ms",
        "the milliseconds from frame to frame" => "step_ms",
        what => {
            return TrainError::Unfit {
                what,
                expected,
                found,
            };
        }
    };
    TrainError::Invalid {
        setting,
        expected,
        found,
    }
}

/// Of a list of one column, that is the file.
fn file_of(row: LabelledText) -> (PathBuf, Option<String>) {
    match row.label {
        Some(file) => (PathBuf::from(file), Some(row.text)),
        None => (PathBuf::from(row.text), None),
    }
}

/// Whether a file is a sound itself.
fn is_wav(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}

/// The sounds of a file; rows of arrays that have no step are passed over.
pub(super) fn read_sounds(
    path: &Path,
    options: &TranscribeOptions,
) -> Result<Rows<SoundExample>, TrainError> {
    let config = options.mfcc();
    let mut ear = Ear::new(&config);
    match (is_arrays(path), is_wav(path)) {
        (true, _) => arrays(path, options),
        (_, true) => Ok(Rows::new(vec![ear.hear(path, None)?], 0)),
        _ => ear.list(path, &options.columns()),
    }
}

/// The sounds of arrays. Class `y` is said as name number `y`; without names, as it is.
fn arrays(path: &Path, options: &TranscribeOptions) -> Result<Rows<SoundExample>, TrainError> {
    let (sequences, classes) = read_arrays(path, &ArrayNames::default())?;
    let texts = classes
        .as_ref()
        .map(|classes| said_as(&classes.names, &options.names));
    let texts = texts.transpose()?;
    let said = |row: usize| {
        let class = classes.as_ref()?.rows[row];
        Some(texts.as_ref()?[class].clone())
    };
    Ok(vectors(&sequences, said, |_, frames, said| SoundExample {
        frames,
        said,
        file: None,
        rate: None,
    }))
}

/// What is said in the sounds of each class.
fn said_as(classes: &[String], names: &[String]) -> Result<Vec<String>, TrainError> {
    if names.is_empty() {
        return Ok(classes.to_vec());
    }
    let invalid = |expected: String, found: String| TrainError::Invalid {
        setting: "names",
        expected,
        found,
    };
    let number = |class: &String| {
        class.parse::<usize>().map_err(|_| {
            let expected = "classes that are numbers from 0 on, each with a name".to_string();
            invalid(expected, format!("the class `{class}`"))
        })
    };
    let numbers = classes.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let needed = numbers.iter().max().map_or(0, |last| last + 1);
    if needed > names.len() {
        let expected = format!("{needed} names, of the classes from 0 on");
        return Err(invalid(expected, names.len().to_string()));
    }
    let name = |number: &usize| names[*number].trim().to_string();
    Ok(numbers.iter().map(name).collect())
}

/// The WAV files of a list; none if it is no list, or cannot be read.
pub(super) fn files_of_list(path: &Path, options: &TranscribeOptions) -> Vec<PathBuf> {
    if is_arrays(path) || is_wav(path) {
        return Vec::new();
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let list = read_labelled(path, &options.columns());
    let rows = list.map_or_else(|_| Vec::new(), |list| list.rows);
    rows.into_iter()
        .map(|row| folder.join(file_of(row).0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_said_by_their_number() {
        let strings = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let names = strings(&["zero", " one", "two"]);
        let said = |classes: &[&str]| {
            said_as(&strings(classes), &names).map_err(|error| error.to_string())
        };
        assert_eq!(said(&["1", "2"]).unwrap(), ["one", "two"]);
        let many = said(&["0", "9"]).unwrap_err();
        assert!(
            many.contains("expected 10 names, of the classes from 0 on, found 3"),
            "{many}"
        );
        let text = said(&["two"]).unwrap_err();
        assert!(text.contains("found the class `two`"), "{text}");
        assert!(said(&["-1"]).is_err());
        assert_eq!(said_as(&strings(&["two"]), &[]).unwrap(), ["two"]);
    }
}
