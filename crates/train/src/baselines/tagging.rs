//! Models of the tags of words.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

use backdraft_cells::{Layer, SequenceConfig};
use backdraft_data::{BatchSize, Buckets, TaggedSentence, hold_out};
use backdraft_models::baselines::hidden_markov::{CountSmoothing, Hmm};
use backdraft_models::baselines::{TimeDelayConfig, WindowConfig};
use backdraft_models::{Accuracy, Decoder, TaggerConfig};
use burn::tensor::Device;

use super::descent::descend;
use super::{BaselineRow, BaselineSettings, Baselines, Remembers, step_microseconds};
use crate::TaskOptions;
use crate::{ExampleTask, PickedDevice, Recurrence, Tag, TagOptions, TaskSettings, TrainError};

/// What is added to the counts of words of a hidden Markov model: most words have few tags.
const WORD_SMOOTHING: f64 = 0.01;
/// Sentences that are tagged at once.
const TEST_ROWS: usize = 64;
/// Sentences that are timed.
const TIMED: usize = 100;

/// Every model of the tags of words on one file, of which a part drawn at random is held out; `told` hears
/// each as it is there.
///
/// All see words alone: those that are seldom are one unknown word. Nets read by softmax, but for one row;
/// recurrent ones in both directions, with half of the units each.
///
/// # Errors
///
/// When a setting is impossible or the file cannot be used.
pub fn tag_baselines(
    settings: &BaselineSettings,
    options: &TagOptions,
    path: &Path,
    device: &PickedDevice,
    told: &mut dyn FnMut(&BaselineRow),
) -> Result<Baselines, TrainError> {
    settings.check()?;
    options.check(&TagOptions::recurrence())?;
    let options = TagOptions {
        characters: 0,
        ..options.clone()
    };
    let examples = Tag::read(path, &options, None)?.examples;
    let (learn, held_out) = hold_out(examples, settings.valid_fraction, settings.seed)?;
    let asked = TaskSettings::<TagOptions> {
        options,
        ..TaskSettings::default()
    };
    let split = Split {
        tag: Tag::of(&learn, &asked)?,
        learn,
        held_out,
    };
    let mut rows = Vec::new();
    let mut keep = |row: BaselineRow| {
        told(&row);
        rows.push(row);
    };
    keep(most_frequent(&split)?);
    let nets = Nets {
        settings,
        split: &split,
        device: &device.device,
    };
    let (hidden, seen) = (settings.hidden, settings.window);
    let (softmax, crf) = (Decoder::Softmax, Decoder::Crf);
    let window = Remembers::Window;
    let word = WindowConfig::new(hidden, 1).with_hidden([hidden]);
    let words = WindowConfig::new(hidden, seen).with_hidden([hidden]);
    let name = format!("the last {seen} words, a hidden layer");
    keep(nets.row(
        "the word, a hidden layer".to_string(),
        window,
        softmax,
        word.clone(),
    )?);
    keep(nets.row(name, window, softmax, words)?);
    let delays = TimeDelayConfig::new(hidden, hidden, [3, 3]);
    let name = format!("time-delay net, 2 layers, reach {}", delays.reach());
    keep(nets.row(name, window, softmax, delays)?);
    keep(hidden_markov(&split)?);
    let name = "the word, a hidden layer, random field over the tags".to_string();
    keep(nets.row(name, Remembers::State, crf, word)?);
    for &cell in &settings.cells {
        let recurrence = Recurrence {
            cell,
            hidden: hidden.div_ceil(2),
            ..Recurrence::default()
        };
        let config = recurrence.encoder(hidden).with_both(true);
        let name = format!("{}, both directions", cell.name());
        keep(nets.row(name, Remembers::Recurrence, softmax, config)?);
    }
    Ok(Baselines {
        task: "tag",
        data: path.display().to_string(),
        unit: None,
        vocabulary: None,
        device: device.name.clone(),
        learned_from: split.learn.len(),
        held_out: split.held_out.len(),
        settings: settings.clone(),
        figures: vec!["accuracy"],
        rows,
        shown: Vec::new(),
    })
}

/// Sentences as every model learns them.
struct Split {
    tag: Tag,
    learn: Vec<TaggedSentence>,
    held_out: Vec<TaggedSentence>,
}

impl Split {
    /// The part of the words of held-out sentences that is tagged right.
    fn accuracy(&self, found: &[Vec<usize>]) -> BTreeMap<&'static str, f64> {
        let mut accuracy = Accuracy::default();
        for (sentence, found) in self.held_out.iter().zip(found) {
            // A tag that was never learned is right for nobody.
            let right: Vec<usize> = sentence
                .tags
                .iter()
                .map(|tag| self.tag.number(tag).unwrap_or(usize::MAX))
                .collect();
            accuracy.count(&right, found);
        }
        BTreeMap::from([("accuracy", accuracy.accuracy())])
    }

    fn symbols(&self, sentence: &TaggedSentence) -> Vec<u32> {
        self.tag.symbols(sentence)
    }

    fn tags(&self, sentence: &TaggedSentence) -> Vec<usize> {
        let known = sentence.tags.iter().map(|tag| self.tag.number(tag));
        known.map(|tag| tag.expect("it was learned")).collect()
    }
}

/// The time of a word, of sentences one after the other.
fn word_microseconds(
    held_out: &[TaggedSentence],
    mut tag: impl FnMut(&TaggedSentence) -> Result<(), TrainError>,
) -> Result<f64, TrainError> {
    let some = &held_out[..held_out.len().min(TIMED)];
    let words: usize = some.iter().map(|sentence| sentence.words.len()).sum();
    let sentence = step_microseconds(some.len(), |index| tag(&some[index]))?;
    Ok(sentence * some.len() as f64 / words as f64)
}

fn most_frequent(split: &Split) -> Result<BaselineRow, TrainError> {
    let start = Instant::now();
    let (_, tags) = split.tag.sizes();
    let mut counts: HashMap<u32, Vec<usize>> = HashMap::new();
    let mut all = vec![0; tags];
    for sentence in &split.learn {
        for (word, tag) in split
            .symbols(sentence)
            .into_iter()
            .zip(split.tags(sentence))
        {
            counts.entry(word).or_insert_with(|| vec![0; tags])[tag] += 1;
            all[tag] += 1;
        }
    }
    // Of tags that are equally frequent, the first.
    let most = |counts: &[usize]| {
        let best = (0..tags).rev().max_by_key(|tag| counts[*tag]);
        best.unwrap_or(0)
    };
    let best: HashMap<u32, usize> = counts.iter().map(|(word, n)| (*word, most(n))).collect();
    let unknown = most(&all);
    let fit_seconds = start.elapsed().as_secs_f64();
    let tagged = |sentence: &TaggedSentence| -> Vec<usize> {
        let words = split.symbols(sentence).into_iter();
        words
            .map(|word| best.get(&word).copied().unwrap_or(unknown))
            .collect()
    };
    let found: Vec<Vec<usize>> = split.held_out.iter().map(tagged).collect();
    Ok(BaselineRow {
        model: "the most frequent tag of each word".to_string(),
        remembers: Remembers::Window,
        parameters: best.len(),
        figures: split.accuracy(&found),
        fit_seconds,
        step_microseconds: word_microseconds(&split.held_out, |sentence| {
            std::hint::black_box(tagged(sentence));
            Ok(())
        })?,
    })
}

/// Tags are its states, words what they emit.
fn hidden_markov(split: &Split) -> Result<BaselineRow, TrainError> {
    let start = Instant::now();
    let (words, tags) = split.tag.sizes();
    let observed = |sentence: &TaggedSentence| -> Vec<Option<u32>> {
        split.symbols(sentence).into_iter().map(Some).collect()
    };
    let sequences: Vec<(Vec<Option<u32>>, Vec<usize>)> = split
        .learn
        .iter()
        .map(|sentence| (observed(sentence), split.tags(sentence)))
        .collect();
    let smoothing = CountSmoothing {
        symbols: WORD_SMOOTHING,
        ..CountSmoothing::default()
    };
    let model = Hmm::fit_tagged([tags, words], &sequences, smoothing)?;
    let fit_seconds = start.elapsed().as_secs_f64();
    let tagged = |sentence: &TaggedSentence| model.viterbi(&observed(sentence));
    let found = split
        .held_out
        .iter()
        .map(|sentence| Ok(tagged(sentence)?.states));
    let found: Vec<Vec<usize>> = found.collect::<Result<_, TrainError>>()?;
    Ok(BaselineRow {
        model: "hidden Markov model, tags by Viterbi".to_string(),
        remembers: Remembers::State,
        parameters: model.parameters(),
        figures: split.accuracy(&found),
        fit_seconds,
        step_microseconds: word_microseconds(&split.held_out, |sentence| {
            std::hint::black_box(tagged(sentence)?);
            Ok(())
        })?,
    })
}

/// Nets, each between an embedding of words and the scores of tags.
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
        decoder: Decoder,
        layer: K,
    ) -> Result<BaselineRow, TrainError> {
        let (settings, split, device) = (self.settings, self.split, self.device);
        let (words, tags) = split.tag.sizes();
        let config = TaggerConfig::new(words, tags, layer).with_decoder(decoder);
        let init = |host: &Device| config.init(host);
        let lengths = split.learn.iter().map(|sentence| [sentence.words.len()]);
        let rows = BatchSize::Rows(settings.batch);
        let buckets = Buckets::new(lengths.collect(), rows, settings.seed)?;
        let (mut epoch, mut batches) = (0, Vec::new());
        let trained = descend(init, settings, device, |_, device| {
            if batches.is_empty() {
                batches = buckets.batches(epoch);
                batches.reverse();
                epoch += 1;
            }
            let batch: Vec<usize> = batches.pop().expect("an epoch has a batch");
            let sentences: Vec<&TaggedSentence> =
                batch.into_iter().map(|index| &split.learn[index]).collect();
            (split.tag.batch(&sentences, device).0, true)
        })?;
        let tagged = |sentences: &[&TaggedSentence]| -> Result<Vec<Vec<usize>>, TrainError> {
            Ok(trained.net.decode(&split.tag.input(sentences, device))?)
        };
        let all: Vec<&TaggedSentence> = split.held_out.iter().collect();
        let mut found = Vec::new();
        for some in all.chunks(TEST_ROWS) {
            found.extend(tagged(some)?);
        }
        Ok(BaselineRow {
            model,
            remembers,
            parameters: trained.parameters,
            figures: split.accuracy(&found),
            fit_seconds: trained.fit_seconds,
            step_microseconds: word_microseconds(&split.held_out, |sentence| {
                tagged(&[sentence])?;
                Ok(())
            })?,
        })
    }
}
