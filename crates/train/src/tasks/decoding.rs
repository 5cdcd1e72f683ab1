//! How `predict` and `evaluate` search for answers: settings of the training that they can override.

use std::path::PathBuf;

use crate::TrainError;

/// How answers are searched for; what is not given is as the run was trained with.
#[derive(Debug, Clone, PartialEq, Default, clap::Args)]
#[command(next_help_heading = "Decoding")]
pub struct Decoding {
    /// Width of the beam search; 1 for a greedy search [default: that of the training]
    #[arg(long, value_name = "N")]
    pub beam: Option<usize>,
    /// How much the beam search favours long translations [default: as in the training]
    #[arg(long, value_name = "F")]
    pub length_penalty: Option<f64>,
    /// Replace an unknown word of a translation by the word of the source that the model attends to most as it writes it
    #[arg(long)]
    pub replace_unknown: bool,
    /// Transcribe into the words of this file alone. A sound of which the beam has kept no
    /// whole word gets no transcript: a wider --beam helps
    #[arg(long, value_name = "FILE")]
    pub lexicon: Option<PathBuf>,
    /// Favour transcripts that are likely by n-grams of letters: those of this file, with a transcript on each line,
    /// or those of an ARPA file
    #[arg(long, value_name = "FILE")]
    pub language_model: Option<PathBuf>,
    /// With --language-model: letters of an n-gram [default: 4]
    #[arg(long, value_name = "N")]
    pub language_order: Option<usize>,
    /// With --language-model: weight of the logarithm of its probability [default: 0.5]
    #[arg(long, value_name = "F")]
    pub language_weight: Option<f64>,
    /// With --language-model, which favours short transcripts: what the score gains with each letter [default: 0]
    #[arg(long, value_name = "F")]
    pub letter_bonus: Option<f64>,
    /// How many answers to give for each example, the best first, each with its score; one without
    #[arg(skip)]
    pub n_best: Option<usize>,
}

impl Decoding {
    /// The settings that are given, as the flags name them.
    fn given(&self) -> Vec<(&'static str, String)> {
        fn one<T: ToString>(
            name: &'static str,
            value: Option<T>,
        ) -> Option<(&'static str, String)> {
            value.map(|value| (name, value.to_string()))
        }
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let all = [
            one("beam", self.beam),
            one("length_penalty", self.length_penalty),
            one("n_best", self.n_best),
            one("replace_unknown", self.replace_unknown.then_some("it set")),
            one("lexicon", file(&self.lexicon)),
            one("language_model", file(&self.language_model)),
            one("language_order", self.language_order),
            one("language_weight", self.language_weight),
            one("letter_bonus", self.letter_bonus),
        ];
        all.into_iter().flatten().collect()
    }

    /// The first setting that is given, where none means anything.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        self.given().first().map(|(setting, _)| *setting)
    }

    /// Refuses settings of a language model without one.
    ///
    /// # Errors
    ///
    /// Names the first such setting.
    pub(super) fn needs_language_model(&self) -> Result<(), TrainError> {
        let of_a_model = ["language_order", "language_weight", "letter_bonus"];
        let mut given = self.given().into_iter();
        match given.find(|(setting, _)| of_a_model.contains(setting)) {
            Some((setting, found)) if self.language_model.is_none() => Err(TrainError::Invalid {
                setting,
                expected: "--language-model FILE with it".to_string(),
                found: format!("{found} alone"),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a setting that is none of these, which alone mean something to the task of that name.
    ///
    /// # Errors
    ///
    /// Names the first other setting.
    pub(crate) fn only(&self, task: &str, meaningful: &[&str]) -> Result<(), TrainError> {
        let mut given = self.given().into_iter();
        match given.find(|(setting, _)| !meaningful.contains(setting)) {
            Some((setting, found)) => Err(TrainError::Invalid {
                setting,
                expected: match setting {
                    "beam" | "n_best" => "a run of `train translate` or `train transcribe`",
                    "length_penalty" | "replace_unknown" => "a run of `train translate`",
                    _ => "a run of `train transcribe`",
                }
                .to_string(),
                found: format!("{found}, with a run of `train {task}`"),
            }),
            None => Ok(()),
        }
    }
}
