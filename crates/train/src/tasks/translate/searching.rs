//! How translations are searched for where a run is used, and what is told of them.

use serde_json::json;

use super::{Model, PairExample, Translate, TranslateOptions, Translation};
use crate::bounds;
use crate::tasks::{Answer, Decoding};
use crate::{TaskOptions, TrainError};

impl Translate {
    /// The same, with translations searched for in this way.
    ///
    /// # Errors
    ///
    /// When a setting means nothing to a translation, or is impossible.
    pub(super) fn searching(self, asked: &Decoding, model: &Model) -> Result<Self, TrainError> {
        asked.only(
            TranslateOptions::TASK,
            &["beam", "length_penalty", "n_best", "replace_unknown"],
        )?;
        let mut search = self.search.clone();
        search.width = asked.beam.unwrap_or(search.width);
        search.length_penalty = asked.length_penalty.unwrap_or(search.length_penalty);
        search.best = asked.n_best.unwrap_or(1);
        bounds::beam(search.width)?;
        bounds::weights([("length_penalty", search.length_penalty)])?;
        bounds::n_best(search.best, search.width)?;
        if asked.replace_unknown {
            self.check_replaceable(model)?;
        }
        Ok(Self {
            search,
            replace_unknown: asked.replace_unknown,
            tells_all: asked.n_best.is_some(),
            ..self
        })
    }

    /// Refuses to replace unknown words where nothing says by what.
    fn check_replaceable(&self, model: &Model) -> Result<(), TrainError> {
        let has_attention = model.attention.is_some();
        bounds::require(
            "replace_unknown",
            "a model with attention",
            "one without",
            has_attention,
        )?;
        // A word of the source is most often no piece of a tokenizer.
        let has_words = !self.targets.reader.is_tokenizer();
        let expected = "targets of words or characters";
        bounds::require(
            "replace_unknown",
            expected,
            "pieces of a tokenizer",
            has_words,
        )
    }

    /// What was found for an example, as an answer.
    pub(super) fn told(&self, example: &PairExample, found: &[Translation]) -> Answer {
        let text = |units: &[String]| {
            let units: Vec<&str> = units.iter().map(String::as_str).collect();
            self.targets.reader.text(&units)
        };
        let texts = found.iter().map(|one| text(&one.units));
        let scores = found.iter().map(|one| (one.score, one.log_p));
        let Answer(mut answer) = Answer::ranked("translation", texts.zip(scores), self.tells_all);
        if let Some(target) = &example.target {
            answer.push(("expected", json!(text(target))));
        }
        answer.push(("source", json!(example.text)));
        Answer(answer)
    }
}
