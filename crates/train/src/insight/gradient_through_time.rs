//! How far back the loss at one step reaches.
//!
//! ```text
//! L = -ln p(x_{T+1} | x_1 .. x_T)        the loss at one step alone, of each row
//! dL/dh_t = dL/dh_T dh_T/dh_{T-1} .. dh_{t+1}/dh_t        through every layer above, too
//! ```
//!
//! Where its norm falls as fast as t goes back, nothing is learned of what was far before (vanishing);
//! where it rises, learning is thrown about (exploding). It is the total derivative with respect to
//! each tensor of the state alone, the others held: in an LSTM of `h_t` and of `c_t`.
//!
//! Autodiff gives it without a copy of any equation: to each tensor of the state a zero `z_t` is
//! added, and `dL/dz_t = dL/dh_t` ([`Watcher`]).
//!
//! The step of the loss is the last one. Where a layer runs in both directions and there is a loss at each step, it
//! is the one in the middle, so that either direction has steps behind it. Where there is one loss for an example, as
//! of its class, steps are counted back from the last one that each direction reads. Where that loss is one of all steps
//! together, as of CTC, each is as near to it as any other: there, L is half the square of what the highest layer puts
//! out at the step in the middle.
//!
//! Hochreiter 1991, "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard and Frasconi
//! 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov and
//! Bengio 2013, arXiv 1211.5063.

use backdraft_cells::{Layer, WatchedStep, Watcher};
use backdraft_data::StreamWindow;
use backdraft_models::{Encoder, LanguageModel};
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

use super::layer_name::LayerName;
use super::watching::{Watching, valid_rows};
use crate::{ExampleTask, Objective, TrainError};

/// Rows of text, each with a loss of its own: at least, and at most.
const ROWS: [usize; 2] = [6, 24];
/// What a pass through a model is to take, in products of a weight with something: a second or two on two cores.
const PRODUCTS: usize = 20_000_000_000;
/// Examples, each with a loss of its own; steps of them all together, and of one of them.
const EXAMPLES: usize = 12;
const STEPS: usize = 6000;
pub(crate) const LONGEST: usize = 4000;
/// Steps back that are told of, at most.
const FURTHEST: usize = 256;
/// A step back is told of if so many of the rows reach it: a half.
const REACHED_BY: usize = 2;

/// Steps that are looked back: twice a window of training, to see what is beyond it.
pub(crate) fn window(unroll: usize) -> usize {
    (2 * unroll).clamp(64, FURTHEST)
}

/// Rows of text that are read, the fewer the larger the model is.
pub(crate) fn rows(window: usize, parameters: usize) -> usize {
    let [least, most] = ROWS;
    (PRODUCTS / window.saturating_mul(parameters).max(1)).clamp(least, most)
}

/// How far back gradients reach in one tensor of a layer's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateGradient {
    /// The layer.
    #[serde(flatten)]
    pub of: LayerName,
    /// The tensor: `hidden`, `cell` ..
    pub state: String,
    /// By how far back it is: 0 is the step of the loss. It ends before the first norm that is not finite.
    pub norms: Vec<GradientNorm>,
    /// What the norm is multiplied by with each step back, on average: the slope of a straight line
    /// through the logarithm of the medians. None if there are not two steps with a gradient.
    pub factor: Option<f64>,
}

/// The norm of the gradient at one step, over the rows of text or the examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GradientNorm {
    /// The norm below which a tenth of the rows are.
    pub tenth: f64,
    /// The norm of the row in the middle.
    pub median: f64,
    /// The norm above which a tenth of the rows are.
    pub ninetieth: f64,
}

/// How far back gradients reach after some steps of a training: a line of `gradients.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GradientSnapshot {
    pub(crate) step: usize,
    pub(crate) gradients: Vec<StateGradient>,
}

impl GradientSnapshot {
    /// A line for the file.
    pub(crate) fn line(step: usize, gradients: Vec<StateGradient>) -> String {
        let line = serde_json::to_string(&Self { step, gradients });
        format!("{}\n", line.expect("our own types are valid JSON"))
    }
}

/// The gradients of the loss at the last step of `window`, which begins with a new state. It is computed on the
/// device of the model, which may be one with autodiff.
pub(crate) fn of_text(
    model: &LanguageModel<Encoder>,
    window: &StreamWindow,
) -> Result<Vec<StateGradient>, TrainError> {
    let found = norms_of_text(model, window)?;
    Ok(found.into_iter().map(Norms::told).collect())
}

/// The same of examples, each alone: of the first that take no longer than a second or two; none where all are too long.
pub(crate) fn of_examples<T: ExampleTask>(
    task: &T,
    model: &T::Model,
    examples: &[T::Example],
) -> Result<Vec<StateGradient>, TrainError> {
    let (mut model, device) = on_autodiff(model);
    let watcher = || Watcher::new().with_gradients().without_gates();
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
pub(super) fn longest<T: ExampleTask>(task: &T, example: &T::Example) -> usize {
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

/// The model as it is used, on its device with autodiff, where the weights need no gradients.
fn on_autodiff<M: Module>(model: &M) -> (M, Device) {
    let model = model.valid();
    let device = model.devices()[0].clone().autodiff();
    (model.fork(&device).freeze(), device)
}

/// The norms of one tensor of a layer's state.
struct Norms {
    of: LayerName,
    state: String,
    /// Of each row, by how far back a step is.
    rows: Vec<Vec<f64>>,
}

impl Norms {
    fn told(self) -> StateGradient {
        let furthest = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let norms: Vec<GradientNorm> = (0..furthest.min(FURTHEST))
            .map(|back| {
                let reaching = self.rows.iter().filter_map(|row| row.get(back));
                reaching.copied().collect::<Vec<f64>>()
            })
            .take_while(|norms| norms.len() * REACHED_BY >= self.rows.len())
            .take_while(|norms| norms.iter().all(|norm| norm.is_finite()))
            .map(over_rows)
            .collect();
        StateGradient {
            of: self.of,
            state: self.state,
            factor: factor(&norms),
            norms,
        }
    }
}

fn norms_of_text(
    model: &LanguageModel<Encoder>,
    window: &StreamWindow,
) -> Result<Vec<Norms>, TrainError> {
    let (mut model, device) = on_autodiff(model);
    let stacks = vec![("recurrent", &mut model.recurrent)];
    let watching = Watching::of(stacks, || Watcher::new().with_gradients().without_gates());
    let [_, time] = window.inputs.shape();
    let embedded = model.embedding.forward(window.inputs.to_tensor(&device));
    let outputs = model.recurrent.forward(embedded, None, None)?.outputs;
    let last = outputs.slice_dim(1, time - 1..time);
    let gradients = last_loss(&model, last, window).backward();
    let found = watching.take();
    let found = found.flat_map(|(name, steps)| norms(name, &steps, &gradients));
    Ok(found.collect())
}

/// The sum over the rows of the loss at the last step, so that each row has its own gradient.
fn last_loss(
    model: &LanguageModel<Encoder>,
    output: Tensor<3>,
    window: &StreamWindow,
) -> Tensor<1> {
    let [rows, time] = window.targets.shape();
    let targets = window.targets.to_tensor(&output.device());
    let targets = targets.slice_dim(1, time - 1..time);
    let scores = model
        .scores(output)
        .reshape([rows, model.vocabulary_size()]);
    -log_softmax(scores, 1).gather(1, targets).sum()
}

/// The norms of each tensor of the state, at the steps of a layer, which are in the order in which they were taken.
fn norms(name: &LayerName, steps: &[WatchedStep], gradients: &Gradients) -> Vec<Norms> {
    let Some(first) = steps.first() else {
        return Vec::new();
    };
    let rows = first.output.dims()[0];
    let mut found: Vec<Norms> = first
        .state
        .iter()
        .map(|(state, _)| Norms {
            of: name.clone(),
            state: state.clone(),
            rows: vec![Vec::new(); rows],
        })
        .collect();
    for step in steps.iter().rev() {
        let valid = valid_rows(step);
        for (found, leaf) in found.iter_mut().zip(&step.added) {
            let norms = norm(leaf, gradients).into_iter().zip(&valid);
            for (row, (norm, valid)) in found.rows.iter_mut().zip(norms) {
                if *valid {
                    row.push(norm);
                }
            }
        }
    }
    found
}

/// The norm of each row; 0 where nothing depends on the leaf.
fn norm(leaf: &Tensor<2>, gradients: &Gradients) -> Vec<f64> {
    let [rows, units] = leaf.dims();
    let Some(gradient) = leaf.grad(gradients) else {
        return vec![0.0; rows];
    };
    let values: Vec<f64> = gradient.into_data().iter::<f64>().collect();
    let norm = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    values.chunks(units).map(norm).collect()
}

fn over_rows(mut norms: Vec<f64>) -> GradientNorm {
    norms.sort_by(f64::total_cmp);
    let at = |part: f64| norms[((norms.len() - 1) as f64 * part).round() as usize];
    GradientNorm {
        tenth: at(0.1),
        median: at(0.5),
        ninetieth: at(0.9),
    }
}

/// The least-squares slope of `ln median` against the steps back, as a factor a step.
fn factor(norms: &[GradientNorm]) -> Option<f64> {
    let points = norms.iter().enumerate();
    let points: Vec<(f64, f64)> = points
        .filter(|(_, norm)| norm.median > 0.0 && norm.median.is_finite())
        .map(|(back, norm)| (back as f64, norm.median.ln()))
        .collect();
    if points.len() < 2 {
        return None;
    }
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let products = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    let squares = points.iter().map(|(x, _)| (x - mean_x).powi(2));
    Some((products.sum::<f64>() / squares.sum::<f64>()).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdraft_cells::{
        AnyCellConfig, Cell, DeepConfig, GruConfig, LstmConfig, SLstmConfig, State,
    };
    use backdraft_data::Streams;
    use backdraft_models::{EncoderConfig, LanguageModelConfig};
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{DType, Device};

    /// Weights in double precision, so that differences are precise.
    struct InF64;

    impl ModuleMapper for InF64 {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            // Twice as large as they start: the gradients of the far past are not lost in rounding.
            let value = param.val().detach().cast(DType::F64) * 2.0;
            Param::initialized(param.id, value)
        }
    }

    /// A number that is added to a state: of a layer, after a step, in one of its tensors.
    #[derive(Clone, Copy)]
    struct Nudge {
        layer: usize,
        step: usize,
        tensor: usize,
        unit: usize,
        by: f64,
    }

    /// The loss of each row at the last step of a run whose state is nudged on the way.
    fn losses(model: &LanguageModel<Encoder>, window: &StreamWindow, nudge: Nudge) -> Vec<f64> {
        let device = model.device();
        let [rows, time] = window.inputs.shape();
        let layers = model.recurrent.recurrences();
        let mut states: Vec<_> = layers
            .iter()
            .map(|layer| layer.initial_state(rows))
            .collect();
        let mut scores = Vec::new();
        for t in 0..time {
            let symbols = window.inputs.to_tensor(&device).slice_dim(1, t..t + 1);
            let mut sequence = model.embedding.forward(symbols);
            for (index, layer) in layers.iter().enumerate() {
                let run = layer.forward(sequence, Some(states[index].clone()), None);
                let mut turn = 0;
                let state = run.unwrap().state.map(&mut |tensor| {
                    turn += 1;
                    let here = (index, t, turn - 1) == (nudge.layer, nudge.step, nudge.tensor);
                    let unit = nudge.unit..nudge.unit + 1;
                    match here {
                        true => {
                            let moved = tensor.clone().slice([0..rows, unit.clone()]) + nudge.by;
                            tensor.slice_assign([0..rows, unit], moved)
                        }
                        false => tensor,
                    }
                });
                sequence = layer.cell.output(&state).unsqueeze_dim(1);
                states[index] = state;
            }
            scores = model.scores(sequence).into_data().iter::<f64>().collect();
        }
        let of_row = |(row, scores): (usize, &[f64])| {
            let target = *window.targets.row(row).last().unwrap() as usize;
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            sum.ln() - scores[target]
        };
        let scores = scores.chunks(model.vocabulary_size());
        scores.enumerate().map(of_row).collect()
    }

    fn check(cell: impl Into<AnyCellConfig>) {
        let device = Device::flex();
        let stack = EncoderConfig::new(DeepConfig::new(cell.into(), 2));
        let model = LanguageModelConfig::new(5, stack);
        let model = model.init(&device).unwrap().map(&mut InF64).valid();
        let symbols = [1, 4, 2, 2, 0, 3, 1, 1, 4];
        let window = Streams::new(&symbols, 2, 4).unwrap().window(0);
        let found = norms_of_text(&model, &window).unwrap();
        let mut tensors = Vec::new();
        let first = model.recurrent.recurrences()[0].initial_state(1);
        first.visit("", &mut |name, tensor| {
            tensors.push((name.to_string(), tensor.dims()[1]));
        });
        assert_eq!(found.len(), 2 * tensors.len());
        for (index, found) in found.iter().enumerate() {
            let (layer, tensor) = (index / tensors.len(), index % tensors.len());
            let (name, units) = &tensors[tensor];
            assert_eq!((found.of.layer, &found.state), (layer + 1, name));
            for step in 0..4 {
                let mut squares = [0.0; 2];
                for unit in 0..*units {
                    let at = |by| {
                        let nudge = Nudge {
                            layer,
                            step,
                            tensor,
                            unit,
                            by,
                        };
                        losses(&model, &window, nudge)
                    };
                    let differences = at(1e-5).into_iter().zip(at(-1e-5));
                    for (row, (above, below)) in differences.enumerate() {
                        squares[row] += ((above - below) / 2e-5).powi(2);
                    }
                }
                for (row, square) in squares.into_iter().enumerate() {
                    let (found, expected) = (found.rows[row][3 - step], square.sqrt());
                    let close = (found - expected).abs() < 1e-7 + 1e-5 * expected;
                    assert!(
                        close,
                        "{name} {layer} {step} {row}: {found}, expected {expected}"
                    );
                }
            }
        }
        // Something comes back from the first step.
        assert!(found[0].rows.iter().all(|row| row[3] > 1e-6));
    }

    #[test]
    fn norms_are_those_of_differences_of_the_loss() {
        check(GruConfig::new(3, 4));
        check(LstmConfig::new(3, 4));
        check(SLstmConfig::new(3, 2));
    }

    #[test]
    fn the_factor_is_that_of_a_geometric_series() {
        let norm = |median| GradientNorm {
            tenth: 0.0,
            median,
            ninetieth: 0.0,
        };
        let norms: Vec<GradientNorm> = (0..9).map(|k| norm(3.0 * 0.8f64.powi(k))).collect();
        assert!((factor(&norms).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(factor(&[norm(1.0), norm(0.0)]), None);
        assert_eq!(window(64), 128);
        assert_eq!((window(1), window(1000)), (64, 256));
        assert_eq!(
            [1, 10_000_000, usize::MAX].map(|all| rows(128, all)),
            [24, 15, 6]
        );
    }

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

    #[test]
    fn it_ends_where_too_few_reach_or_one_is_not_finite() {
        let told = |rows: Vec<Vec<f64>>| {
            let norms = Norms {
                of: LayerName::layer(1),
                state: "hidden".to_string(),
                rows,
            };
            let medians = norms.told().norms.into_iter().map(|norm| norm.median);
            medians.collect::<Vec<_>>()
        };
        let (one, two) = (vec![3.0, 2.0, 1.0], vec![3.0, 2.0]);
        assert_eq!(told(vec![one.clone(), two.clone()]), [3.0, 2.0, 1.0]);
        assert_eq!(
            told(vec![one.clone(), two.clone(), two.clone()]),
            [3.0, 2.0]
        );
        for lost in [f64::NAN, -f64::NAN, f64::INFINITY] {
            assert_eq!(told(vec![one.clone(), vec![3.0, lost, 1.0]]), [3.0]);
        }
        assert_eq!(told(vec![vec![1.0; 1000]]).len(), FURTHEST);
    }

    #[test]
    fn rows_are_told_by_their_middle_and_their_tenths() {
        let norms = (0..=10).rev().map(f64::from).collect();
        let expected = GradientNorm {
            tenth: 1.0,
            median: 5.0,
            ninetieth: 9.0,
        };
        assert_eq!(over_rows(norms), expected);
    }
}
