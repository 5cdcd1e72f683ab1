//! What a training wrote of the inside of its model as it went on.

use super::gradient_through_time::GradientSnapshot;
use super::spectrum::SpectrumSnapshot;
use crate::run::json_lines::JsonLines;
use crate::run::{GRADIENTS, SPECTRA};
use crate::{Run, TrainError};

/// What a training wrote of the inside of its model.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    pub(crate) spectra: Vec<SpectrumSnapshot>,
    pub(crate) gradients: Vec<GradientSnapshot>,
    /// What is said of lines that cannot be read: a sentence for each file that has some.
    pub(crate) skipped: Vec<String>,
}

impl Snapshots {
    /// Those of a run; none of a file that it has not, as runs of before had not.
    ///
    /// # Errors
    ///
    /// When a file cannot be read at all.
    pub(crate) fn read(run: &Run) -> Result<Self, TrainError> {
        let spectra = JsonLines::read_if_there(&run.file(SPECTRA))?;
        let gradients = JsonLines::read_if_there(&run.file(GRADIENTS))?;
        Ok(Self {
            spectra: spectra.lines,
            gradients: gradients.lines,
            skipped: spectra
                .skipped
                .into_iter()
                .chain(gradients.skipped)
                .collect(),
        })
    }

    /// What is not there of the gradients over training, and why: a sentence.
    pub(crate) fn missing(&self) -> Option<String> {
        let reason = "gradients over training: the run has no gradients.jsonl";
        self.gradients.is_empty().then(|| reason.to_string())
    }
}
