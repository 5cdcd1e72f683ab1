//! What the layers of a model do at each symbol of a text that they read.

use backdraft_cells::{Cell, Layer, State};
use backdraft_data::Streams;
use burn::tensor::Tensor;

use super::activity::Counts;
use super::{Stacked, UnitActivity, is_told};
use crate::TrainError;

/// Rows of text that are read side by side, at most.
const ROWS: usize = 32;
/// Steps of each row that are read, at most.
const STEPS: usize = 1200;
/// Steps that are read at once.
pub(super) const WINDOW: usize = 100;
/// Numbers that are kept, at most: 128 MiB of them.
const MOST_VALUES: usize = 1 << 25;

/// What the units of one tensor of a layer's state did.
#[derive(Debug, Clone)]
pub(crate) struct StateRecording {
    /// The layer, from 1.
    pub(crate) layer: usize,
    /// The tensor: `hidden` or `cell`.
    pub(crate) state: String,
    pub(crate) units: usize,
    /// `[row, step, unit]`, after the step.
    pub(crate) values: Vec<f32>,
}

/// What a model did as it read a text.
pub(super) struct Recording {
    pub(super) steps: usize,
    pub(super) states: Vec<StateRecording>,
    /// Of the gates, and of what each layer puts out.
    pub(super) activity: Vec<UnitActivity>,
}

/// As many rows as a recording of `model` has room for.
pub(super) fn rows<C: Cell>(model: &Stacked<C>) -> usize {
    let mut units = 0;
    model.initial_state(1).visit("", &mut |name, tensor| {
        units += if is_looked_at(name) {
            tensor.dims()[1]
        } else {
            0
        };
    });
    (MOST_VALUES / (STEPS * units.max(1))).clamp(1, ROWS)
}

/// The text that each row of `streams` reads in its first `steps` steps.
pub(super) fn rows_of_text(text: &str, streams: &Streams, steps: usize) -> Vec<Vec<char>> {
    let characters: Vec<char> = text.chars().collect();
    let all = streams.predicted() / streams.batch();
    let row = |row: usize| characters[row * all..row * all + steps].to_vec();
    (0..streams.batch()).map(row).collect()
}

/// Whether the tensor of this name, which begins with its layer, is looked at.
fn is_looked_at(name: &str) -> bool {
    // A state of one tensor is called by its layer alone.
    let last = name.rsplit('.').next().unwrap_or(name);
    is_told(last) || last.parse::<usize>().is_ok()
}

/// Reads `streams` from the beginning of each.
pub(super) fn record<C: Cell>(
    model: &Stacked<C>,
    streams: &Streams,
) -> Result<Recording, TrainError> {
    let device = model.device();
    let rows = streams.batch();
    let steps = (streams.predicted() / rows).min(STEPS);
    let mut layers: Vec<_> = (1..)
        .zip(&model.recurrent.layers)
        .map(|(number, layer)| LayerRecorder::new(number, layer.initial_state(rows), steps))
        .collect();
    let mut read = 0;
    for window in streams.windows() {
        if read == steps {
            break;
        }
        let [_, time] = window.inputs.shape();
        let mut sequence = model.embedding.forward(window.inputs.to_tensor(&device));
        for (recorder, layer) in layers.iter_mut().zip(&model.recurrent.layers) {
            let trace = layer.trace(sequence.clone(), Some(recorder.state.clone()), None)?;
            let mut before = vec![recorder.state.clone()];
            before.extend_from_slice(&trace.states[..time - 1]);
            let projected = layer.cell.project(sequence.swap_dims(0, 1));
            let [_, _, width] = projected.dims();
            let projected = projected.reshape([time * rows, width]);
            let gates = layer
                .cell
                .gate_activations(projected, &below_each_other(&before));
            recorder.gates(gates);
            recorder.outputs(&trace.outputs);
            recorder.states(&trace.states, read);
            recorder.state = trace.state;
            sequence = trace.outputs;
        }
        read += time;
    }
    let mut recording = Recording {
        steps,
        states: Vec::new(),
        activity: Vec::new(),
    };
    for layer in layers {
        recording.states.extend(layer.states);
        let counts = layer.gates.into_iter().chain([layer.outputs]);
        recording.activity.extend(counts.map(Counts::finish));
    }
    Ok(recording)
}

struct LayerRecorder<S> {
    layer: usize,
    /// Where the next window goes on.
    state: S,
    steps: usize,
    states: Vec<StateRecording>,
    gates: Vec<Counts>,
    outputs: Counts,
}

impl<S: State> LayerRecorder<S> {
    fn new(layer: usize, state: S, steps: usize) -> Self {
        let mut states = Vec::new();
        state.visit("", &mut |name, tensor| {
            let [rows, units] = tensor.dims();
            if is_looked_at(name) {
                states.push(StateRecording {
                    layer,
                    state: name.to_string(),
                    units,
                    values: vec![0.0; rows * steps * units],
                });
            }
        });
        Self {
            layer,
            state,
            steps,
            states,
            gates: Vec::new(),
            outputs: Counts::of_outputs(layer),
        }
    }

    fn gates(&mut self, gates: Vec<(&'static str, Tensor<2>)>) {
        if self.gates.is_empty() {
            let counts = gates
                .iter()
                .map(|(gate, _)| Counts::of_gate(self.layer, gate));
            self.gates = counts.collect();
        }
        for (counts, (_, values)) in self.gates.iter_mut().zip(gates) {
            let units = values.dims()[1];
            counts.add(values.into_data().iter::<f32>(), units);
        }
    }

    fn outputs(&mut self, outputs: &Tensor<3>) {
        let [_, _, units] = outputs.dims();
        self.outputs.add(outputs.to_data().iter::<f32>(), units);
    }

    /// The states after the steps from `read` on.
    fn states(&mut self, states: &[S], read: usize) {
        for (step, state) in (read..self.steps).zip(states) {
            let mut recordings = self.states.iter_mut();
            state.visit("", &mut |name, tensor| {
                if !is_looked_at(name) {
                    return;
                }
                let recording = recordings
                    .next()
                    .expect("a state has always the same tensors");
                let units = recording.units;
                let values: Vec<f32> = tensor.to_data().iter::<f32>().collect();
                for (row, values) in values.chunks(units).enumerate() {
                    let start = (row * self.steps + step) * units;
                    recording.values[start..start + units].copy_from_slice(values);
                }
            });
        }
    }
}

/// The rows of the states, those of the first one first.
fn below_each_other<S: State>(states: &[S]) -> S {
    let mut tensors: Vec<Vec<Tensor<2>>> = Vec::new();
    for state in states {
        let mut index = 0;
        state.visit("", &mut |_, tensor| {
            if index == tensors.len() {
                tensors.push(Vec::new());
            }
            tensors[index].push(tensor.clone());
            index += 1;
        });
    }
    let mut tensors = tensors.into_iter();
    states[0].clone().map(&mut |_| {
        let tensors = tensors.next().expect("a state has always the same tensors");
        Tensor::cat(tensors, 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdraft_cells::{DeepConfig, GruConfig, RecurrentConfig, SLstmConfig, SequenceConfig};
    use backdraft_data::Vocabulary;
    use backdraft_models::LanguageModelConfig;
    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::{Device, Int, TensorData};

    const TEXT: &str = "the quick brown fox jumps over the lazy dog, again\n";

    struct Zeros;

    impl ModuleMapper for Zeros {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::initialized(param.id, param.val().zeros_like().detach())
        }
    }

    /// Ten lines in three rows, which are longer than a window.
    fn read() -> (String, Vocabulary, Streams) {
        let text = TEXT.repeat(10);
        let vocabulary = Vocabulary::of(&text);
        let streams = Streams::at_most(&vocabulary.encode(&text), 3, WINDOW).unwrap();
        (text, vocabulary, streams)
    }

    fn model<K: SequenceConfig<Built: Cell>>(
        layers: usize,
        cell: K,
        vocabulary: &Vocabulary,
    ) -> Stacked<K::Built> {
        let stack = DeepConfig::new(RecurrentConfig::new(cell), layers);
        let config = LanguageModelConfig::new(vocabulary.len(), stack);
        config.init(&Device::flex()).unwrap().valid()
    }

    #[test]
    fn what_is_recorded_is_what_each_row_does_alone() {
        let (text, vocabulary, streams) = read();
        let device = Device::flex();
        let model = model(2, GruConfig::new(4, 5), &vocabulary);
        let found = record(&model, &streams).unwrap();
        assert_eq!((streams.batch(), found.steps), (3, 169));
        let rows = rows_of_text(&text, &streams, found.steps);
        for (row, text) in rows.iter().enumerate() {
            let text: String = text.iter().collect();
            let symbols: Vec<i32> = vocabulary.encode(&text).iter().map(|&s| s as i32).collect();
            let symbols = TensorData::new(symbols, [1, found.steps]);
            let embedded = model
                .embedding
                .forward(Tensor::<2, Int>::from_data(symbols, &device));
            let run = model.recurrent.forward(embedded, None, None).unwrap();
            let expected: Vec<f32> = run.outputs.into_data().iter::<f32>().collect();
            let upper = &found.states[1];
            assert_eq!(
                (upper.layer, upper.state.as_str(), upper.units),
                (2, "hidden", 5)
            );
            let all = found.steps * 5;
            let recorded = &upper.values[row * all..(row + 1) * all];
            for (found, expected) in recorded.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
        let names: Vec<&str> = found.activity.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            ["reset", "update", "hidden", "reset", "update", "hidden"]
        );
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let expected = f64::from(mean(&found.states[0].values));
        assert!((found.activity[2].mean - expected).abs() < 1e-5);
    }

    #[test]
    fn gates_without_weights_are_half_open() {
        let (_, vocabulary, streams) = read();
        let model = model(1, GruConfig::new(4, 5), &vocabulary).map(&mut Zeros);
        let found = record(&model, &streams).unwrap();
        for gate in &found.activity[..2] {
            assert_eq!((gate.mean, gate.histogram[10]), (0.5, 1.0), "{}", gate.name);
            assert_eq!(gate.saturated(), [0.0, 0.0]);
        }
    }

    #[test]
    fn a_normaliser_and_a_stabiliser_hold_nothing_of_their_own() {
        let (_, vocabulary, streams) = read();
        let model = model(1, SLstmConfig::new(4, 5), &vocabulary);
        let found = record(&model, &streams).unwrap();
        let names: Vec<&str> = found.states.iter().map(|one| one.state.as_str()).collect();
        assert_eq!(names, ["hidden", "cell"]);
    }
}
