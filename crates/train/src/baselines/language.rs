//! Models of the next character, byte, word, or piece of a word.

use std::collections::BTreeMap;
use std::f64::consts::LN_2;
use std::time::Instant;

use backdraft_cells::{Layer, SequenceConfig};
use backdraft_data::{Streams, Units, split_held_out};
use backdraft_models::baselines::{
    Arrangement, NGram, NGramConfig, TimeDelayConfig, WindowConfig, hidden_markov::HmmConfig,
};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::descent::descend;
use super::{BaselineRow, BaselineSettings, Baselines, Remembers, step_microseconds};
use crate::{Lexicon, PickedDevice, Recurrence, SymbolBatch, Text, TrainError};

/// Steps that nets learn from at once.
const UNROLL: usize = 64;
/// Streams that what is held out is read in: a net starts each without a past.
const TEST_STREAMS: usize = 8;
/// The longest n-gram that is tried.
const LONGEST: usize = 8;
/// What a hidden Markov model learns from: as many symbols of the beginning at most, in sequences of as
/// many, in as many steps of Baum-Welch. All of a long text would take it longer than the nets together.
const MARKOV_SYMBOLS: usize = 300_000;
const MARKOV_SEQUENCE: usize = 500;
const MARKOV_STEPS: usize = 30;
/// Steps that are timed.
const TIMED: usize = 200;

/// A text as every model learns it.
struct Split {
    /// What a symbol is.
    symbol: &'static str,
    units: Units,
    learn: Vec<u32>,
    held_out: Vec<u32>,
    /// Bits a character, of nats a symbol.
    bits_a_nat: f64,
}

/// Every model of the next symbol on one text, whose end is held out; `told` hears each as it is there.
///
/// * `lexicon`: what the symbols are. The softmax is always full.
///
/// # Errors
///
/// When a setting is impossible or the text is too short.
pub fn language_baselines(
    settings: &BaselineSettings,
    lexicon: &Lexicon,
    text: &Text,
    device: &PickedDevice,
    told: &mut dyn FnMut(&BaselineRow),
) -> Result<Baselines, TrainError> {
    settings.check()?;
    lexicon.check()?;
    lexicon.check_full("the softmax of a comparison is full")?;
    let (learn, held_out) = split_held_out(&text.content, settings.valid_fraction)?;
    let units = lexicon.units(learn)?;
    let characters = held_out.chars().count();
    let [learn, held_out] = [units.encode(learn)?, units.encode(held_out)?];
    let symbol = match &units {
        Units::Characters(_) => "character",
        Units::Bytes => "byte",
        Units::Words(_) | Units::Tokens(_) => "word",
        Units::Pieces(_) => "piece",
    };
    if learn.len().min(held_out.len()) < 2 {
        return Err(TrainError::Unfit {
            what: "the text",
            expected: format!("at least 2 {symbol}s to learn from and 2 that are held out"),
            found: format!("{} and {}", learn.len(), held_out.len()),
        });
    }
    let split = Split {
        symbol,
        bits_a_nat: held_out.len() as f64 / characters as f64 / LN_2,
        learn,
        held_out,
        units,
    };
    let mut rows = Vec::new();
    let mut keep = |row: BaselineRow| {
        told(&row);
        rows.push(row);
    };
    let (unigram, n_gram) = n_grams(&split)?;
    keep(unigram);
    let (hidden, window) = (settings.hidden, settings.window);
    let nets = Nets {
        settings,
        split: &split,
        device: &device.device,
    };
    let seen = WindowConfig::new(hidden, window);
    for (name, config) in [
        (
            format!("bag of the last {window} {}s, a hidden layer", split.symbol),
            seen.clone()
                .with_arrangement(Arrangement::Bag)
                .with_hidden([hidden]),
        ),
        (
            format!("mean of the last {window}, a hidden layer"),
            seen.clone()
                .with_arrangement(Arrangement::Averaged)
                .with_hidden([hidden]),
        ),
        (format!("the last {window}, log-linear"), seen.clone()),
        (
            format!("the last {window}, a hidden layer"),
            seen.with_hidden([hidden]),
        ),
    ] {
        keep(nets.row(name, Remembers::Window, config)?);
    }
    let delays = TimeDelayConfig::new(hidden, hidden, [3, 3, 3]).with_dilations([1, 2, 4]);
    let name = format!("time-delay net, 3 layers, reach {}", delays.reach());
    keep(nets.row(name, Remembers::Window, delays)?);
    keep(n_gram);
    keep(hidden_markov(&split, settings)?);
    for &cell in &settings.cells {
        let recurrence = Recurrence {
            cell,
            hidden,
            embedding: hidden,
            ..Recurrence::default()
        };
        let config = recurrence.encoder(hidden);
        keep(nets.row(cell.name(), Remembers::Recurrence, config)?);
    }
    Ok(Baselines {
        task: "lm",
        data: text.source.clone(),
        unit: Some(lexicon.unit.to_string()),
        vocabulary: Some(split.units.len()),
        device: device.name.clone(),
        learned_from: split.learn.len(),
        held_out: split.held_out.len(),
        settings: settings.clone(),
        figures: vec!["bits_per_character", "perplexity"],
        rows,
        shown: Vec::new(),
    })
}

/// The figures of a mean of nats a symbol.
fn figures(nats: f64, split: &Split) -> BTreeMap<&'static str, f64> {
    BTreeMap::from([
        ("bits_per_character", nats * split.bits_a_nat),
        ("perplexity", nats.exp()),
    ])
}

/// The mean of what is foreseen, which the first symbol is not: nothing came before it.
fn mean_after_first(nats: &[f64]) -> f64 {
    nats[1..].iter().sum::<f64>() / (nats.len() - 1) as f64
}

/// Without a past, and with the past that foresees best the end of what is learned.
fn n_grams(split: &Split) -> Result<(BaselineRow, BaselineRow), TrainError> {
    let learn = [split.learn.as_slice()];
    let vocabulary = split.units.len();
    let start = Instant::now();
    let unigram = NGramConfig::new(vocabulary, 1).fit(&learn)?;
    let seconds = start.elapsed().as_secs_f64();
    let unigram = n_gram_row(
        format!("how frequent each {} is", split.symbol),
        &unigram,
        split,
        seconds,
    )?;

    let start = Instant::now();
    let (before, last) = split
        .learn
        .split_at(split.learn.len() - split.learn.len() / 50);
    let config = NGramConfig::new(vocabulary, 1);
    let (chosen, _) = config.choose(1..=LONGEST, &[before], before, last)?;
    let order = chosen.config().order;
    drop(chosen);
    let best = NGramConfig::new(vocabulary, order).fit(&learn)?;
    let seconds = start.elapsed().as_secs_f64();
    let name = format!("{order}-gram, interpolated Kneser-Ney");
    let row = n_gram_row(name, &best, split, seconds)?;
    Ok((unigram, row))
}

fn n_gram_row(
    model: String,
    n_gram: &NGram,
    split: &Split,
    fit_seconds: f64,
) -> Result<BaselineRow, TrainError> {
    let nats = n_gram.nats(&split.held_out)?;
    let mut state = n_gram.initial_state();
    let step_microseconds = step_microseconds(TIMED.min(split.held_out.len()), |step| {
        n_gram.read(&mut state, &split.held_out[step..=step])?;
        std::hint::black_box(n_gram.distribution(&state));
        Ok(())
    })?;
    Ok(BaselineRow {
        model,
        remembers: Remembers::Window,
        parameters: n_gram.parameters(),
        figures: figures(mean_after_first(&nats), split),
        fit_seconds,
        step_microseconds,
    })
}

fn hidden_markov(split: &Split, settings: &BaselineSettings) -> Result<BaselineRow, TrainError> {
    let start = Instant::now();
    let some = &split.learn[..split.learn.len().min(MARKOV_SYMBOLS)];
    let sequences: Vec<Vec<Option<u32>>> = some
        .chunks(MARKOV_SEQUENCE)
        .map(|sequence| sequence.iter().copied().map(Some).collect())
        .collect();
    let config = HmmConfig::categorical(settings.states, split.units.len())
        .with_iterations(MARKOV_STEPS)
        .with_seed(settings.seed);
    let (model, _) = config.fit(&sequences)?;
    let fit_seconds = start.elapsed().as_secs_f64();
    let nats = model.next_symbol_nats(&split.held_out)?;
    let mut state = model.state();
    let step_microseconds = step_microseconds(TIMED.min(split.held_out.len()), |step| {
        model.observe(&mut state, &Some(split.held_out[step]))?;
        std::hint::black_box(model.symbols_ahead(&state, 1)?);
        Ok(())
    })?;
    Ok(BaselineRow {
        model: format!(
            "hidden Markov model, {} states, of {} {}s",
            settings.states,
            some.len(),
            split.symbol
        ),
        remembers: Remembers::State,
        parameters: model.parameters(),
        figures: figures(mean_after_first(&nats), split),
        fit_seconds,
        step_microseconds,
    })
}

/// Nets, each between an embedding and a softmax.
struct Nets<'a> {
    settings: &'a BaselineSettings,
    split: &'a Split,
    device: &'a Device,
}

impl Nets<'_> {
    fn row<K: SequenceConfig<Built: Layer>>(
        &self,
        model: String,
        remembers: Remembers,
        layer: K,
    ) -> Result<BaselineRow, TrainError> {
        let (settings, split, device) = (self.settings, self.split, self.device);
        let config = LanguageModelConfig::new(split.units.len(), layer);
        let init = |host: &Device| config.init(host);
        let streams = Streams::new(&split.learn, settings.batch, UNROLL)?;
        let trained = descend(init, settings, device, |step, device| {
            let window = streams.window(step % streams.len());
            let batch = SymbolBatch {
                inputs: window.inputs.to_tensor(device),
                targets: window.targets.to_tensor(device),
            };
            (batch, window.first)
        })?;
        Ok(BaselineRow {
            model,
            remembers,
            parameters: trained.parameters,
            figures: figures(self.nats(&trained.net)?, split),
            fit_seconds: trained.fit_seconds,
            step_microseconds: self.step(&trained.net)?,
        })
    }

    /// The mean on what is held out.
    fn nats<L: Layer>(&self, net: &LanguageModel<L>) -> Result<f64, TrainError> {
        let streams = Streams::at_most(&self.split.held_out, TEST_STREAMS, UNROLL)?;
        let (mut sum, mut state) = (0.0, None);
        for window in streams.windows() {
            let inputs = window.inputs.to_tensor(self.device);
            let targets = window.targets.to_tensor(self.device);
            let loss = net.loss(inputs, targets, state.take())?;
            sum += f64::from(loss.nats.sum().into_scalar::<f32>());
            state = Some(loss.state);
        }
        Ok(sum / streams.predicted() as f64)
    }

    fn step<L: Layer>(&self, net: &LanguageModel<L>) -> Result<f64, TrainError> {
        let held_out = &self.split.held_out;
        let mut state = None;
        step_microseconds(TIMED.min(held_out.len()), |step| {
            let symbol = TensorData::new(vec![held_out[step] as i32], [1, 1]);
            let symbol = Tensor::<2, Int>::from_data(symbol, self.device);
            let run = net.forward(symbol, state.take())?;
            run.outputs.into_data();
            state = Some(run.state);
            Ok(())
        })
    }
}
