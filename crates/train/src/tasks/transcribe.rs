//! What is said in a sound, letter by letter, without being told when: by its frames as arrays, or by
//! WAV files.
//!
//! What is known: the letters; the mean and spread of each feature of the frames; of WAV files, how many
//! samples a second they have.

mod objective;
mod options;
mod reading;

use std::path::{Path, PathBuf};

use backdraft_cells::{Error, Lengths};
use backdraft_data::{MfccConfig, Vocabulary};
use backdraft_models::{
    CtcDecoding, EditScore, Encoder, Inputs, Transcriber, TranscriberConfig, steps_needed,
};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TextReader;
use super::sequences::{Reading, Sequence};
use super::{Answer, BatchOf, ExampleTask, Examples, Scores, TaskSettings};
use crate::{TextUnit, TrainError};

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

    fn transcriptions(
        &self,
        model: &Model,
        examples: &[&SoundExample],
    ) -> Result<Vec<String>, TrainError> {
        let device = model.output.weight.val().device();
        let (frames, lengths) = self.frames(examples, &device);
        let labels = model.transcribe(frames, &lengths, self.decoding)?;
        Ok(labels.iter().map(|row| self.letters.decode(row)).collect())
    }
}

impl ExampleTask for Transcribe {
    type Options = TranscribeOptions;
    type Example = SoundExample;
    type Model = Model;

    fn read(
        path: &Path,
        options: &TranscribeOptions,
        _known: Option<&Self>,
    ) -> Result<Examples<SoundExample>, TrainError> {
        // What is said must fit into the steps.
        let fits = |example: &SoundExample| {
            let steps = example.frames.len().div_ceil(options.stacking);
            let fits = |said: &String| {
                let letters: Vec<u32> = said.chars().map(u32::from).collect();
                steps_needed(&letters) <= steps
            };
            example.said.as_ref().is_some_and(fits)
        };
        Examples::of(path, read_sounds(path, options)?.only(fits))
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
        })
    }

    fn for_training(
        self,
        _examples: &[SoundExample],
        settings: &TaskSettings<TranscribeOptions>,
    ) -> Self {
        Self {
            decoding: settings.options.decoding(),
            ..self
        }
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

    fn layers(model: &Model) -> Vec<&Encoder> {
        vec![&model.recurrent]
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
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        let mut score = EditScore::new();
        for some in known.chunks(rows) {
            for (example, found) in some.iter().zip(self.transcriptions(model, some)?) {
                let said = example.said.as_deref().unwrap_or_default();
                score.add(&letters(&found), &letters(said));
            }
        }
        Ok(Scores {
            figures: vec![
                ("label_error_rate", score.symbol_error_rate().unwrap_or(0.0)),
                ("exact", score.exact_match().unwrap_or(0.0)),
            ],
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
            None => Ok(()),
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
        let all = self.transcriptions(model, examples)?;
        let answer = |(example, said): (&&SoundExample, String)| {
            let mut answer = vec![("said", json!(said))];
            answer.extend(example.said.as_ref().map(|said| ("expected", json!(said))));
            let file = example.file.as_ref();
            answer.extend(file.map(|file| ("file", json!(file.display().to_string()))));
            Answer(answer)
        };
        Ok(examples.iter().zip(all).map(answer).collect())
    }
}
