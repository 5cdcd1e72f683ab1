//! How transcripts are searched for, and what is told of them.

use backdraft_models::{CtcDecoding, Labeling, PrefixBeam};
use serde_json::json;

use super::knowledge::Knowledge;
use super::{Model, SoundExample, Transcribe, TranscribeOptions};
use crate::bounds;
use crate::tasks::{Answer, Decoding};
use crate::{TaskOptions, TrainError};

impl Transcribe {
    /// The same, with transcripts searched for in this way.
    ///
    /// # Errors
    ///
    /// When a setting means nothing to a transcript, or is impossible; when a file cannot be used.
    pub(super) fn searching(self, asked: &Decoding) -> Result<Self, TrainError> {
        let own = [
            "beam",
            "n_best",
            "lexicon",
            "language_model",
            "language_order",
            "language_weight",
            "letter_bonus",
        ];
        asked.only(TranscribeOptions::TASK, &own)?;
        let width = asked.beam.unwrap_or(self.width());
        bounds::beam(width)?;
        bounds::n_best(asked.n_best.unwrap_or(1), width)?;
        Ok(Self {
            decoding: CtcDecoding::of_width(width),
            n_best: asked.n_best,
            knowledge: Knowledge::of(asked, &self.letters)?,
            ..self
        })
    }

    /// The beginnings that a search keeps.
    fn width(&self) -> usize {
        match self.decoding {
            CtcDecoding::Greedy => 1,
            CtcDecoding::Beam { width } => width,
        }
    }

    /// The best transcripts of each example, the best first; none if nothing that is known can have been said.
    fn found(
        &self,
        model: &Model,
        examples: &[&SoundExample],
    ) -> Result<Vec<Vec<Labeling>>, TrainError> {
        let device = model.output.weight.val().device();
        let (frames, lengths) = self.frames(examples, &device);
        let best = self.n_best.unwrap_or(1);
        Ok(match &self.knowledge {
            Some(known) => {
                let search = PrefixBeam::new(self.width()).with_best(best);
                known.search(model, (frames, &lengths), search)?
            }
            None => model.labelings(frames, &lengths, self.decoding, best)?,
        })
    }

    /// The best transcript of each example.
    pub(super) fn transcriptions(
        &self,
        model: &Model,
        examples: &[&SoundExample],
    ) -> Result<Vec<String>, TrainError> {
        let found = self.found(model, examples)?;
        let best = |all: &Vec<Labeling>| {
            let best = all.first().map_or(&[][..], |best| &best.labels);
            self.letters.decode(best)
        };
        Ok(found.iter().map(best).collect())
    }

    /// What was found for each example, as answers.
    pub(super) fn told(
        &self,
        model: &Model,
        examples: &[&SoundExample],
    ) -> Result<Vec<Answer>, TrainError> {
        let all = self.found(model, examples)?;
        let answer = |(example, found): (&&SoundExample, Vec<Labeling>)| {
            let said = found.iter().map(|one| self.letters.decode(&one.labels));
            let scores = found.iter().map(|one| (one.score, one.log_p));
            let Answer(mut answer) =
                Answer::ranked("said", said.zip(scores), self.n_best.is_some());
            answer.extend(example.said.as_ref().map(|said| ("expected", json!(said))));
            let file = example.file.as_ref();
            answer.extend(file.map(|file| ("file", json!(file.display().to_string()))));
            Answer(answer)
        };
        Ok(examples.iter().zip(all).map(answer).collect())
    }
}
