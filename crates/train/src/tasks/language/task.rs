//! The language model on the road of every task.
//!
//! ```text
//! vocabulary.json    of a run: what the symbols are
//! held-out.txt       the part of its text that was not learned
//! ```

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backdraft_cells::Error;
use backdraft_data::Units;
use backdraft_models::{Encoder, LanguageModel};
use burn::tensor::Device;

use super::estimate::Estimate;
use super::folder::{HELD_OUT, VOCABULARY};
use super::inspection::inspect_language_model;
use super::report::TrainReport;
use super::shows::LanguageShows;
use super::texts::{Amounts, Texts, held_out_text};
use super::unknown::VocabularyUse;
use super::{DEMO, LanguageSettings, Text};
use crate::drawing::Inside;
use crate::fit::memory::{self, Needed};
use crate::insight::snapshots::Snapshots;
use crate::insight::{drawing, looked_back};
use crate::road::{Batches, Pretrained, Task, Trained, Tried};
use crate::run::checksums::checksum;
use crate::{Provenance, Run, RunDescription, TextUnit, TrainError};

/// Learning to foresee each symbol of a text, by those before it.
#[derive(Debug, Clone)]
pub struct Language {
    pub(super) units: Units,
    /// What becomes of symbols that are none of these, in a training from another run.
    vocabulary: VocabularyUse,
}

impl Language {
    pub(super) fn new(units: Units) -> Self {
        let vocabulary = VocabularyUse::default();
        Self { units, vocabulary }
    }
}

impl Pretrained<Language> {
    /// Sets what becomes of symbols of a text that the run does not know.
    #[must_use]
    pub fn with_vocabulary(self, vocabulary: VocabularyUse) -> Self {
        self.map_task(|task| Language { vocabulary, ..task })
    }
}

impl Task for Language {
    const FILES: &'static [&'static str] = &[VOCABULARY, HELD_OUT];

    type Settings = LanguageSettings;
    type Source = Text;
    type Data<'a> = Texts<'a>;
    type Model = LanguageModel<Encoder>;
    type Shows = LanguageShows;
    type Amounts = Amounts;
    type Report = TrainReport;
    type Estimate = Estimate;

    fn gather<'a>(
        source: &'a Text,
        settings: &LanguageSettings,
        _known: Option<&Self>,
    ) -> Result<Texts<'a>, TrainError> {
        Texts::of(source, settings)
    }

    fn find_again<'a>(
        description: &RunDescription<LanguageSettings>,
        given: Option<&'a Text>,
        refuse: impl Fn(String) -> TrainError,
    ) -> Result<Cow<'a, Text>, TrainError> {
        let settings = &description.settings;
        let Some(made) = &description.made else {
            let reason = "run.toml does not say which data the run was trained on";
            return Err(refuse(reason.to_string()));
        };
        let text = match (given, &description.data) {
            (Some(text), _) => Cow::Borrowed(text),
            (None, Some(path)) => {
                Cow::Owned(Text::open(Some(path), settings).map_err(|error| moved(error, false))?)
            }
            (None, None) if made.text == DEMO => Cow::Owned(Text::open(None, settings)?),
            (None, None) => {
                return Err(refuse(format!(
                    "the text, {}, cannot be found again automatically; pass it with --data PATH",
                    made.text
                )));
            }
        };
        let held_out = held_out_text(settings).map_err(|error| moved(error, true))?;
        if let (Some(held_out), Some(expected)) = (held_out, &made.valid_sha256) {
            let found = checksum(held_out.as_bytes());
            if found != *expected {
                return Err(refuse(format!(
                    "the held-out text is not the one that the run was started with: expected the SHA-256 \
                     {expected}, found {found}; pass --valid if it is elsewhere now"
                )));
            }
        }
        let found = checksum(text.content.as_bytes());
        if found != made.sha256 {
            let hint = match given {
                Some(_) => "",
                None => "; pass --data if it is elsewhere now",
            };
            return Err(refuse(format!(
                "the text, {}, is not the one that the run was started with: expected the SHA-256 {}, \
                 found {found}{hint}",
                text.source, made.sha256
            )));
        }
        Ok(text)
    }

    fn from_data(texts: &Texts<'_>, settings: &LanguageSettings) -> Result<Self, TrainError> {
        let units = settings.lexicon.units(texts.learned)?;
        settings.lexicon.check_bounds(units.len())?;
        Ok(Self::new(units))
    }

    fn for_data(
        self,
        texts: &Texts<'_>,
        settings: &LanguageSettings,
        from: &Path,
    ) -> Result<Self, TrainError> {
        settings.lexicon.check_bounds(self.units.len())?;
        self.vocabulary
            .check(&self.units, &texts.text.content, from)?;
        Ok(self)
    }

    fn check_memory(
        &self,
        texts: &Texts<'_>,
        settings: &LanguageSettings,
        device: &Device,
    ) -> Result<(), TrainError> {
        // How many symbols words and pieces are is seen when the text is cut.
        let symbols = match settings.lexicon.unit {
            TextUnit::Char => texts.learned.chars().count(),
            TextUnit::Byte => texts.learned.len(),
            TextUnit::Word | TextUnit::File(_) => 0,
        };
        let parameters = self.num_params(settings)?;
        Needed::new(&settings.training, parameters, device)
            .with_window(settings.window_bytes(self.units.len()), device)
            .with_symbols(symbols)
            .check(memory::free())
    }

    fn num_params(&self, settings: &LanguageSettings) -> Result<usize, Error> {
        settings.num_params(self.units.len())
    }

    fn init(&self, settings: &LanguageSettings, device: &Device) -> Result<Self::Model, Error> {
        settings.model(self.units.len()).init(device)
    }

    fn recurrent(model: &Self::Model) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.recurrent)]
    }

    fn name(text: &Text) -> String {
        text.source.clone()
    }

    fn provenance(text: &Text, texts: &Texts<'_>) -> (Provenance, Option<PathBuf>) {
        // What is a part of the text has been summed with it.
        let valid_sha256 = match &texts.held_out {
            Cow::Owned(held_out) => Some(checksum(held_out.as_bytes())),
            Cow::Borrowed(_) => None,
        };
        let made = Provenance {
            backdraft: env!("CARGO_PKG_VERSION").to_string(),
            origin: text.origin(),
            text: text.source.clone(),
            sha256: checksum(text.content.as_bytes()),
            valid_sha256,
            characters: Some(texts.learned.chars().count()),
            examples: None,
            from: None,
        };
        (made, text.path.clone())
    }

    fn files<'a>(&self, texts: &Self::Data<'a>) -> Vec<Cow<'a, str>> {
        vec![Cow::Owned(self.units.to_json()), texts.held_out.clone()]
    }

    fn open(run: &Run) -> Result<Self, TrainError> {
        run.units().map(Self::new)
    }

    fn batches(
        self,
        texts: Texts<'_>,
        settings: &LanguageSettings,
        device: &Device,
    ) -> Result<Batches<Self>, TrainError> {
        let windows = texts.windows(&self.units, settings, device)?;
        let held_out = texts.held_out(&self.units, settings, device)?;
        let parameters = self.num_params(settings)?;
        let symbols = self.units.encode(&texts.held_out)?;
        let looked_back = looked_back(&symbols, settings.unroll, parameters)?;
        Ok(Batches {
            amounts: Amounts {
                unit: settings.lexicon.unit.to_string(),
                vocabulary: self.units.len(),
                bits_a_nat: held_out.bits_a_nat,
                skipped_files: texts.text.skipped.len(),
                windows: windows.clone(),
            },
            shows: LanguageShows {
                units: self.units,
                bits_a_nat: held_out.bits_a_nat,
                seed: settings.training.seed,
                looked_back,
            },
            learned_from: Arc::new(windows),
            held_out: Arc::new(held_out.windows),
        })
    }

    fn report(amounts: Amounts, trained: Trained) -> TrainReport {
        TrainReport::new(amounts, trained)
    }

    fn estimate(&self, settings: &LanguageSettings, amounts: Amounts, tried: Tried) -> Estimate {
        let window_bytes = settings.window_bytes(self.units.len());
        Estimate::new(window_bytes, amounts, tried)
    }

    fn inside(path: &Path) -> Result<Inside, TrainError> {
        let insight = match inspect_language_model(path) {
            Ok(insight) => insight,
            Err(error @ (TrainError::NoWeights { .. } | TrainError::Missing { .. })) => {
                return Ok(Inside::missing(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let (run, _) = Run::open(path)?;
        drawing::draw(&insight, &Snapshots::read(&run)?)
    }
}

/// What helps where the text is not where it was.
fn moved(error: TrainError, are_held_out: bool) -> TrainError {
    match error {
        TrainError::Data(error) => TrainError::Moved {
            error,
            are_held_out,
        },
        error => error,
    }
}
