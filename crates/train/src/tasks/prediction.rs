//! What a run's model answers to new examples.

use std::io::Read;
use std::path::Path;

use super::{Answer, Decoding, ExampleTask, Examples, refuse_empty};
use crate::road::{Opened, Task};
use crate::{PickedDevice, TrainError};

/// The model of a run, at hand for questions.
pub struct Predictor<T: ExampleTask> {
    opened: Opened<T>,
    probabilities: bool,
}

impl<T: ExampleTask> Predictor<T> {
    /// Opens a run.
    ///
    /// # Errors
    ///
    /// When the run cannot be used.
    pub fn open(run: &Path, device: &PickedDevice) -> Result<Self, TrainError> {
        let opened = Opened::open(run, &device.device)?;
        Ok(Self {
            opened,
            probabilities: false,
        })
    }

    /// Sets whether answers have the probability of each class or tag.
    ///
    /// # Errors
    ///
    /// When the task's answers are not of that kind.
    pub fn with_probabilities(self, probabilities: bool) -> Result<Self, TrainError> {
        if probabilities && !T::HAS_PROBABILITIES {
            return Err(TrainError::Invalid {
                setting: "probabilities",
                expected: "a run of `train classify` or `train tag`".to_string(),
                found: format!("one of `train {}`", <T as Task>::NAME),
            });
        }
        Ok(Self {
            probabilities,
            ..self
        })
    }

    /// Sets how answers are searched for.
    ///
    /// # Errors
    ///
    /// When a setting means nothing to the task, or is impossible.
    pub fn with_decoding(mut self, asked: &Decoding) -> Result<Self, TrainError> {
        self.opened.task = self.opened.task.with_decoding(asked, &self.opened.model)?;
        Ok(self)
    }

    fn answers(&self, examples: &[&T::Example]) -> Result<Vec<Answer>, TrainError> {
        let Opened { task, model, .. } = &self.opened;
        let mut answers = task.answer(model, examples)?;
        if self.probabilities {
            let all = task.probabilities(model, examples)?;
            for (answer, probabilities) in answers.iter_mut().zip(all) {
                answer.0.push(("probabilities", probabilities));
            }
        }
        Ok(answers)
    }

    /// Answers a line of text.
    ///
    /// # Errors
    ///
    /// When it is no question, or the model cannot be run.
    pub fn answer_line(&self, line: &str) -> Result<Answer, TrainError> {
        let asked = self.opened.task.question(line);
        let example = asked.map_err(|reason| TrainError::NoQuestion { reason })?;
        let mut answers = self.answers(&[&example])?;
        Ok(answers.pop().expect("an answer to each question"))
    }

    /// Reads the examples of a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or used.
    pub fn questions(&self, path: &Path) -> Result<Examples<T::Example>, TrainError> {
        refuse_empty(path)?;
        let options = &self.opened.description.settings.options;
        let read = self.opened.task.questions(path, options)?;
        self.opened.task.check_all(path, &read.examples)?;
        Ok(read)
    }

    /// Reads the examples of a table that comes from elsewhere, such as standard input; errors call it `name`. `None` of
    /// a task whose examples are lines.
    ///
    /// # Errors
    ///
    /// When it cannot be read or used.
    pub fn table(
        &self,
        input: &mut dyn Read,
        name: &Path,
    ) -> Option<Result<Vec<T::Example>, TrainError>> {
        let options = &self.opened.description.settings.options;
        self.opened.task.table(input, name, options)
    }

    /// Answers examples, in their order, as it goes.
    ///
    /// # Errors
    ///
    /// When the model cannot be run, or `tell` fails.
    pub fn answer_all(
        &self,
        questions: &[T::Example],
        tell: &mut dyn FnMut(Answer) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let batch = self.opened.description.settings.training.batch;
        for rows in questions.chunks(batch) {
            let rows: Vec<&T::Example> = rows.iter().collect();
            for answer in self.answers(&rows)? {
                tell(answer)?;
            }
        }
        Ok(())
    }
}
