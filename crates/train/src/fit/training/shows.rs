//! What a kind of training shows, beside its loss.

use crate::TrainError;

/// A number and what it is called, as in `metrics.jsonl`.
pub type Figure = (&'static str, f64);

/// What a kind of training calls its loss, and what it learns from.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The loss in another unit, where that is what people know.
    pub(crate) loss: Option<LossInUnit>,
    /// How fast it learns: `Symbols a second`.
    pub(crate) rate: &'static str,
}

/// A loss in another unit than that of the objective.
#[derive(Debug, Clone, Copy)]
pub struct LossInUnit {
    /// Its key in `metrics.jsonl`.
    pub(crate) figure: &'static str,
    /// What it is called.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            loss: None,
            rate: "Positions a second",
        }
    }
}

/// What a kind of training shows of its model, beside the loss.
pub trait Shows<M>: Send {
    /// What it calls things.
    fn terms(&self) -> Terms {
        Terms::default()
    }

    /// What a loss of 1 comes to in the unit of [`terms`](Self::terms).
    fn a_loss(&self) -> f64 {
        1.0
    }

    /// What a loss comes to in other units.
    fn of_loss(&self, _loss: f64) -> Vec<Figure> {
        Vec::new()
    }

    /// What the model reaches on the held-out part, the figure that counts most first.
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn held_out(&mut self, _model: &M) -> Result<Vec<Figure>, TrainError> {
        Ok(Vec::new())
    }

    /// What is least of the best weights, of the loss and the figures of the held-out part.
    fn cost(&self, loss: f64, _held_out: &[Figure]) -> f64 {
        loss
    }

    /// Something that the model makes, to be read: a few times a run.
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn sample(&mut self, _model: &M) -> Result<Option<String>, TrainError> {
        Ok(None)
    }

    /// A line of `spectra.jsonl`: what the recurrent matrices are like, the large ones too if asked.
    fn spectra(&self, _steps: usize, _model: &M, _large: bool) -> Option<String> {
        None
    }

    /// A line of `gradients.jsonl`: how far back gradients reach.
    ///
    /// # Errors
    ///
    /// When the model cannot be run.
    fn gradients(&self, _steps: usize, _model: &M) -> Result<Option<String>, TrainError> {
        Ok(None)
    }
}
