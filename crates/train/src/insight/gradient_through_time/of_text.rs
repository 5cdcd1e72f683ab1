//! How far back gradients reach in a text, of which some rows are read.

use backdraft_cells::Layer;
use backdraft_data::StreamWindow;
use backdraft_models::{Encoder, LanguageModel};
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use super::super::watching::Watching;
use super::{FURTHEST, Norms, PRODUCTS, StateGradient, norms, on_autodiff, watcher};
use crate::TrainError;

/// Rows of text, each with a loss of its own: at least, and at most.
const ROWS: [usize; 2] = [6, 24];

/// Steps that are looked back: twice a window of training, to see what is beyond it.
pub(crate) fn window(unroll: usize) -> usize {
    (2 * unroll).clamp(64, FURTHEST)
}

/// Rows of text that are read, the fewer the larger the model is.
pub(crate) fn rows(window: usize, parameters: usize) -> usize {
    let [least, most] = ROWS;
    (PRODUCTS / window.saturating_mul(parameters).max(1)).clamp(least, most)
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

fn norms_of_text(
    model: &LanguageModel<Encoder>,
    window: &StreamWindow,
) -> Result<Vec<Norms>, TrainError> {
    let (mut model, device) = on_autodiff(model);
    let stacks = vec![("recurrent", &mut model.recurrent)];
    let watching = Watching::of(stacks, watcher);
    let [_, time] = window.inputs.shape();
    let embedded = model.embedding.forward(window.inputs.to_tensor(&device));
    let outputs = model.recurrent.forward(embedded)?.outputs;
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

#[cfg(test)]
mod tests {
    use super::*;
    use backdraft_cells::{
        AnyCellConfig, Cell, DeepConfig, GruConfig, LayerInput, LstmConfig, SLstmConfig, State,
    };
    use backdraft_data::Streams;
    use backdraft_models::{EncoderConfig, LanguageModelConfig};
    use burn::module::{Module, ModuleMapper, Param};
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
                let run =
                    layer.forward(LayerInput::new(sequence).with_state(states[index].clone()));
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
    fn a_large_model_reads_fewer_rows() {
        assert_eq!((window(1), window(1000)), (64, 256));
        assert_eq!(
            [1, 10_000_000, usize::MAX].map(|all| rows(128, all)),
            [24, 15, 6]
        );
    }
}
