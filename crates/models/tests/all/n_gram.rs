//! N-grams against a worked example, and against the textbook's recursion over maps of strings.

use std::collections::{HashMap, HashSet};

use backdraft_models::baselines::{Discounting, NGram, NGramConfig, NGramState};
use backdraft_models::{BeamSearch, Sampling};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

mod arpa;

fn probability(model: &NGram, context: &[u32], symbol: u32) -> f64 {
    let mut state = Default::default();
    model.read(&mut state, context).unwrap();
    model.probability(&state, symbol).unwrap()
}

fn assert_close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-12,
        "{found} against {expected}"
    );
}

#[test]
fn bigrams_of_a_worked_example() {
    // a b a b a c, of an alphabet a b c d.
    let config = NGramConfig::new(4, 2).with_discounting(Discounting::Single);
    let [a, b, c, d] = [0, 1, 2, 3];
    let text = [[a, b, a, b, a, c]];
    let model = config.clone().with_begin(false).fit(&text).unwrap();

    // Alone: a follows b and what is before the text, b and c follow a. Counts 2, 1, 1:
    // D = 2 / (2 + 2 1) = 1/2, and 3 of them are kept for what is even: g = 3 (1/2) / 4 = 3/8.
    let even = 3.0 / 8.0 / 4.0;
    let alone = [1.5 / 4.0 + even, 0.5 / 4.0 + even, 0.5 / 4.0 + even, even];
    for (symbol, expected) in (0..).zip(alone) {
        assert_close(probability(&model, &[], symbol), expected);
        // Nothing was seen after c or d.
        assert_close(probability(&model, &[c], symbol), expected);
        assert_close(probability(&model, &[b, d], symbol), expected);
    }
    // Bigrams: ab 2, ba 2, ac 1, so D = 1 / (1 + 2 2) = 1/5.
    let after_a = |count: f64, p: f64| count / 3.0 + 2.0 * 0.2 / 3.0 * p;
    assert_close(probability(&model, &[a], a), after_a(0.0, alone[0]));
    assert_close(probability(&model, &[a], b), after_a(1.8, alone[1]));
    assert_close(probability(&model, &[a], c), after_a(0.8, alone[2]));
    assert_close(probability(&model, &[c, a], d), after_a(0.0, alone[3]));
    assert_close(probability(&model, &[b], a), 0.9 + 0.1 * alone[0]);
    assert_eq!(model.grams(), [3, 3]);
    assert_eq!(model.parameters(), 6);
    assert_eq!(model.discounts(), [[0.5; 3], [0.2; 3]]);

    // The text begins, which is a fourth bigram, ^a 1: D = 2 / (2 + 2 2) = 1/3.
    let model = config.fit(&text).unwrap();
    assert_eq!(model.grams(), [3, 4]);
    let third = 1.0 / 3.0;
    let nats = model.nats(&[a, d]).unwrap();
    assert_close((-nats[0]).exp(), 2.0 * third + third * alone[0]);
    assert_close((-nats[1]).exp(), 2.0 * third / 3.0 * alone[3]);
    // Amid a text, nothing is known of what was before.
    assert_close(probability(&model, &[], a), alone[0]);
}

/// A sequence's beginning, and its symbols.
type Gram = Vec<Option<u32>>;

/// The equations as they stand, each sum a walk over all that is summed.
struct Textbook {
    config: NGramConfig,
    /// How often each n-gram occurs, of 1 to n + 1 symbols; a beginning is one at the first place.
    occurs: HashMap<Gram, f64>,
}

impl Textbook {
    fn new(config: &NGramConfig, sequences: &[Vec<u32>]) -> Self {
        let mut occurs = HashMap::new();
        for sequence in sequences {
            let mut padded = vec![None];
            padded.extend(sequence.iter().copied().map(Some));
            for end in 2..=padded.len() {
                for length in 1..=(config.order + 1).min(end) {
                    *occurs
                        .entry(padded[end - length..end].to_vec())
                        .or_insert(0.0) += 1.0;
                }
            }
        }
        Self {
            config: config.clone(),
            occurs,
        }
    }

    fn count(&self, gram: &[Option<u32>]) -> f64 {
        if gram.len() == self.config.order || gram[0].is_none() {
            return self.occurs.get(gram).copied().unwrap_or(0.0);
        }
        let mut before = HashSet::new();
        for seen in self.occurs.keys() {
            if seen.len() == gram.len() + 1 && seen[1..] == *gram {
                before.insert(seen[0]);
            }
        }
        before.len() as f64
    }

    fn discount(&self, length: usize, count: f64) -> f64 {
        let grams = self.occurs.keys().filter(|gram| {
            gram.len() == length && (self.config.begin || gram.iter().all(Option::is_some))
        });
        let counts: Vec<f64> = grams.map(|gram| self.count(gram)).collect();
        let n = |j: usize| counts.iter().filter(|count| **count == j as f64).count() as f64;
        let y = n(1) / (n(1) + 2.0 * n(2));
        let j = count.min(3.0) as usize;
        if self.config.discounting == Discounting::Single {
            return if n(1) * n(2) > 0.0 { y } else { 0.75 };
        }
        let d = |j: usize| j as f64 - (j + 1) as f64 * y * n(j + 1) / n(j);
        if n(1) * n(2) * n(3) * n(4) == 0.0 || d(1) <= 0.0 || d(2) <= 0.0 || d(3) <= 0.0 {
            return [0.0, 0.5, 1.0, 1.5][j];
        }
        d(j)
    }

    /// The probability of a symbol after a context of less than n symbols.
    fn p(&self, context: &[Option<u32>], symbol: u32) -> f64 {
        let lower = match context {
            [] => 1.0 / self.config.vocabulary_size as f64,
            context => self.p(&context[1..], symbol),
        };
        if !self.config.begin && context.contains(&None) {
            return lower;
        }
        let gram = |w: u32| [context, &[Some(w)]].concat();
        let all = 0..self.config.vocabulary_size as u32;
        let counts: Vec<f64> = all.map(|w| self.count(&gram(w))).collect();
        let total: f64 = counts.iter().sum();
        if total == 0.0 {
            return lower;
        }
        let length = context.len() + 1;
        let seen = counts.iter().filter(|count| **count > 0.0);
        let left: f64 = seen.map(|count| self.discount(length, *count)).sum();
        let share = match counts[symbol as usize] {
            0.0 => 0.0,
            count => count - self.discount(length, count),
        };
        (share + left * lower) / total
    }

    fn nats(&self, sequence: &[u32]) -> Vec<f64> {
        let mut padded = vec![None];
        let mut nats = Vec::new();
        for symbol in sequence {
            let from = padded.len().saturating_sub(self.config.order - 1);
            nats.push(-self.p(&padded[from..], *symbol).ln());
            padded.push(Some(*symbol));
        }
        nats
    }
}

#[test]
fn random_texts_are_told_as_the_textbook_tells_them() {
    let mut random = StdRng::seed_from_u64(5);
    let mut modified = 0;
    for round in 0..60 {
        let symbols = random.random_range(1..7);
        let order = random.random_range(1..6);
        let begin = random.random();
        let discounting = match random.random() {
            true => Discounting::Single,
            false => Discounting::Modified,
        };
        let config = NGramConfig::new(symbols, order)
            .with_begin(begin)
            .with_discounting(discounting);
        // Small symbols are frequent, as words are.
        let mut text = |length: usize| -> Vec<u32> {
            let draw = |_| {
                let below = random.random_range(1..=symbols as u32);
                random.random_range(0..below)
            };
            (0..length).map(draw).collect()
        };
        let sequences = match round % 3 {
            0 => vec![text(60)],
            1 => vec![text(1), text(0), text(25), text(2)],
            _ => (0..10).map(|length| text(length / 2 + 1)).collect(),
        };
        let held_out = text(20);

        let model = config.fit(&sequences).unwrap();
        let textbook = Textbook::new(&config, &sequences);
        let nats = model.nats(&held_out).unwrap();
        for (found, expected) in nats.iter().zip(textbook.nats(&held_out)) {
            assert!(
                (found - expected).abs() < 1e-12,
                "{config:?}, {sequences:?}: {found} against {expected}"
            );
        }
        let stored =
            |gram: &&Gram| gram.len() <= order && (begin || gram.iter().all(Option::is_some));
        let grams = textbook.occurs.keys().filter(stored).count();
        assert_eq!(model.parameters(), grams);
        let constant = [0.5, 1.0, 1.5];
        let of_counts = model.discounts().iter().any(|d| *d != constant);
        modified += usize::from(discounting == Discounting::Modified && of_counts);
    }
    // Not only what is used where counts of counts are 0.
    assert!(modified > 5, "{modified}");
}

#[test]
fn probabilities_of_all_symbols_sum_to_1() {
    let mut random = StdRng::seed_from_u64(6);
    let text: Vec<u32> = (0..3000)
        .map(|_| random.random_range(0_u32..40).min(30))
        .collect();
    for order in 1..9 {
        for discounting in [Discounting::Single, Discounting::Modified] {
            let config = NGramConfig::new(50, order).with_discounting(discounting);
            let model = config.fit(&[&text[..2000], &text[2000..]]).unwrap();
            let mut state = model.initial_state();
            for symbol in text[..60].iter().chain(&[49, 48, 3]) {
                let p = model.distribution(&state);
                assert_close(p.iter().sum(), 1.0);
                assert!(p.iter().all(|p| *p > 0.0));
                for symbol in [0, 7, *symbol, 49] {
                    let one = model.probability(&state, symbol).unwrap();
                    assert_close(p[symbol as usize], one);
                }
                model.read(&mut state, &[*symbol]).unwrap();
            }
        }
    }
}

#[test]
fn a_context_that_was_not_seen_is_as_a_shorter_one() {
    let text = [[1, 2, 3, 1, 2, 4, 1, 3, 3]];
    let model = NGramConfig::new(7, 4).fit(&text).unwrap();
    for symbol in 0..7 {
        let shorter = probability(&model, &[1, 2], symbol);
        assert_close(probability(&model, &[5, 1, 2], symbol), shorter);
        // Symbols that are older than the last three do not matter.
        let whole = probability(&model, &[3, 1, 2], symbol);
        assert_close(probability(&model, &[6, 6, 3, 1, 2], symbol), whole);
        let nothing = probability(&model, &[], symbol);
        assert_close(probability(&model, &[1, 2, 6], symbol), nothing);
    }
}

/// A source whose symbol depends on the last three.
struct Source {
    random: StdRng,
    p: HashMap<Vec<u32>, Vec<f64>>,
}

impl Source {
    const SYMBOLS: usize = 4;

    /// Symbols, and `-ln p` of each.
    fn draw(&mut self, length: usize) -> (Vec<u32>, f64) {
        let (mut text, mut nats) = (vec![0, 0, 0], 0.0);
        for _ in 0..length {
            let context = text[text.len() - 3..].to_vec();
            let p = self.p.entry(context).or_insert_with(|| {
                let weights = [(); Self::SYMBOLS].map(|()| self.random.random::<f64>().powi(3));
                let total: f64 = weights.iter().sum();
                weights.iter().map(|weight| weight / total).collect()
            });
            let mut left: f64 = self.random.random();
            let drawn = p.iter().position(|p| {
                left -= p;
                left < 0.0
            });
            let symbol = drawn.unwrap_or(Self::SYMBOLS - 1);
            nats -= p[symbol].ln();
            text.push(symbol as u32);
        }
        (text[3..].to_vec(), nats / length as f64)
    }
}

#[test]
fn what_a_markov_source_says_is_foreseen_as_well_as_it_can_be() {
    let random = StdRng::seed_from_u64(7);
    let mut source = Source {
        random,
        p: HashMap::new(),
    };
    let (training, _) = source.draw(60_000);
    let (held_out, entropy) = source.draw(20_000);
    let config = NGramConfig::new(Source::SYMBOLS, 1);
    let (model, nats) = config.choose(1..=6, &[&training], &[], &held_out).unwrap();
    let nats: Vec<f64> = nats.iter().map(|(_, nats)| *nats).collect();
    assert!(
        nats[..4].windows(2).all(|pair| pair[1] < pair[0] - 0.01),
        "{nats:?}"
    );
    // The source needs 64 distributions of 4; a symbol of 60,000 costs about 192 / 2 / 60,000.
    assert!(
        (nats[3] - entropy).abs() < 0.005,
        "{nats:?} against {entropy}"
    );
    assert!(nats[4] > nats[3]);
    assert_eq!(model.config().order, 4);

    // What it writes is as good as what it read, to the source.
    let sampling = Sampling::new();
    let written: Vec<u32> = model.generator(sampling, 3).unwrap().take(20_000).collect();
    let mean = |nats: Vec<f64>| nats.iter().sum::<f64>() / nats.len() as f64;
    let own = mean(model.nats(&written).unwrap());
    assert!((own - entropy).abs() < 0.03, "{own} against {entropy}");
}

#[test]
fn a_text_in_parts_is_the_text() {
    let mut random = StdRng::seed_from_u64(8);
    let text: Vec<u32> = (0..500).map(|_| random.random_range(0..5)).collect();
    let model = NGramConfig::new(5, 5).fit(&[&text]).unwrap();
    let whole = model.nats(&text).unwrap();
    let mut state = model.initial_state();
    let mut parts = Vec::new();
    for part in [&text[..1], &text[1..1], &text[1..4], &text[4..]] {
        parts.extend(model.nats_from(&mut state, part).unwrap());
    }
    assert_eq!(parts, whole);
    // A history that is long enough is as good as the whole one.
    let mut state = Default::default();
    model.read(&mut state, &text[96..100]).unwrap();
    assert_eq!(
        model.nats_from(&mut state, &text[100..]).unwrap(),
        whole[100..]
    );
}

#[test]
fn a_seed_and_a_prompt_write_one_text() {
    let text: Vec<u32> = (0..400).map(|at| at * at % 7).collect();
    let model = NGramConfig::new(8, 4).fit(&[text]).unwrap();
    let write = |sampling: Sampling, seed, prompt: &[u32]| {
        let mut writer = model.generator(sampling, seed).unwrap();
        writer.read(prompt).unwrap();
        writer.take(30).collect::<Vec<u32>>()
    };
    let one = write(Sampling::new(), 1, &[4, 2]);
    assert_eq!(one, write(Sampling::new(), 1, &[4, 2]));
    assert_ne!(one, write(Sampling::new(), 2, &[4, 2]));
    // The squares modulo 7 are 0 1 4 2 2 4 1, again and again.
    let likeliest = Sampling::new().with_temperature(0.0);
    assert_eq!(write(likeliest, 1, &[0, 1, 4])[..5], [2, 2, 4, 1, 0]);
    let without = Sampling::new()
        .with_temperature(5.0)
        .with_excluded(vec![2, 7]);
    let written = write(without, 1, &[]);
    assert!(written.iter().all(|symbol| *symbol < 7 && *symbol != 2));
    let none = Sampling::new().with_excluded((0..8).collect());
    assert!(model.generator(none, 1).is_err());
}

/// Lines that end with 0 are the same, whether they are cut before or not.
#[test]
fn a_sequence_ends_with_its_end() {
    let mut random = StdRng::seed_from_u64(3);
    let text: Vec<u32> = (0..300).map(|_| random.random_range(0..5)).collect();
    let lines: Vec<&[u32]> = text.split_inclusive(|symbol| *symbol == 0).collect();
    let config = NGramConfig::new(5, 3);
    let (apart, whole) = (
        config.fit(&lines).unwrap(),
        config.clone().with_end(0).fit(&[&text]).unwrap(),
    );
    assert_eq!(apart.grams(), whole.grams());
    let by_line: Vec<f64> = lines
        .iter()
        .flat_map(|line| apart.nats(line).unwrap())
        .collect();
    assert_eq!(whole.nats(&text).unwrap(), by_line);
    let mut state = whole.initial_state();
    whole.read(&mut state, &[3, 1, 0]).unwrap();
    assert_eq!(state, whole.initial_state());
    // Without a beginning, nothing is known after an end.
    let bare = config.with_end(0).with_begin(false).fit(&[&text]).unwrap();
    bare.read(&mut state, &[3, 0]).unwrap();
    assert_eq!(state, Default::default());
    assert!(NGramConfig::new(5, 3).with_end(5).fit(&[&text]).is_err());
}

/// Every way to go on for as long, the likeliest first.
fn all_ways(model: &NGram, state: &NGramState, length: usize) -> Vec<(Vec<u32>, f64)> {
    let mut ways = vec![(Vec::new(), state.clone(), 0.0)];
    for _ in 0..length {
        let longer = ways.iter().flat_map(|(symbols, state, log_p)| {
            (0..model.vocabulary_size() as u32).map(move |symbol| {
                let (mut symbols, mut state) = (symbols.clone(), state.clone());
                let p = model.probability(&state, symbol).unwrap();
                model.read(&mut state, &[symbol]).unwrap();
                symbols.push(symbol);
                (symbols, state, log_p + p.ln())
            })
        });
        ways = longer.collect();
    }
    ways.sort_by(|(_, _, a), (_, _, b)| b.total_cmp(a));
    let found = ways.into_iter();
    found.map(|(symbols, _, log_p)| (symbols, log_p)).collect()
}

#[test]
fn a_wide_beam_finds_the_likeliest_way_to_go_on() {
    let mut random = StdRng::seed_from_u64(8);
    for order in 1..=4 {
        let text: Vec<u32> = (0..200).map(|_| random.random_range(0..4)).collect();
        let config = NGramConfig::new(4, order).with_end(0);
        let model = config.fit(&[text]).unwrap();
        let mut state = model.initial_state();
        model.read(&mut state, &[2, 3, 1]).unwrap();
        let search = BeamSearch::new(4).with_width(64).with_best(5);
        let found = model.beam(&state, None, &search).unwrap();
        let ways = all_ways(&model, &state, 4);
        assert_eq!(found.len(), 5);
        for (found, (_, best)) in found.iter().zip(&ways) {
            // Of ways that are equally likely, any.
            let (_, own) = ways.iter().find(|way| way.0 == found.symbols).unwrap();
            assert!((found.log_p - own).abs() < 1e-5 && (own - best).abs() < 1e-5);
        }
        // A beam of one takes the likeliest symbol each time.
        let greedy = model.beam(&state, None, &search.clone().with_width(1).with_best(1));
        let likeliest = Sampling::new().with_temperature(0.0);
        let mut writer = model.generator(likeliest, 0).unwrap();
        writer.read(&[2, 3, 1]).unwrap();
        let written: Vec<u32> = writer.take(4).collect();
        assert_eq!(greedy.unwrap()[0].symbols, written);
        let ended = model.beam(&state, Some(0), &search).unwrap();
        assert!(ended.iter().all(|found| !found.symbols.contains(&0)));
        assert!(model.beam(&state, Some(4), &search).is_err());
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let config = NGramConfig::new(3, 2);
    let refused = |config: &NGramConfig, text: &[u32]| config.fit(&[text]).unwrap_err().to_string();
    assert_eq!(
        refused(&config, &[0, 3]),
        "NGram: symbol: expected below 3, the vocabulary size, found 3"
    );
    assert!(refused(&NGramConfig::new(usize::MAX, 2), &[u32::MAX]).contains("vocabulary size"));
    assert!(refused(&config, &[]).contains("symbols: expected at least 1"));
    assert!(refused(&NGramConfig::new(0, 2), &[]).contains("vocabulary size"));
    for order in [0, 65, usize::MAX] {
        let refused = refused(&NGramConfig::new(3, order), &[1]);
        assert!(refused.contains("order: expected 1 to 64"), "{refused}");
    }
    let none: [&[u32]; 0] = [];
    assert!(config.fit(&none).is_err());
    assert!(config.choose([], &[[1]], &[], &[1]).is_err());
    assert!(config.choose([1], &[[1]], &[], &[]).is_err());
    assert!(config.choose([1, 0], &[[1]], &[], &[1]).is_err());

    let model = config.fit(&[[0, 1, 2]]).unwrap();
    let mut state = model.initial_state();
    let before = state.clone();
    assert!(model.nats(&[1, 4]).is_err());
    assert!(model.read(&mut state, &[1, 4]).is_err());
    assert!(model.nats_from(&mut state, &[1, 4]).is_err());
    assert!(model.probability(&state, 3).is_err());
    assert_eq!(state, before);
    assert!(model.nats(&[]).unwrap().is_empty());
}

#[test]
fn symbols_may_be_few_or_far_apart() {
    let model = NGramConfig::new(1, 3).fit(&[[0]]).unwrap();
    assert_close(probability(&model, &[0, 0], 0), 1.0);
    let far = u32::MAX - 1;
    let model = NGramConfig::new(u32::MAX as usize, 64)
        .fit(&[[far, 5, far, 5, far]])
        .unwrap();
    let mut state = model.initial_state();
    model.read(&mut state, &[far, 5, far]).unwrap();
    assert!(model.probability(&state, 5).unwrap() > 0.3);
    assert!(model.probability(&state, 9).unwrap() > 0.0);
}
