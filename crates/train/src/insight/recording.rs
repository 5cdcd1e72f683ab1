//! What the layers of a model do at each symbol of a text that they read.

use backdraft_cells::{Layer, LayerInput, State, WatchedStep, Watcher};
use backdraft_data::Streams;
use backdraft_models::{Encoder, LanguageModel};
use burn::module::Module;

use super::activity::LayerCounts;
use super::layer_name::LayerName;
use super::watching::Watching;
use super::{UnitActivity, is_told};
use crate::TrainError;

/// Rows of text that are read side by side, at most.
const ROWS: usize = 32;
/// Steps of each row that are read, at most.
const STEPS: usize = 1200;
/// What reading is to take, in products of a weight with something: some seconds on two cores.
const PRODUCTS: usize = 150_000_000_000;
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
pub(super) fn rows(model: &LanguageModel<Encoder>) -> usize {
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
pub(super) fn record(
    model: &LanguageModel<Encoder>,
    streams: &Streams,
) -> Result<Recording, TrainError> {
    let mut model = model.clone();
    let device = model.device();
    let watching = Watching::of(vec![("recurrent", &mut model.recurrent)], Watcher::new);
    let a_step = streams.batch().saturating_mul(model.recurrent.num_params());
    let affordable = (PRODUCTS / a_step.max(1)).max(WINDOW);
    let steps = (streams.predicted() / streams.batch())
        .min(STEPS)
        .min(affordable);
    let mut layers: Vec<LayerRecorder> = Vec::new();
    let (mut read, mut state) = (0, None);
    for window in streams.windows() {
        if read == steps {
            break;
        }
        let [rows, time] = window.inputs.shape();
        let time = time.min(steps - read);
        let embedded = model.embedding.forward(window.inputs.to_tensor(&device));
        state = Some(
            model
                .recurrent
                .forward(LayerInput::new(embedded).with_state(state))?
                .state,
        );
        for (index, (name, watched)) in watching.take().enumerate() {
            if index == layers.len() {
                layers.push(LayerRecorder::new(name, &watched, [rows, steps]));
            }
            let layer = &mut layers[index];
            layer.counts.add(&watched);
            layer.states(&watched, read);
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
        recording.activity.extend(layer.counts.finish());
    }
    Ok(recording)
}

struct LayerRecorder {
    steps: usize,
    states: Vec<StateRecording>,
    counts: LayerCounts,
}

impl LayerRecorder {
    fn new(of: &LayerName, watched: &[WatchedStep], [rows, steps]: [usize; 2]) -> Self {
        let state = watched.first().map_or(&[][..], |step| &step.state);
        let looked_at = state.iter().filter(|(name, _)| is_told(name));
        let states = looked_at.map(|(name, tensor)| {
            let units = tensor.dims()[1];
            StateRecording {
                layer: of.layer,
                state: name.clone(),
                units,
                values: vec![0.0; rows * steps * units],
            }
        });
        Self {
            steps,
            states: states.collect(),
            counts: LayerCounts::new(of, watched),
        }
    }

    /// The states after the steps from `read` on.
    fn states(&mut self, watched: &[WatchedStep], read: usize) {
        for (step, watched) in (read..self.steps).zip(watched) {
            let looked_at = watched.state.iter().filter(|(name, _)| is_told(name));
            for (recording, (_, tensor)) in self.states.iter_mut().zip(looked_at) {
                let units = recording.units;
                let values: Vec<f32> = tensor.to_data().iter::<f32>().collect();
                for (row, values) in values.chunks(units).enumerate() {
                    let start = (row * self.steps + step) * units;
                    recording.values[start..start + units].copy_from_slice(values);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdraft_cells::{AnyCellConfig, DeepConfig, GruConfig, SLstmConfig};
    use backdraft_data::Vocabulary;
    use backdraft_models::{EncoderConfig, LanguageModelConfig};
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{Device, Int, Tensor, TensorData};

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

    fn model(
        layers: usize,
        cell: impl Into<AnyCellConfig>,
        vocabulary: &Vocabulary,
    ) -> LanguageModel<Encoder> {
        let stack = EncoderConfig::new(DeepConfig::new(cell.into(), layers));
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
            let run = model.recurrent.forward(embedded).unwrap();
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
