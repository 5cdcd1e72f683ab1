//! What is said in a sound, letter by letter, without being told when: by its frames as arrays, or by
//! WAV files.
//!
//! What is known: the letters; the mean and spread of each feature of the frames; of WAV files, how many
//! samples a second they have.

mod figures;
mod knowledge;
mod objective;
mod options;
mod reading;
mod searching;

use std::path::{Path, PathBuf};

use backdraft_cells::{Error, Lengths};
use backdraft_data::{MfccConfig, Vocabulary};
use backdraft_models::{
    CtcDecoding, Encoder, Inputs, Transcriber, TranscriberConfig, steps_needed,
};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::TextReader;
use super::sequences::{Reading, Sequence};
use super::{Answer, BatchOf, Decoding, ExampleTask, Examples, Scores, TaskSettings};
use crate::{TextUnit, TrainError};

use figures::figures;
use knowledge::Knowledge;
pub use objective::SoundBatch;
pub use options::{FeatureKind, TranscribeOptions};
use reading::{Ear, read_sounds};

/// What is said in sounds, and what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transcribe {
    /// Its symbol 0, which no known letter has, is the blank of the model.
    letters: Vocabulary,
    reading: Reading,
    decoding: CtcDecoding,
    /// Samples a second of the files, if they were WAV files, and how frames are made of them.
    #[serde(default)]
    heard: Option<(u32, MfccConfig)>,
    /// Frames of a step.
    #[serde(default = "one")]
    stacking: usize,
    /// How many answers are given, if they are given with their scores; where a run is used.
    #[serde(skip)]
    n_best: Option<usize>,
    /// What is known of transcripts beside what is heard; where a run is used.
    #[serde(skip)]
    knowledge: Option<Knowledge>,
}

fn one() -> usize {
    1
}

/// A sound, and what is said if that is known.
#[derive(Debug, Clone)]
pub struct SoundExample {
    /// Its frames.
    pub frames: Sequence,
    /// What is said.
    pub said: Option<String>,
    /// The file it is from, if it has one of its own.
    pub file: Option<PathBuf>,
    /// Samples a second, of a WAV file.
    pub rate: Option<u32>,
}

type Model = Transcriber<Encoder>;

impl Transcribe {
    /// The frames of examples as the model reads them.
    fn frames(&self, examples: &[&SoundExample], device: &Device) -> (Tensor<3>, Lengths) {
        let frames: Vec<&Sequence> = examples.iter().map(|example| &example.frames).collect();
        match self.reading.batch(&frames, device) {
            (Inputs::Features(frames), lengths) => (frames, lengths),
            (Inputs::Symbols(_), _) => unreachable!("sounds are read as vectors"),
        }
    }

    /// Refuses what cannot have been said in as many frames; the error is a sentence.
    fn check_fits(example: &SoundExample, stacking: usize) -> Result<(), String> {
        let letters = example.said.iter().flat_map(|said| said.chars());
        let needed = steps_needed(&letters.map(u32::from).collect::<Vec<_>>());
        let steps = example.frames.len().div_ceil(stacking);
        match needed <= steps {
            true => Ok(()),
            false => Err(format!(
                "expected at least {needed} steps, as its letters need, found {steps}"
            )),
        }
    }
}

impl ExampleTask for Transcribe {
    const HAS_LOSS_OF_ALL_STEPS: bool = true;

    type Options = TranscribeOptions;
    type Example = SoundExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &TranscribeOptions,
        _known: Option<&Self>,
    ) -> Result<Examples<SoundExample>, TrainError> {
        let has_answer = |example: &SoundExample| example.said.is_some();
        Examples::of(path, read_sounds(path, options)?.only(has_answer))
    }

    /// What does not fit into the steps is not learned from; it is measured on all the same.
    fn learned(
        mut all: Vec<SoundExample>,
        settings: &TaskSettings<TranscribeOptions>,
    ) -> Result<Vec<SoundExample>, TrainError> {
        let stacking = settings.options.stacking;
        let first = all.first().map(|first| Self::check_fits(first, stacking));
        all.retain(|example| Self::check_fits(example, stacking).is_ok());
        match (first, all.is_empty()) {
            (Some(Err(first)), true) => Err(TrainError::Unfit {
                what: "the examples",
                expected: "one at least whose letters fit into its steps".to_string(),
                found: format!("none: {first}"),
            }),
            _ => Ok(all),
        }
    }

    fn of(
        examples: &[SoundExample],
        settings: &TaskSettings<TranscribeOptions>,
    ) -> Result<Self, TrainError> {
        let said = examples
            .iter()
            .filter_map(|example| example.said.as_deref());
        let letters = Vocabulary::of(&said.collect::<String>());
        let frames = examples.iter().map(|example| &example.frames);
        // There is no text among the frames.
        let reader = TextReader::new(&TextUnit::Char, usize::MAX)?;
        Ok(Self {
            letters,
            reading: Reading::of(frames, reader, 1, None)?,
            decoding: settings.options.decoding(),
            heard: examples
                .first()
                .and_then(|first| Some((first.rate?, settings.options.mfcc()))),
            stacking: settings.options.stacking,
            n_best: None,
            knowledge: None,
        })
    }

    fn for_training(
        self,
        _examples: &[SoundExample],
        settings: &TaskSettings<TranscribeOptions>,
    ) -> Self {
        Self {
            decoding: settings.options.decoding(),
            stacking: settings.options.stacking,
            ..self
        }
    }

    fn with_decoding(self, asked: &Decoding, _model: &Model) -> Result<Self, TrainError> {
        self.searching(asked)
    }

    fn model(
        &self,
        settings: &TaskSettings<TranscribeOptions>,
        device: &Device,
    ) -> Result<Model, Error> {
        let (asked, options) = (&settings.recurrence, &settings.options);
        let features = self.reading.features().unwrap_or_default();
        let layer = asked.encoder(features).with_both(options.ways.are_both());
        TranscriberConfig::new(self.letters.len() - 1, layer)
            .with_stacking(options.stacking)
            .with_output_dropout(asked.dropout)
            .init(device)
    }

    fn layers(model: &Model) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.recurrent)]
    }

    fn layers_mut(model: &mut Model) -> Vec<(&'static str, &mut Encoder)> {
        vec![("recurrent", &mut model.recurrent)]
    }

    fn lengths(&self, example: &SoundExample) -> [usize; 2] {
        [example.frames.len(), 0]
    }

    fn batch(&self, examples: &[&SoundExample], device: &Device) -> BatchOf<Self> {
        let (frames, lengths) = self.frames(examples, device);
        let labels = |example: &&SoundExample| {
            let said = example.said.as_deref().unwrap_or_default();
            let mut labels = self.letters.encode(said);
            // A letter that was never learned is none that the model could write.
            labels.retain(|label| *label != Vocabulary::UNKNOWN);
            labels
        };
        let targets = examples.iter().map(labels).collect();
        let batch = SoundBatch {
            frames,
            lengths,
            targets,
        };
        (batch, examples.len())
    }

    fn score(
        &self,
        model: &Model,
        examples: &[SoundExample],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut known: Vec<&SoundExample> = examples.iter().filter(|e| e.said.is_some()).collect();
        known.sort_by_key(|example| std::cmp::Reverse(example.frames.len()));
        let mut pairs = Vec::with_capacity(known.len());
        for some in known.chunks(rows) {
            let heard = self.transcriptions(model, some)?;
            let said = some.iter().map(|example| example.said.as_deref());
            pairs.extend(heard.into_iter().zip(said.map(Option::unwrap_or_default)));
        }
        Ok(Scores {
            figures: figures(&pairs),
            table: None,
        })
    }

    fn cost(loss: f64, figures: &[(&'static str, f64)]) -> f64 {
        // Of as few errors, the more certain.
        let errors = figures.first().map_or(1.0, |(_, errors)| *errors);
        errors + 1e-6 * loss
    }

    fn check(&self, example: &SoundExample) -> Result<(), String> {
        let expected = self.heard.as_ref().map(|(rate, _)| *rate);
        if let (Some(expected), Some(found)) = (expected, example.rate)
            && expected != found
        {
            return Err(format!(
                "expected {expected} samples a second, as was learned from; found {found}"
            ));
        }
        self.reading.check(&example.frames)
    }

    fn check_learned(&self, example: &SoundExample) -> Result<(), String> {
        let said = example.said.as_deref().unwrap_or_default();
        let known = |letter: &char| {
            self.letters.encode(letter.encode_utf8(&mut [0; 4])) != [Vocabulary::UNKNOWN]
        };
        match said.chars().find(|letter| !known(letter)) {
            Some(letter) => Err(format!("expected letters that are known, found {letter:?}")),
            None => Self::check_fits(example, self.stacking),
        }
    }

    fn questions(
        &self,
        path: &Path,
        options: &TranscribeOptions,
    ) -> Result<Examples<SoundExample>, TrainError> {
        Examples::of(path, read_sounds(path, options)?)
    }

    /// A line is the path of a WAV file.
    fn question(&self, line: &str) -> Result<SoundExample, String> {
        let Some((_, config)) = &self.heard else {
            return Err(
                "expected a file of arrays, as this run was trained on; found a text".to_string(),
            );
        };
        let heard = Ear::new(config).hear(Path::new(line.trim()), None);
        let example = heard.map_err(|error| error.to_string())?;
        self.check(&example)?;
        Ok(example)
    }

    fn answer(&self, model: &Model, examples: &[&SoundExample]) -> Result<Vec<Answer>, TrainError> {
        self.told(model, examples)
    }
}
