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

mod keys;
mod provenance;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

pub(crate) use keys::written_keys;
pub use provenance::{Origin, OriginRun, Provenance};
use provenance::{is_newer, written_by};

use crate::bounds::require;
use crate::device::check_count;
use crate::settings::Saving;
use crate::{Clipping, DeviceChoice, Recurrence, TrainError, Training};

/// What can be asked of a kind of training.
pub trait Asked:
    Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned
{
    /// What the kind is called: `lm`.
    const TASK: &'static str;

    /// The settings that decide what a run knows of its data, such as its vocabulary. A training that begins from a
    /// run cannot change them.
    const KEPT: &'static [&'static str];

    /// The settings that decide which weights the model has, beside those that are [kept](Self::KEPT).
    fn shaping() -> Vec<&'static str>;

    /// With a value for each key that there is, those too that have none by default.
    fn full() -> Self;

    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// Names the first setting that is impossible, what would be possible and what it was.
    fn check(&self) -> Result<(), TrainError>;

    /// The recurrent layers.
    fn recurrence(&self) -> &Recurrence;

    /// How they are trained.
    fn training(&self) -> &Training;

    /// The files that are asked for beside the data, each with its setting.
    fn paths(&self) -> Vec<(&'static str, &Path)> {
        Vec::new()
    }

    /// The same, whatever folder it is used from.
    #[must_use]
    fn absolute(self) -> Self {
        self
    }

    /// The file of what is held out, if there is one.
    fn valid_mut(&mut self) -> Option<&mut PathBuf> {
        None
    }
}

/// What a file is for that does not say so: the first kind that there was.
pub(crate) const UNNAMED: &str = "lm";

/// What `run.toml` holds, of a run or before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDescription<S> {
    /// What the run is for: `lm`.
    pub task: String,
    /// The data, a file or a folder. Without it, the source of Burn; of a run that was made, what
    /// [`Provenance::origin`] says.
    pub data: Option<PathBuf>,
    /// What to compute on; of a run, what it was computed on.
    pub device: DeviceChoice,
    /// How many devices of that kind have some rows of each batch.
    pub devices: usize,
    /// What was asked for.
    #[serde(flatten)]
    pub settings: S,
    /// What is known of a run and was not asked for.
    pub made: Option<Provenance>,
}

impl<S: Asked> Default for RunDescription<S> {
    fn default() -> Self {
        Self {
            task: S::TASK.to_string(),
            data: None,
            device: DeviceChoice::Auto,
            devices: 1,
            settings: S::default(),
            made: None,
        }
    }
}

impl<S: Asked> RunDescription<S> {
    /// Reads a file that somebody wrote.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not TOML, has a key that means nothing, or a value of another
    /// kind; settings that are impossible are found by their own `check`.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let undescribed = |reason: String| TrainError::Undescribed {
            path: path.to_path_buf(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| undescribed(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(undescribed(
                "expected settings, found an empty file".to_string(),
            ));
        }
        let parsed = Self::parse(&text);
        parsed.map_err(|reason| match newer(&text) {
            Some(newer) => undescribed(format!("{reason}; {newer}")),
            None => undescribed(reason),
        })
    }

    /// What is to be known before the file at `path` is used again: that a newer program wrote it, or
    /// that the data are not those that it was made of. `data` is the checksum of those there are.
    pub(crate) fn warnings(&self, path: &Path, data: &str, valid: Option<&str>) -> Vec<String> {
        let Some(made) = &self.made else {
            return Vec::new();
        };
        let path = path.display();
        let newer =
            is_newer(&made.backdraft).then(|| format!("{path}: {}", written_by(&made.backdraft)));
        let changed = |what: &str, expected: &str, found: &str| {
            format!(
                "{path}: {what} has changed since this file was made: expected the SHA-256 {expected}, \
                 found {found}"
            )
        };
        let data = (data != made.sha256)
            .then(|| changed(&format!("the data, {},", made.text), &made.sha256, data));
        let valid = match (&made.valid_sha256, valid) {
            (Some(expected), Some(found)) if expected != found => {
                Some(changed("the held-out file", expected, found))
            }
            _ => None,
        };
        [newer, data, valid].into_iter().flatten().collect()
    }

    /// The same of its text; the error is a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let asked = table(text)?;
        let task = task(&asked)?;
        if task != S::TASK {
            return Err(format!("`task`: expected `{}`, found `{task}`", S::TASK));
        }
        keys::check(&asked, &known::<S>())?;
        with(&asked).map_err(|error| {
            // The error does not say of which key: the first that is refused by itself.
            let alone = |(key, value): (&String, &Value)| {
                let one = Table::from_iter([(key.clone(), value.clone())]);
                let error = with::<S>(&one).err()?;
                Some(format!("`{key}`: {error}"))
            };
            asked.iter().find_map(alone).unwrap_or(error)
        })
    }

    /// Refuses what cannot be written to a file and read again, a path that is not UTF-8; and more devices than there
    /// are rows in a batch.
    ///
    /// # Errors
    ///
    /// Names the setting. Impossible settings are found by their own `check`.
    pub fn check(&self) -> Result<(), TrainError> {
        check_count(self.devices, self.settings.training().batch)?;
        let data = self.data.as_deref().map(|path| ("data", path));
        for (setting, path) in data.into_iter().chain(self.settings.paths()) {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            let expected = "a path in UTF-8, which run.toml can hold";
            require(setting, expected, path.display(), path.to_str().is_some())?;
        }
        Ok(())
    }

    /// As a file.
    ///
    /// # Panics
    ///
    /// When [`check`](Self::check), or that of the settings, refuses it.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("our own types are valid TOML")
    }
}

/// What a file that somebody wrote is for: the `task` in it, `lm` if there is none.
///
/// # Errors
///
/// When the file cannot be read or is not TOML.
pub(crate) fn task_of(path: &Path) -> Result<String, TrainError> {
    let undescribed = |reason: String| TrainError::Undescribed {
        path: path.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| undescribed(error.to_string()))?;
    table(&text)
        .and_then(|asked| task(&asked))
        .map_err(undescribed)
}

/// That a newer program wrote the text of a description, if one did.
fn newer(text: &str) -> Option<String> {
    let table = table(text).ok()?;
    let version = table.get("made")?.get("backdraft")?.as_str()?;
    is_newer(version).then(|| written_by(version))
}

fn table(text: &str) -> Result<Table, String> {
    text.parse().map_err(|error: toml::de::Error| {
        let message = error.to_string();
        message.trim_end().to_string()
    })
}

/// The task of the text of a description.
pub(crate) fn task_in(text: &str) -> Result<String, String> {
    task(&table(text)?)
}

fn task(asked: &Table) -> Result<String, String> {
    match asked.get("task") {
        None => Ok(UNNAMED.to_string()),
        Some(Value::String(task)) => Ok(task.clone()),
        Some(other) => Err(format!(
            "`task`: expected a name, found {}",
            other.type_str()
        )),
    }
}

/// The defaults with what is asked for in their place.
fn with<S: Asked>(asked: &Table) -> Result<RunDescription<S>, String> {
    let defaults = RunDescription::<S>::default();
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
    all.try_into()
        .map_err(|error: toml::de::Error| keys::reworded(&error.to_string()))
}

/// A table with every key that means something.
fn known<S: Asked>() -> Table {
    let all = RunDescription {
        data: Some(PathBuf::from("text")),
        settings: S::full(),
        made: Some(Provenance {
            backdraft: String::new(),
            origin: Origin::File,
            text: String::new(),
            sha256: String::new(),
            valid_sha256: Some(String::new()),
            characters: Some(0),
            examples: Some(0),
            from: Some(OriginRun {
                run: PathBuf::new(),
                sha256: String::new(),
            }),
        }),
        ..RunDescription::<S>::default()
    };
    Table::try_from(all).expect("our own types are valid TOML")
}

impl Training {
    /// With a value for each key that there is.
    pub(crate) fn full() -> Self {
        Self {
            epochs: Some(1),
            steps: Some(1),
            clipping: Clipping {
                value: Some(1.0),
                tensor: Some(1.0),
                adaptive: Some(1.0),
                norm: Some(1.0),
            },
            evaluate_steps: Some(1),
            stop_after: Some(1),
            saving: Saving {
                steps: Some(1),
                seconds: Some(1.0),
                keep: 1,
            },
            ..Self::default()
        }
    }
}

impl Recurrence {
    /// The same with a value for each key that there is.
    pub(crate) fn full(mut self) -> Self {
        self.variant.projection = Some(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellKind, LanguageSettings};

    #[test]
    fn a_file_says_what_is_different() {
        let text = "data = \"book.txt\"\ncell = \"lstm\"\nhidden = 256\nepochs = 3\nlr = 1\n\
                    [clipping]\nvalue = 0.5\n[saving]\nkeep = 5\n";
        let found = RunDescription::<LanguageSettings>::parse(text).unwrap();
        let expected = LanguageSettings {
            recurrence: Recurrence {
                cell: CellKind::Lstm,
                hidden: 256,
                ..Recurrence::default()
            },
            training: Training {
                epochs: Some(3),
                lr: 1.0,
                clipping: Clipping {
                    value: Some(0.5),
                    ..Clipping::default()
                },
                saving: Saving {
                    keep: 5,
                    ..Saving::default()
                },
                ..Training::default()
            },
            ..LanguageSettings::default()
        };
        assert_eq!(found.settings, expected);
        assert_eq!(found.data.as_deref(), Some(Path::new("book.txt")));
        assert_eq!(
            RunDescription::<LanguageSettings>::parse("").unwrap(),
            RunDescription::default()
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let description = RunDescription::<LanguageSettings> {
            made: Some(Provenance {
                backdraft: "0.1.0".to_string(),
                origin: Origin::Caller,
                text: "a text".to_string(),
                sha256: "e3b0".to_string(),
                valid_sha256: None,
                characters: Some(7),
                examples: None,
                from: Some(OriginRun {
                    run: PathBuf::from("/runs/lm-1"),
                    sha256: "55aa".to_string(),
                }),
            }),
            device: DeviceChoice::Flex,
            ..RunDescription::default()
        };
        let text = description.to_toml();
        assert_eq!(
            RunDescription::<LanguageSettings>::parse(&text).unwrap(),
            description,
            "{text}"
        );
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_was_meant() {
        let refused = |text: &str, expected: &str| {
            let error = RunDescription::<LanguageSettings>::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        refused("hiden = 5", "unknown key `hiden`; did you mean `hidden`?");
        for (key, meant) in [
            ("learning_rate", "lr"),
            ("nhid", "hidden"),
            ("clip_norm", "clipping.norm"),
            ("drop_connect", "regularize.drop_connect"),
            ("max_grad_norm", "clipping.norm"),
            ("save_steps", "saving.steps"),
            ("chrono", "memory.chrono.longest"),
        ] {
            let expected = format!("unknown key `{key}`; did you mean `{meant}`?");
            refused(&format!("{key} = 1"), &expected);
        }
        assert_eq!(
            RunDescription::<LanguageSettings>::parse("xyzzy = 1").unwrap_err(),
            "unknown key `xyzzy`"
        );
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
            "`hidden`: expected a whole number, found \"many\"",
        );
        refused(
            "cell = \"transformer\"",
            "`cell`: expected elman, high-order-elman, ",
        );
        refused("cell = \"lsmt\"", "found `lsmt`; did you mean `lstm`?");
        refused(
            "[regularize]\nweight_norm = \"of\"",
            "`regularize`: expected off, ",
        );
        refused(
            "hidden = 1e99",
            "`hidden`: expected a whole number, found 1e99",
        );
        refused("task = \"chess\"", "`task`: expected `lm`, found `chess`");
        refused("hidden 5", "line 1");
        refused(
            "lr = 1\nhidden = -5",
            "`hidden`: expected a whole number that is not negative, found -5",
        );
    }
}
