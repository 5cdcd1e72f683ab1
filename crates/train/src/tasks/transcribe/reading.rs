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
        _ => {
            let columns = LabelColumns {
                label: options.file_column.clone(),
                text: options.text_column.clone(),
            };
            ear.list(path, &columns)
        }
    }
}

/// The sounds of arrays, whose classes are written as `names` says.
fn arrays(path: &Path, options: &TranscribeOptions) -> Result<Rows<SoundExample>, TrainError> {
    let (sequences, classes) = read_arrays(path, &ArrayNames::default())?;
    let names = &options.names;
    if let (Some(classes), false) = (&classes, names.is_empty())
        && classes.names.len() > names.len()
    {
        return Err(TrainError::Invalid {
            setting: "names",
            expected: format!("{} names, one for each class", classes.names.len()),
            found: names.len().to_string(),
        });
    }
    let said = |row: usize| {
        let classes = classes.as_ref()?;
        let class = classes.rows[row];
        Some(names.get(class).unwrap_or(&classes.names[class]).clone())
    };
    Ok(vectors(&sequences, said, |_, frames, said| SoundExample {
        frames,
        said,
        file: None,
        rate: None,
    }))
}
