//! The translator on every compiled backend: its loss, its attention, what it learns and writes.

use backdraft_cells::prelude::*;
use backdraft_models::{
    BeamSearch, Sampling, ScheduledSampling, Score, Translator, TranslatorConfig,
};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};

use crate::support::cpus;

mod learning;
mod refused;
mod writing;

type Encoder = BidirectionalConfig<LstmConfig>;
type Decoder = DeepConfig<RecurrentConfig<GruConfig>>;
type Model = Translator<Bidirectional<Lstm>, Deep<Recurrent<Gru>>>;

/// Symbols of the sources and of the targets.
const SOURCE: usize = 5;
const TARGET: usize = 4;

fn config(embedding: usize, units: usize, layers: usize) -> TranslatorConfig<Encoder, Decoder> {
    let encoder = BidirectionalConfig::new(LstmConfig::new(embedding, units));
    let decoder = RecurrentConfig::new(GruConfig::new(embedding, units));
    TranslatorConfig::new(SOURCE, TARGET, encoder, DeepConfig::new(decoder, layers))
}

fn model(device: &Device) -> Model {
    device.seed(5);
    config(3, 4, 2).init(device).unwrap()
}

/// With input feeding and without.
fn both_models(device: &Device) -> [Model; 2] {
    [false, true].map(|feeding| {
        device.seed(5);
        let config = config(3, 4, 2).with_input_feeding(feeding);
        config.init(device).unwrap()
    })
}

/// With additive attention and with general, each with input feeding and without.
fn all_models(device: &Device) -> Vec<Model> {
    let with = |score| {
        [false, true].map(|feeding| {
            device.seed(5);
            let config = config(3, 4, 2).with_input_feeding(feeding);
            config.with_attention(Some(score)).init(device).unwrap()
        })
    };
    let scores = [Score::Additive, Score::General];
    scores.into_iter().flat_map(with).collect()
}

/// Rows of different length as a batch, with `filler` in its padding.
fn batch(rows: &[Vec<u32>], filler: i32, device: &Device) -> (Tensor<2, Int>, Lengths) {
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let time = lengths.iter().copied().max().unwrap().max(1);
    let padded = rows.iter().flat_map(|row| {
        let row = row.iter().map(|&symbol| symbol as i32);
        row.chain(std::iter::repeat(filler)).take(time)
    });
    let data = TensorData::new(padded.collect::<Vec<i32>>(), [rows.len(), time]);
    (Tensor::from_data(data, device), Lengths::new(lengths))
}

fn loss<E: Layer, D: Layer>(
    model: &Translator<E, D>,
    sources: &[Vec<u32>],
    targets: &[Vec<u32>],
    device: &Device,
) -> Tensor<1> {
    let (source, source_lengths) = batch(sources, 0, device);
    let (target, target_lengths) = batch(targets, 0, device);
    model
        .loss(source, &source_lengths, target, &target_lengths)
        .unwrap()
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 2e-5,
            "{found} against {expected}"
        );
    }
}

fn rows(rows: [&[u32]; 3]) -> Vec<Vec<u32>> {
    rows.map(<[u32]>::to_vec).to_vec()
}

fn some_sources() -> Vec<Vec<u32>> {
    rows([&[4, 0, 2, 2, 1], &[3], &[1, 2, 3]])
}

fn some_targets() -> Vec<Vec<u32>> {
    rows([&[3, 1], &[], &[0, 2, 1, 3]])
}

/// `y = W x + b` on the host.
fn affine(linear: &Linear, input: &[f64]) -> Vec<f64> {
    let (weight, outputs) = (floats(&linear.weight.val()), linear.weight.dims()[1]);
    let bias = linear.bias.as_ref().map(|bias| floats(&bias.val()));
    let mut sums = bias.unwrap_or(vec![0.0; outputs]);
    for (value, weights) in input.iter().zip(weight.chunks(outputs)) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += value * weight;
        }
    }
    sums
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let total: f64 = scores.iter().map(|score| score.exp()).sum();
    scores.iter().map(|score| score.exp() / total).collect()
}

/// The loss of one row, one step after the other, the attention and all above it on the host.
fn by_steps(model: &Model, source: &[u32], target: &[u32], device: &Device) -> Vec<f64> {
    let (symbols, _) = batch(&[source.to_vec()], 0, device);
    let embedded = model.source_embedding.forward(symbols);
    let read = model.encoder.forward(embedded).unwrap();
    let width = model.encoder.output_size();
    let annotations = floats(&read.outputs);
    let annotations: Vec<&[f64]> = annotations.chunks(width).collect();
    let [forward, reverse] = [read.state.forward, read.state.reverse];
    let vector = [forward.hidden, forward.cell, reverse.hidden, reverse.cell];
    let vector = Tensor::cat(vector.to_vec(), 1);
    let mut state = model.bridge.forward(vector, &model.decoder).unwrap();

    let end = [model.edge()];
    let mut last = model.edge();
    let mut nats = Vec::new();
    let [_, embedding] = model.target_embedding.weight.dims();
    // What it is fed with, of as many features as the decoder reads beside the symbol.
    let mut fed = vec![0.0; model.decoder.input_size() - embedding];
    for &symbol in target.iter().chain(&end) {
        let (read, _) = batch(&[vec![last]], 0, device);
        let mut embedded = model.target_embedding.forward(read);
        if !fed.is_empty() {
            let data = TensorData::new(fed.clone(), [1, 1, fed.len()]);
            embedded = Tensor::cat(vec![embedded, Tensor::from_data(data, device)], 2);
        }
        let run = model
            .decoder
            .forward(LayerInput::new(embedded).with_state(state))
            .unwrap();
        state = run.state;
        let hidden = floats(&run.outputs);
        let attention = model.attention.as_ref().unwrap();
        let fit = |annotation: &&[f64]| -> f64 {
            let key = affine(attention.keys.as_ref().unwrap(), annotation);
            let Some(additive) = &attention.additive else {
                return key.iter().zip(&hidden).map(|(key, h)| key * h).sum();
            };
            let units = key.iter().zip(affine(&additive.query, &hidden));
            let units: Vec<f64> = units.map(|(key, query)| (key + query).tanh()).collect();
            affine(&additive.fit, &units)[0]
        };
        let weights = softmax(&annotations.iter().map(fit).collect::<Vec<f64>>());
        let context = (0..width).map(|feature| {
            let terms = annotations.iter().zip(&weights);
            terms.map(|(step, weight)| step[feature] * weight).sum()
        });
        let both: Vec<f64> = hidden.iter().copied().chain(context).collect();
        let combined: Vec<f64> = affine(&model.combine, &both)
            .into_iter()
            .map(f64::tanh)
            .collect();
        let p = softmax(&affine(&model.output, &combined));
        nats.push(-p[symbol as usize].ln());
        last = symbol;
        if !fed.is_empty() {
            fed = combined;
        }
    }
    nats
}

#[test]
fn the_loss_of_a_padded_batch_is_that_of_its_rows_step_by_step() {
    for (device, model) in cpus().into_iter().flat_map(|device| {
        let models = all_models(&device);
        let with = |model| (device.clone(), model);
        models.into_iter().map(with).collect::<Vec<_>>()
    }) {
        let (sources, targets) = (some_sources(), some_targets());
        let found = floats(&loss(&model, &sources, &targets, &device));
        let pairs = sources.iter().zip(&targets);
        let expected: Vec<f64> = pairs
            .flat_map(|(source, target)| by_steps(&model, source, target, &device))
            .collect();
        assert_eq!(found.len(), 3 + 1 + 5, "the end of each row counts");
        close(&found, &expected);

        let (source, source_lengths) = batch(&sources, 0, &device);
        let (target, target_lengths) = batch(&targets, 0, &device);
        let foreseen = model
            .forward(source, &source_lengths, target, &target_lengths)
            .unwrap();
        assert_eq!(foreseen.scores.dims(), [3, 5, TARGET + 1]);
        let scores = floats(&foreseen.scores);
        let p = softmax(&scores[10 * (TARGET + 1)..11 * (TARGET + 1)]);
        close(&[-p[0].ln()], &found[4..5]);
        let weights = foreseen.weights.unwrap();
        assert_eq!(weights.dims(), [3, 5, 5]);
        // The second source has one step, at which everything looks.
        close(&floats(&weights)[25..30], &[1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn what_stands_in_padding_changes_nothing() {
    for device in cpus() {
        let device = device.autodiff();
        for (score, feeding) in [
            (Some(Score::Additive), false),
            (Some(Score::General), false),
            (Some(Score::General), true),
            (None, false),
        ] {
            let config = config(3, 4, 1).with_attention(score);
            let model = config.with_input_feeding(feeding).init(&device).unwrap();
            let learn = |filler: i32, more: bool| {
                let (mut source, source_lengths) = batch(&some_sources(), filler, &device);
                let (mut target, target_lengths) = batch(&some_targets(), filler, &device);
                if more {
                    let padding = |rows| Tensor::<2, Int>::full([rows, 2], filler, &device);
                    source = Tensor::cat(vec![source, padding(3)], 1);
                    target = Tensor::cat(vec![target, padding(3)], 1);
                }
                let nats = model
                    .loss(source, &source_lengths, target, &target_lengths)
                    .unwrap();
                let gradients = nats.clone().sum().backward();
                let of = |weight: Option<Tensor<2>>| floats(&weight.unwrap());
                let gradients = [
                    of(model.source_embedding.weight.grad(&gradients)),
                    of(model.target_embedding.weight.grad(&gradients)),
                    of(model.combine.weight.grad(&gradients)),
                ];
                (floats(&nats), gradients.concat())
            };
            let (nats, gradients) = learn(0, false);
            for (filler, more) in [(-7, false), (1_000_000, true)] {
                let (found_nats, found_gradients) = learn(filler, more);
                close(&found_nats, &nats);
                close(&found_gradients, &gradients);
            }
        }
    }
}

/// All gradients by finite differences of the loss, in what only input feeding has: the rows of the decoder's input
/// weight that read it.
#[test]
fn the_gradients_with_input_feeding_are_those_of_the_loss() {
    // Held to the end: a seed is one for all of the process.
    let devices = cpus();
    let device = devices[0].clone().autodiff();
    device.seed(5);
    let encoder = BidirectionalConfig::new(LstmConfig::new(3, 2));
    let decoder = RecurrentConfig::new(GruConfig::new(3, 4));
    let config = TranslatorConfig::new(SOURCE, TARGET, encoder, decoder).with_input_feeding(true);
    let model = config.init(&device).unwrap();
    let (sources, targets) = (some_sources(), some_targets());
    let gradients = loss(&model, &sources, &targets, &device).sum().backward();
    let weight = &model.decoder.cell.gates.input_weight;
    let gradient = floats(&weight.grad(&gradients).unwrap());
    let [gates, inputs] = weight.dims();
    assert_eq!(inputs, 3 + 4);
    for at in (0..inputs * gates).step_by(5) {
        let moved = |by: f64| {
            let mut values = floats(&weight.val());
            values[at] += by;
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            let mut model = model.clone();
            let values = Tensor::from_data(TensorData::new(values, [gates, inputs]), &device);
            model.decoder.cell.gates.input_weight = Param::from_tensor(values);
            floats(&loss(&model, &sources, &targets, &device))
                .iter()
                .sum::<f64>()
        };
        let expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        let found = gradient[at];
        assert!(
            (found - expected).abs() < 2e-3,
            "{at}: {found} against {expected}"
        );
    }
}

#[test]
fn scheduled_sampling_reads_what_the_model_would_have_written() {
    for device in cpus() {
        let [_, model] = both_models(&device);
        let (sources, targets) = (some_sources(), some_targets());
        let (source, source_lengths) = batch(&sources, 9, &device);
        let (target, target_lengths) = batch(&targets, 9, &device);
        let scheduled = |schedule: &ScheduledSampling| {
            let mut random = StdRng::seed_from_u64(4);
            let nats = model.scheduled_loss(
                source.clone(),
                &source_lengths,
                target.clone(),
                &target_lengths,
                schedule,
                &mut random,
            );
            floats(&nats.unwrap())
        };
        let taught = floats(&loss(&model, &sources, &targets, &device));
        close(&scheduled(&ScheduledSampling::new(0.0)), &taught);

        // Always the likeliest symbol that is not the end, each step read anew from the start.
        let likeliest = Sampling::new().with_temperature(0.0);
        let always = ScheduledSampling::new(1.0).with_sampling(likeliest);
        let mut expected = Vec::new();
        for (source, target) in sources.iter().zip(&targets) {
            let mut own: Vec<u32> = Vec::new();
            for step in 0..=target.len() {
                let next = |symbol: u32| {
                    let told = [&own[..], &[symbol]].concat();
                    by_steps(&model, source, &told, &device)[step]
                };
                let nats: Vec<f64> = (0..=TARGET as u32).map(next).collect();
                let right = target.get(step).map_or(TARGET, |&symbol| symbol as usize);
                expected.push(nats[right]);
                let best = (0..TARGET).min_by(|a, b| nats[*a].total_cmp(&nats[*b]));
                own.push(best.unwrap() as u32);
            }
        }
        close(&scheduled(&always), &expected);
        assert_ne!(scheduled(&ScheduledSampling::new(0.5)), taught);
    }
}

#[test]
fn a_record_brings_everything_back() {
    for device in cpus() {
        let (sources, targets) = (some_sources(), some_targets());
        let model = model(&device);
        let bytes = model.clone().into_record().into_bytes().unwrap();
        device.seed(6);
        let other = config(3, 4, 2).init(&device).unwrap();
        let before = floats(&loss(&model, &sources, &targets, &device));
        assert_ne!(floats(&loss(&other, &sources, &targets, &device)), before);
        let record = ModuleRecord::from_bytes(bytes).unwrap();
        let loaded = other.try_load_record(record).unwrap();
        assert_eq!(floats(&loss(&loaded, &sources, &targets, &device)), before);
        let same = self::model(&device);
        assert_eq!(floats(&loss(&same, &sources, &targets, &device)), before);
    }
}

#[test]
fn any_layer_reads_and_any_that_goes_forward_writes() {
    let device = &cpus()[0];
    fn check<E, D>(encoder: E, decoder: D, device: &Device)
    where
        E: SequenceConfig<Built: Layer>,
        D: SequenceConfig<Built: Layer>,
    {
        let model = TranslatorConfig::new(SOURCE, TARGET, encoder, decoder)
            .init(device)
            .unwrap();
        let (source, lengths) = batch(&some_sources(), 0, device);
        let best = model.beam(source, &lengths, &BeamSearch::new(4)).unwrap();
        for (source, best) in some_sources().into_iter().zip(best) {
            let nats = loss(&model, &[source], &[best[0].symbols.clone()], device);
            close(&[-best[0].log_p], &floats(&nats.sum()));
        }
    }
    let forward = RecurrentConfig::new(GruConfig::new(3, 4));
    let s_lstm = RecurrentConfig::new(SLstmConfig::new(3, 4));
    let lru = RecurrentConfig::new(LruConfig::new(3, 6, 4));
    let both = BidirectionalConfig::new(LstmConfig::new(3, 4));
    check(forward.clone(), forward.clone(), device);
    check(DeepConfig::new(both.clone(), 2), s_lstm.clone(), device);
    check(s_lstm, lru, device);
    let hierarchical = HierarchicalConfig::new(forward.clone(), forward.clone(), 2);
    check(both, hierarchical, device);
}
