//! How answers are searched for, where a run is used: what its training was asked for can be asked for anew.

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
    /// In a translation, replace <UNK> by the word of the source that it attends to most
    #[arg(long)]
    pub replace_unknown: bool,
    /// How many answers to give for each example, the best first, each with its score; one without
    #[arg(skip)]
    pub n_best: Option<usize>,
}

impl Decoding {
    /// The settings that are given, as the flags name them.
    fn given(&self) -> Vec<(&'static str, String)> {
        let number = |name, value: Option<String>| value.map(|value| (name, value));
        let all = [
            number("beam", self.beam.map(|width| width.to_string())),
            number("length_penalty", self.length_penalty.map(|f| f.to_string())),
            number("n_best", self.n_best.map(|best| best.to_string())),
            number(
                "replace_unknown",
                self.replace_unknown.then(|| "it".to_string()),
            ),
        ];
        all.into_iter().flatten().collect()
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
                    "beam" => "a run of `train translate` or `train transcribe`".to_string(),
                    _ => "a run of `train translate`".to_string(),
                },
                found: format!("{found}, with a run of `train {task}`"),
            }),
            None => Ok(()),
        }
    }
}
