//! What the user asks of a language model's training: as typed, and checked.

mod check;
mod dropping;
mod lexicon;
mod windows;

use std::path::{Path, PathBuf};

use backdraft_data::{Cut, DataError};
use backdraft_models::{EncoderConfig, LanguageModelConfig, Penalties};
use serde::{Deserialize, Serialize};

use crate::run::description::UNNAMED;
use crate::{Asked, Recurrence, TrainError, Training};
pub use dropping::Dropping;
pub use lexicon::Lexicon;
pub use windows::{Carrying, Windows};

/// How a language model is built and trained. The defaults are those of `backdraft train lm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LanguageSettings {
    /// What the symbols are.
    #[serde(flatten)]
    pub lexicon: Lexicon,
    /// The recurrent layers.
    #[serde(flatten)]
    pub recurrence: Recurrence,
    /// Units of the last layer; those of the others if not given.
    pub last_hidden: Option<usize>,
    /// What is dropped beside what the layers drop.
    #[serde(default)]
    pub dropping: Dropping,
    /// Whether output and embedding share their weights.
    pub tied: bool,
    /// What is learned beside the cross-entropy.
    pub penalties: Penalties,
    /// A text that is held out, a file or a folder; the end of the other if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<PathBuf>,
    /// Which files are read of a folder, as patterns: `*.rs`; all if there is none.
    pub include: Vec<String>,
    /// Steps of a window: how far the gradient goes back.
    pub unroll: usize,
    /// How the text is cut into windows.
    pub windows: Windows,
    /// How it is trained.
    #[serde(flatten)]
    pub training: Training,
}

impl Default for LanguageSettings {
    fn default() -> Self {
        Self {
            lexicon: Lexicon::default(),
            recurrence: Recurrence::default(),
            last_hidden: None,
            dropping: Dropping::default(),
            tied: false,
            penalties: Penalties::default(),
            valid: None,
            include: Vec::new(),
            unroll: 64,
            windows: Windows::default(),
            training: Training::default(),
        }
    }
}

impl LanguageSettings {
    /// The model of these settings, for a vocabulary of this size.
    pub fn model(&self, vocabulary_size: usize) -> LanguageModelConfig<EncoderConfig> {
        let mut layer = self.recurrence.encoder(self.recurrence.embedding);
        if let Some(last) = self.last_hidden {
            layer.stack.sizes = vec![self.recurrence.hidden; self.recurrence.layers - 1];
            layer.stack.sizes[self.recurrence.layers - 2] = last;
        }
        let model = LanguageModelConfig::new(vocabulary_size, layer);
        self.dropping
            .put(self.recurrence.dropout, model)
            .with_tied(self.tied)
            .with_bounds(self.lexicon.adaptive.clone())
            .with_penalties(self.penalties)
    }

    /// Numbers that the model of these settings learns, for a vocabulary of this size. It is not built,
    /// however large it is.
    ///
    /// # Errors
    ///
    /// When the layers cannot be built.
    pub fn num_params(&self, vocabulary_size: usize) -> Result<usize, backdraft_cells::Error> {
        let model = self.model(vocabulary_size);
        let mut input = self.recurrence.embedding;
        let mut layers = 0_usize;
        for recurrence in self.stacks() {
            layers = layers.saturating_add(recurrence.num_params(input, false)?);
            input = recurrence.output_size();
        }
        let beside = model.num_params_beside(input);
        Ok(layers.saturating_add(beside))
    }

    /// The layers by their size, the lowest first: all of them, or the last apart where it has a size of its own.
    fn stacks(&self) -> Vec<Recurrence> {
        let Some(hidden) = self.last_hidden else {
            return vec![self.recurrence.clone()];
        };
        let lower = Recurrence {
            layers: self.recurrence.layers - 1,
            ..self.recurrence.clone()
        };
        let last = Recurrence {
            layers: 1,
            hidden,
            ..self.recurrence.clone()
        };
        vec![lower, last]
    }

    /// Features that the last layer puts out.
    fn output_size(&self) -> usize {
        let stacks = self.stacks();
        stacks.last().expect("there is a layer").output_size()
    }

    /// Bytes, about, that a window keeps for its backward pass, for a vocabulary of this size.
    pub(crate) fn window_bytes(&self, vocabulary_size: usize) -> usize {
        // What is kept of each piece, where the rest is computed again.
        let steps = match self.windows.recompute {
            true => 2 * (self.unroll as f64).sqrt().ceil() as usize,
            false => self.unroll,
        };
        // Of an adaptive softmax the head alone: a tail is computed for the few targets that are in it.
        let bounds = &self.lexicon.adaptive;
        let head = |first: &usize| first.saturating_add(bounds.len());
        let scores = bounds.first().map_or(vocabulary_size, head);
        // Of each position what the recurrent layers keep, and the scores, their logarithms and their
        // gradient.
        let Recurrence {
            cell,
            layers,
            hidden,
            embedding,
            ..
        } = self.recurrence;
        let last = self.last_hidden.unwrap_or(hidden);
        let units = hidden.saturating_mul(layers - 1).saturating_add(last);
        let layers = units.saturating_mul(cell.kept());
        let kept = layers
            .saturating_add(embedding)
            .saturating_add(scores.saturating_mul(3));
        [steps, kept, size_of::<f32>()]
            .into_iter()
            .fold(self.training.batch, usize::saturating_mul)
    }

    /// How streams are cut into windows.
    ///
    /// # Errors
    ///
    /// When the lengths are impossible.
    pub fn cut(&self) -> Result<Cut, DataError> {
        self.windows.cut(self.unroll, self.training.seed)
    }
}

impl Asked for LanguageSettings {
    // It was there before there were others.
    const TASK: &'static str = UNNAMED;

    // What shapes the model is asked for before anything is computed, as a text may take long to be cut.
    const KEPT: &'static [&'static str] = &[
        "cell",
        "layers",
        "hidden",
        "embedding",
        "regularize.weight_norm",
        "tied",
        "unit",
        "min_count",
        "most_words",
        "adaptive",
    ];

    fn shaping() -> Vec<&'static str> {
        [Recurrence::SHAPING, &["last_hidden"]].concat()
    }

    fn full() -> Self {
        Self {
            lexicon: Lexicon {
                most_words: Some(1),
                ..Lexicon::default()
            },
            windows: Windows {
                stride: Some(1),
                separator: Some(String::new()),
                ..Windows::default()
            },
            last_hidden: Some(1),
            dropping: Dropping::full(),
            valid: Some(PathBuf::from("valid")),
            training: Training::full(),
            recurrence: Recurrence::default().full(),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        self.check_all()
    }

    fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    fn training(&self) -> &Training {
        &self.training
    }

    fn paths(&self) -> Vec<(&'static str, &Path)> {
        Vec::from_iter(self.valid.as_deref().map(|path| ("valid", path)))
    }

    fn absolute(self) -> Self {
        Self {
            lexicon: self.lexicon.absolute(),
            valid: self
                .valid
                .map(|path| std::path::absolute(&path).unwrap_or(path)),
            ..self
        }
    }

    fn valid_mut(&mut self) -> Option<&mut PathBuf> {
        self.valid.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_through_json() {
        let settings = LanguageSettings {
            training: Training {
                epochs: Some(3),
                ..Training::default()
            },
            ..LanguageSettings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            serde_json::from_str::<LanguageSettings>(&text).unwrap(),
            settings
        );
    }
}
