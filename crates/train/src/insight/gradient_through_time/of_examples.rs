//! How far back gradients reach in examples, each of which is read alone.
//!
//! The step of the loss is the last one. Where a layer runs in both directions and there is a loss at each step, it
//! is the one in the middle, so that either direction has steps behind it. Where there is one loss for an example, as
//! of its class, steps are counted back from the last one that each direction reads. Where that loss is one of all steps
//! together, as of CTC, each is as near to it as any other: there, L is half the square of what the highest layer puts
//! out at the step in the middle.

use backdraft_cells::WatchedStep;
use burn::module::Module;
use burn::tensor::Tensor;

use super::super::layer_name::LayerName;
use super::super::watching::Watching;
use super::{Norms, PRODUCTS, StateGradient, norms, on_autodiff, watcher};
use crate::{ExampleTask, Objective, TrainError};

/// Examples, each with a loss of its own; steps of them all together, and of one of them.
const EXAMPLES: usize = 12;
const STEPS: usize = 6000;
pub(crate) const LONGEST: usize = 4000;

/// The gradients of a loss of each of some examples: of the first that take no longer than a second or two; none where
/// all are too long.
pub(crate) fn of_examples<T: ExampleTask>(
    task: &T,
    model: &T::Model,
    examples: &[T::Example],
) -> Result<Vec<StateGradient>, TrainError> {
    let (mut model, device) = on_autodiff(model);
    let watching = Watching::of(T::layers_mut(&mut model), watcher);
    let mut found: Vec<Norms> = Vec::new();
    for example in affordable(task, examples, model.num_params()) {
        let (batch, _) = task.batch(&[example], &device);
        let losses = model.loss(batch, None)?.losses;
        let watched: Vec<(&LayerName, Vec<WatchedStep>)> = watching.take().collect();
        let (loss, place) = one_loss::<T>(losses, &watched);
        let gradients = loss.backward();
        let mut of_example = Vec::new();
        for (name, steps) in &watched {
            let behind = match &place {
                Some(place) if place.stack == name.stack => place.steps_behind(name),
                _ => steps.len(),
            };
            of_example.extend(norms(name, &steps[..behind], &gradients));
        }
        for norms in &mut of_example {
            norms.rows = Vec::from_iter(strongest(std::mem::take(&mut norms.rows)));
        }
        match found.is_empty() {
            true => found = of_example,
            false => {
                for (all, one) in found.iter_mut().zip(of_example) {
                    all.rows.extend(one.rows);
                }
            }
        }
    }
    Ok(found.into_iter().map(Norms::told).collect())
}

/// Of a layer that reads several sequences of one example, such as the characters of each word, the one that the loss
/// depends on most.
fn strongest(rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let greatest = |row: &Vec<f64>| row.iter().copied().fold(0.0, f64::max);
    rows.into_iter()
        .max_by(|a, b| greatest(a).total_cmp(&greatest(b)))
}

/// The first examples that together take no more than is to be taken.
fn affordable<'a, T: ExampleTask>(
    task: &T,
    examples: &'a [T::Example],
    parameters: usize,
) -> Vec<&'a T::Example> {
    let length = |example: &T::Example| longest(task, example);
    let mut steps = 0;
    let short = examples.iter().filter(|example| length(example) <= LONGEST);
    let some = short
        .take(EXAMPLES)
        .enumerate()
        .take_while(|(index, example)| {
            steps += length(example);
            *index == 0 || steps <= STEPS.min(PRODUCTS / parameters.max(1))
        });
    some.map(|(_, example)| example).collect()
}

/// Steps of an example, or of its answer if that has more.
pub(in crate::insight) fn longest<T: ExampleTask>(task: &T, example: &T::Example) -> usize {
    let [own, answer] = task.lengths(example);
    own.max(answer)
}

/// A step of a stack of layers, of so many.
struct Place {
    stack: Option<String>,
    step: usize,
    all: usize,
}

impl Place {
    /// Steps that a direction has taken when it has taken this one.
    fn steps_behind(&self, name: &LayerName) -> usize {
        match name.direction.as_deref() {
            Some("reverse") => self.all - self.step,
            _ => self.step + 1,
        }
    }
}

/// A loss that depends on one step of the last stack of layers more than on others, and the place of that; or one that
/// all steps were read for.
fn one_loss<T: ExampleTask>(
    losses: Tensor<1>,
    watched: &[(&LayerName, Vec<WatchedStep>)],
) -> (Tensor<1>, Option<Place>) {
    let all = losses.dims()[0];
    let Some((top, steps)) = watched.last() else {
        return (losses.sum(), None);
    };
    let place = |step| Place {
        stack: top.stack.clone(),
        step,
        all: steps.len(),
    };
    if T::HAS_LOSS_OF_ALL_STEPS && all == 1 && steps.len() > 1 {
        let place = place(steps.len() / 2);
        let highest = |name: &LayerName| (name.layer, &name.stack) == (top.layer, &top.stack);
        let layers = watched.iter().filter(|(name, _)| highest(name));
        let squares = layers.map(|(name, steps)| {
            let output = &steps[place.steps_behind(name) - 1].output;
            output.clone().powi_scalar(2).sum() * 0.5
        });
        let loss = squares.reduce(|sum, square| sum + square);
        return (loss.expect("the highest layer is one"), Some(place));
    }
    let is_by_step = all > 1 && steps.len() == all;
    let step = match is_by_step && top.direction.is_some() {
        true => all / 2,
        false => all - 1,
    };
    let loss = losses.slice_dim(0, step..step + 1).sum();
    (loss, is_by_step.then(|| place(step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_the_steps_before_the_place_behind_it() {
        let name = |direction: Option<&str>| LayerName {
            direction: direction.map(str::to_string),
            ..LayerName::layer(1)
        };
        let place = |step| Place {
            stack: None,
            step,
            all: 7,
        };
        // Of seven steps the one in the middle, an early one, and the last one.
        assert_eq!(place(3).steps_behind(&name(Some("forward"))), 4);
        assert_eq!(place(3).steps_behind(&name(Some("reverse"))), 4);
        assert_eq!(place(1).steps_behind(&name(Some("reverse"))), 6);
        assert_eq!(place(6).steps_behind(&name(None)), 7);
    }

    #[test]
    fn of_several_sequences_the_one_that_counts_is_told() {
        // A memory has no gradient at the step of the loss, wherever it counts.
        let rows = vec![vec![0.0, 0.1], vec![0.0, 0.5, 0.2], vec![0.0, 0.3]];
        assert_eq!(strongest(rows), Some(vec![0.0, 0.5, 0.2]));
        assert_eq!(strongest(Vec::new()), None);
    }
}
