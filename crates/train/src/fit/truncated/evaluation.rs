//! The held-out part, read from its beginning to its end. Nothing of the training changes by it.

use burn::data::dataloader::Progress;
use burn::train::{InferenceStep, LearnerEvent, TrainingItem};

use super::shown::Shown;
use super::training::TrainingLoop;
use crate::{Objective, Trainee, Validation, WindowOutput};

impl<M: Objective> TrainingLoop<'_, M> {
    /// Evaluates in epoch `epoch`; with `shown`, as burn-train's split for it, which is not to begin
    /// in the middle of another. Nothing is kept of an evaluation that was cut off: it is made anew.
    pub(super) fn evaluate(&mut self, epoch: usize, shown: bool) {
        let model = Trainee {
            model: self.used_model().valid(),
        };
        let total = self.valid.num_items();
        let (mut sum, mut positions) = (0.0, 0);
        let mut carried: Option<M::State> = None;
        let valid = self.valid.clone();
        let mut seen = Shown::new();
        for (index, window) in valid.iter().enumerate() {
            let mut window = match window {
                Ok(window) => window,
                Err(error) => return self.interrupter.fail(error),
            };
            window.state = carried.take();
            let mut output: WindowOutput<M::State> = InferenceStep::step(&model, window);
            carried = output.state.take();
            let losses = output.losses.to_data();
            sum += losses.iter::<f64>().sum::<f64>();
            positions += losses.num_elements();

            let item = seen.add(&output.losses, None, index + 1 == total);
            if let Some(item) = item.filter(|_| shown) {
                let progress = Progress::new(index + 1, total, Some("windows".to_string()));
                let item = TrainingItem::new(item, progress, Some(index + 1), None);
                self.tell_valid(LearnerEvent::ProcessedItem(item));
            }
            if self.look() {
                return;
            }
        }
        let validation = Validation {
            epoch,
            loss: sum / positions as f64,
            positions,
        };
        self.evaluated = self.steps;
        self.history.push(validation.loss);
        let used = model.model;
        self.strategy
            .observe(|observer| observer.validated(validation, &used));

        if let Some(falling) = self.strategy.plateau
            && self.history.ends_plateau(falling.after)
        {
            self.strategy.brake.multiply(falling.factor);
        }
        let learned = self.learner.model().model;
        self.average.evaluated(&self.history, &learned);
    }

    /// Whether evaluations have not got better for as long as is waited.
    pub(super) fn is_in_vain(&self) -> bool {
        let patience = self.strategy.stop_after;
        patience.is_some_and(|patience| self.history.since_best() >= patience)
    }

    /// The model that would be used now: the average of the weights, where there is one.
    pub(super) fn used_model(&self) -> M {
        match self.average.get() {
            Some((average, _)) => average.clone(),
            None => self.learner.model().model,
        }
    }
}
