//! How far back the loss at one step reaches.
//!
//! ```text
//! L = -ln p(x_{T+1} | x_1 .. x_T)        the loss at the last step alone, of each row
//! dL/dh_t = dL/dh_T dh_T/dh_{T-1} .. dh_{t+1}/dh_t        through every layer above, too
//! ```
//!
//! Where its norm falls as fast as t goes back, nothing is learned of what was far before (vanishing);
//! where it rises, learning is thrown about (exploding). It is the total derivative with respect to
//! each tensor of the state alone, the others held: in an LSTM of `h_t` and of `c_t`.
//!
//! Autodiff gives it without a copy of any equation: to each tensor of the state a zero `z_t` is
//! added, and `dL/dz_t = dL/dh_t`.
//!
//! Hochreiter 1991, "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard and Frasconi
//! 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov and
//! Bengio 2013, arXiv 1211.5063.

use backdraft_cells::{Cell, Layer, State};
use backdraft_data::StreamWindow;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Gradients, Tensor};
use serde::Serialize;

use super::Stacked;
use crate::TrainError;

/// Rows of text, each with a loss of its own.
pub(super) const ROWS: usize = 24;

/// Steps that are looked back: twice a window of training, to see what is beyond it.
pub(super) fn window(unroll: usize) -> usize {
    (2 * unroll).clamp(64, 256)
}

/// How far back gradients reach in one tensor of a layer's state.
#[derive(Debug, Clone, Serialize)]
pub struct StateGradient {
    /// The layer, from 1.
    pub layer: usize,
    /// The tensor: `hidden`, `cell` ..
    pub state: String,
    /// By how far back it is: 0 is the step of the loss.
    pub norms: Vec<GradientNorm>,
    /// What the norm is multiplied by with each step back, on average: the slope of a straight line
    /// through the logarithm of the medians. None if there are not two steps with a gradient.
    pub factor: Option<f64>,
}

/// The norm of the gradient at one step, over the rows of text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GradientNorm {
    /// The norm below which a tenth of the rows are.
    pub tenth: f64,
    /// The norm of the row in the middle.
    pub median: f64,
    /// The norm above which a tenth of the rows are.
    pub ninetieth: f64,
}

/// The gradients of the loss at the last step of `window`, which begins with a new state.
pub(super) fn measure<C: Cell>(
    model: &Stacked<C>,
    window: &StreamWindow,
) -> Result<Vec<StateGradient>, TrainError> {
    let [_, time] = window.inputs.shape();
    let norms = norms(model, window)?;
    Ok(norms
        .into_iter()
        .map(|of_tensor| {
            let norms: Vec<GradientNorm> = (0..time)
                .rev()
                .map(|t| over_rows(of_tensor.norms[t].clone()))
                .collect();
            StateGradient {
                layer: of_tensor.layer,
                state: of_tensor.state,
                factor: factor(&norms),
                norms,
            }
        })
        .collect())
}

/// The norms of one tensor: of each step, and in it of each row.
struct Norms {
    layer: usize,
    state: String,
    norms: Vec<Vec<f64>>,
}

fn norms<C: Cell>(model: &Stacked<C>, window: &StreamWindow) -> Result<Vec<Norms>, TrainError> {
    let device = model.device().autodiff();
    let model = model.clone().fork(&device).freeze();
    let [rows, time] = window.inputs.shape();
    let embedded = model.embedding.forward(window.inputs.to_tensor(&device));
    let layers = model.recurrent.layers.iter();
    // The plain loop, in which autodiff follows the state alone; a kernel computes the gradients of
    // the weights as well.
    let layers: Vec<_> = layers.map(|layer| layer.clone().unrolled()).collect();
    let mut states: Vec<C::State> = layers.iter().map(|l| l.initial_state(rows)).collect();
    // Of each step, each layer and each tensor of its state.
    let mut leaves: Vec<Vec<Vec<Tensor<2>>>> = Vec::with_capacity(time);
    let mut output = None;
    for t in 0..time {
        let mut sequence = embedded.clone().slice_dim(1, t..t + 1);
        let mut of_step = Vec::with_capacity(layers.len());
        for (layer, state) in layers.iter().zip(&mut states) {
            let run = layer.forward(sequence, Some(state.clone()), None)?;
            let mut of_layer = Vec::new();
            *state = run.state.map(&mut |tensor| {
                // A cell may hand on a part of its first state as it is, which no gradient follows.
                let zeros = tensor.zeros_like().autodiff().detach().require_grad();
                of_layer.push(zeros.clone());
                tensor + zeros
            });
            of_step.push(of_layer);
            sequence = layer.cell.output(state).unsqueeze_dim(1);
        }
        leaves.push(of_step);
        output = Some(sequence);
    }
    let output = output.expect("a window has a step");
    let gradients = last_loss(&model, output, window).backward();

    let mut found = Vec::new();
    for (index, state) in states.iter().enumerate() {
        let mut tensors = Vec::new();
        state.visit("", &mut |name, _| tensors.push(name.to_string()));
        for (tensor, name) in tensors.into_iter().enumerate() {
            let of_steps = leaves.iter();
            found.push(Norms {
                layer: index + 1,
                state: name,
                norms: of_steps
                    .map(|layers| norm(&layers[index][tensor], &gradients))
                    .collect(),
            });
        }
    }
    Ok(found)
}

/// The sum over the rows of the loss at the last step, so that each row has its own gradient.
fn last_loss<C: Cell>(model: &Stacked<C>, output: Tensor<3>, window: &StreamWindow) -> Tensor<1> {
    let [rows, time] = window.targets.shape();
    let targets = window.targets.to_tensor(&output.device());
    let targets = targets.slice_dim(1, time - 1..time);
    let scores = model
        .scores(output)
        .reshape([rows, model.vocabulary_size()]);
    -log_softmax(scores, 1).gather(1, targets).sum()
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
        DeepConfig, GruConfig, LstmConfig, RecurrentConfig, SLstmConfig, SequenceConfig,
    };
    use backdraft_data::Streams;
    use backdraft_models::LanguageModelConfig;
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
    fn losses<C: Cell>(model: &Stacked<C>, window: &StreamWindow, nudge: Nudge) -> Vec<f64> {
        let device = model.device();
        let [rows, time] = window.inputs.shape();
        let mut states = model.initial_state(rows);
        let mut scores = Vec::new();
        for t in 0..time {
            let symbols = window.inputs.to_tensor(&device).slice_dim(1, t..t + 1);
            let mut sequence = model.embedding.forward(symbols);
            for (index, layer) in model.recurrent.layers.iter().enumerate() {
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

    fn check<K: SequenceConfig<Built: Cell>>(cell: K) {
        let device = Device::flex();
        let stack = DeepConfig::new(RecurrentConfig::new(cell), 2);
        let model = LanguageModelConfig::new(5, stack);
        let model = model.init(&device).unwrap().map(&mut InF64).valid();
        let symbols = [1, 4, 2, 2, 0, 3, 1, 1, 4];
        let window = Streams::new(&symbols, 2, 4).unwrap().window(0);
        let found = norms(&model, &window).unwrap();
        let mut tensors = Vec::new();
        model.initial_state(1)[0].visit("", &mut |name, tensor| {
            tensors.push((name.to_string(), tensor.dims()[1]));
        });
        assert_eq!(found.len(), 2 * tensors.len());
        for (index, found) in found.iter().enumerate() {
            let (layer, tensor) = (index / tensors.len(), index % tensors.len());
            let (name, units) = &tensors[tensor];
            assert_eq!((found.layer, &found.state), (layer + 1, name));
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
                    let (found, expected) = (found.norms[step][row], square.sqrt());
                    let close = (found - expected).abs() < 1e-7 + 1e-5 * expected;
                    assert!(
                        close,
                        "{name} {layer} {step} {row}: {found}, expected {expected}"
                    );
                }
            }
        }
        // Something comes back from the first step.
        assert!(found[0].norms[0].iter().all(|norm| *norm > 1e-6));
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
