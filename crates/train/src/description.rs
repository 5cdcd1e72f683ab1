//! One file describes a run: what was asked for, by the names of the flags.
//!
//! ```toml
//! task = "lm"
//! data = "book.txt"      # without it, the Rust source of Burn
//! device = "auto"
//! cell = "lstm"
//! hidden = 256
//! lr = 0.002
//!
//! [clipping]
//! norm = 1.0
//!
//! [made]                 # of a run, by the program: version, text, checksum
//! ```
//!
//! Whatever is not there is as without the file. A key that means nothing is refused, with the
//! nearest that does.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::settings::Saving;
use crate::{Clipping, DeviceChoice, Settings, TrainError};

/// What `run.toml` holds, of a run or before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDescription {
    /// What the run is for: `lm`.
    pub task: String,
    /// The text, a file or a folder; not if it was handed over, or is the source of Burn.
    pub data: Option<PathBuf>,
    /// What to compute on; of a run, what it was computed on.
    pub device: DeviceChoice,
    /// What was asked for.
    #[serde(flatten)]
    pub settings: Settings,
    /// What is known of a run and was not asked for.
    pub made: Option<Made>,
}

/// What the program adds to the description of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The version of this program.
    pub backdraft: String,
    /// The text, as it is called.
    pub text: String,
    /// Its checksum.
    pub sha256: String,
    /// Characters of it that are learned.
    pub characters: usize,
}

impl Default for RunDescription {
    fn default() -> Self {
        Self {
            task: "lm".to_string(),
            data: None,
            device: DeviceChoice::Auto,
            settings: Settings::default(),
            made: None,
        }
    }
}

impl RunDescription {
    /// Reads a file that somebody wrote.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not TOML, has a key that means nothing, or a value of another
    /// kind; settings that are impossible are found by [`Settings::check`].
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|error| TrainError::Undescribed {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        Self::parse(&text).map_err(|reason| TrainError::Undescribed {
            path: path.to_path_buf(),
            reason,
        })
    }

    /// The same of its text; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let asked: Table = text.parse().map_err(|error: toml::de::Error| {
            let message = error.to_string();
            message.trim_end().to_string()
        })?;
        check_keys(&asked, &known(), "")?;
        let description = with(&asked).map_err(|error| {
            // The error does not say of which key: the first that is refused by itself.
            let alone = |(key, value): (&String, &Value)| {
                let one = Table::from_iter([(key.clone(), value.clone())]);
                let error = with(&one).err()?;
                Some(format!("`{key}`: {error}"))
            };
            asked.iter().find_map(alone).unwrap_or(error)
        })?;
        match description.task.as_str() {
            "lm" => Ok(description),
            other => Err(format!("task: expected `lm`, found `{other}`")),
        }
    }

    /// As a file.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("our own types are valid TOML")
    }
}

/// The defaults with what is asked for in their place.
fn with(asked: &Table) -> Result<RunDescription, String> {
    let defaults = RunDescription::default();
    let mut all = Table::try_from(defaults).expect("our own types are valid TOML");
    for (key, value) in asked.clone() {
        match (all.get_mut(&key), value) {
            // Of the clipping, what is not asked for is not there.
            (Some(Value::Table(table)), Value::Table(asked)) if key != "clipping" => {
                table.extend(asked);
            }
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
    all.try_into().map_err(|error: toml::de::Error| {
        let message = error.to_string();
        message.trim().replace('\n', " ")
    })
}

/// A table with every key that means something.
fn known() -> Table {
    let settings = Settings {
        epochs: Some(1),
        steps: Some(1),
        clipping: Clipping {
            value: Some(1.0),
            norm: Some(1.0),
        },
        saving: Saving {
            steps: Some(1),
            seconds: Some(1.0),
            keep: 1,
        },
        ..Settings::default()
    };
    let all = RunDescription {
        data: Some(PathBuf::from("text")),
        settings,
        made: Some(Made {
            backdraft: String::new(),
            text: String::new(),
            sha256: String::new(),
            characters: 0,
        }),
        ..RunDescription::default()
    };
    Table::try_from(all).expect("our own types are valid TOML")
}

fn check_keys(asked: &Table, known: &Table, within: &str) -> Result<(), String> {
    for (key, value) in asked {
        let Some(meant) = known.get(key) else {
            let nearest = known
                .keys()
                .max_by(|a, b| strsim::jaro(key, a).total_cmp(&strsim::jaro(key, b)))
                .expect("there are keys");
            return Err(format!(
                "unknown key `{within}{key}`; did you mean `{within}{nearest}`?"
            ));
        };
        match (value, meant) {
            (Value::Table(asked), Value::Table(known)) => {
                check_keys(asked, known, &format!("{within}{key}."))?;
            }
            (_, Value::Table(_)) => {
                let found = value.type_str();
                return Err(format!(
                    "`{within}{key}`: expected a table, [{key}], found {found}"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CellKind;

    #[test]
    fn a_file_says_what_is_different() {
        let text = "data = \"book.txt\"\ncell = \"lstm\"\nhidden = 256\nepochs = 3\nlr = 1\n\
                    [clipping]\nvalue = 0.5\n[saving]\nkeep = 5\n";
        let found = RunDescription::parse(text).unwrap();
        let expected = Settings {
            cell: CellKind::Lstm,
            hidden: 256,
            epochs: Some(3),
            lr: 1.0,
            clipping: Clipping {
                value: Some(0.5),
                norm: None,
            },
            saving: Saving {
                keep: 5,
                ..Saving::default()
            },
            ..Settings::default()
        };
        assert_eq!(found.settings, expected);
        assert_eq!(found.data.as_deref(), Some(Path::new("book.txt")));
        assert_eq!(
            RunDescription::parse("").unwrap(),
            RunDescription::default()
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let description = RunDescription {
            made: Some(Made {
                backdraft: "0.1.0".to_string(),
                text: "a text".to_string(),
                sha256: "e3b0".to_string(),
                characters: 7,
            }),
            device: DeviceChoice::Flex,
            ..RunDescription::default()
        };
        let text = description.to_toml();
        assert_eq!(RunDescription::parse(&text).unwrap(), description, "{text}");
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_was_meant() {
        let refused = |text: &str, expected: &str| {
            let error = RunDescription::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        refused("hiden = 5", "unknown key `hiden`; did you mean `hidden`?");
        refused(
            "[clipping]\nnorms = 5",
            "`clipping.norms`; did you mean `clipping.norm`?",
        );
        refused(
            "clipping = 5",
            "`clipping`: expected a table, [clipping], found integer",
        );
        refused(
            "hidden = \"many\"",
            "`hidden`: invalid type: string \"many\"",
        );
        refused(
            "cell = \"transformer\"",
            "unknown variant `transformer`, expected one of",
        );
        refused("task = \"chess\"", "task: expected `lm`, found `chess`");
        refused("hidden 5", "line 1");
        refused(
            "lr = 1\nhidden = -5",
            "`hidden`: invalid value: integer `-5`",
        );
    }
}
