//! The problems, a sequence at a time.
//!
//! ```text
//! adding           (x_t, m_t), x_t in [0, 1), m_t = 1 at one step of each half: the sum of those x
//! copy             10 symbols of 8, T - 1 blanks, a mark, 10 blanks: the 10 symbols at the end, a blank before
//! temporal order   of T symbols two are A or B, the rest mean nothing: AA, AB, BA or BB
//! parity           T bits: whether the number of ones is odd
//! nested           brackets of two kinds, all closed by one symbol: which kind each of these closes
//! ```
//!
//! Adding and temporal order are of Hochreiter and Schmidhuber 1997, "Long short-term memory". Adding and
//! copy are those of Arjovsky, Shah and Bengio 2016, arXiv 1511.06464, and of Bai, Kolter and Koltun 2018,
//! arXiv 1803.01271, on whose lengths they go.

use clap::ValueEnum;
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::names;

/// A problem whose answers depend on what was seen long before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The sum of two marked numbers of many
    Adding,
    /// Ten symbols, to be repeated after a delay
    Copy,
    /// Which two symbols came, and in which order
    TemporalOrder,
    /// Whether the number of ones is odd
    Parity,
    /// Which kind of bracket is closed
    Nested,
}

/// One sequence and its answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `[steps, features]`.
    pub inputs: Vec<f32>,
    /// The steps that have an answer, from 0, and the answers: numbers, or classes.
    pub answers: Vec<(usize, f32)>,
}

/// Symbols to be copied, how many kinds of them there are, and the input's symbols in all: with the blank
/// (0) and the mark (9).
const COPIED: usize = 10;
const KINDS: usize = 8;
const COPY_SYMBOLS: usize = KINDS + 2;
/// A, B, c, d, e, f.
const ORDER_SYMBOLS: usize = 6;
const BRACKETS: usize = 2;

impl Problem {
    /// As it is asked for.
    pub fn name(self) -> String {
        names::typed(&self)
    }

    /// The shortest length it makes sense at.
    pub fn shortest(self) -> usize {
        match self {
            Self::Adding | Self::Nested => 2,
            Self::Copy | Self::Parity => 1,
            // Where the two places differ.
            Self::TemporalOrder => 10,
        }
    }

    /// Steps of a sequence of this length, `T`.
    pub fn steps(self, length: usize) -> usize {
        match self {
            Self::Copy => length + 2 * COPIED,
            // What is opened is closed.
            Self::Nested => length / 2 * 2,
            _ => length,
        }
    }

    /// Features of a step.
    pub fn features(self) -> usize {
        match self {
            Self::Adding => 2,
            Self::Copy => COPY_SYMBOLS,
            Self::TemporalOrder => ORDER_SYMBOLS,
            Self::Parity => 2,
            Self::Nested => BRACKETS + 1,
        }
    }

    /// Classes of an answer; `None` where it is a number.
    pub fn classes(self) -> Option<usize> {
        match self {
            Self::Adding => None,
            Self::Copy => Some(KINDS + 1),
            Self::TemporalOrder => Some(4),
            Self::Parity => Some(2),
            Self::Nested => Some(BRACKETS),
        }
    }

    /// What is measured: the mean squared error of numbers, the cross-entropy of copies (in nats, over
    /// all steps), the part of the other answers that is wrong.
    pub fn figure(self) -> &'static str {
        match self {
            Self::Adding => "mean squared error",
            Self::Copy => "cross-entropy",
            _ => "part wrong",
        }
    }

    /// What is reached without memory: by the mean, 1; by chance where something is to be told.
    pub fn blind(self, length: usize) -> f64 {
        match self {
            // Two uniform numbers, each of variance 1/12.
            Self::Adding => 1.0 / 6.0,
            Self::Copy => COPIED as f64 * (KINDS as f64).ln() / self.steps(length) as f64,
            Self::TemporalOrder => 0.75,
            Self::Parity => 0.5,
            Self::Nested => 1.0 - 1.0 / BRACKETS as f64,
        }
    }

    /// Below which it counts as solved: 0.01, of copies a tenth of [`blind`](Self::blind).
    pub fn bound(self, length: usize) -> f64 {
        match self {
            Self::Copy => self.blind(length) / 10.0,
            _ => 0.01,
        }
    }

    /// A new sequence.
    pub fn draw(self, length: usize, random: &mut StdRng) -> Sample {
        match self {
            Self::Adding => adding(length, random),
            Self::Copy => copy(length, random),
            Self::TemporalOrder => temporal_order(length, random),
            Self::Parity => parity(length, random),
            Self::Nested => nested(self.steps(length), random),
        }
    }
}

/// Vectors that are 1 at the symbol.
fn one_hot(symbols: &[usize], kinds: usize) -> Vec<f32> {
    let mut inputs = vec![0.0; symbols.len() * kinds];
    for (vector, symbol) in inputs.chunks_exact_mut(kinds).zip(symbols) {
        vector[*symbol] = 1.0;
    }
    inputs
}

fn adding(length: usize, random: &mut StdRng) -> Sample {
    let marked = [
        random.random_range(0..length / 2),
        random.random_range(length / 2..length),
    ];
    let mut inputs = Vec::with_capacity(2 * length);
    let mut sum = 0.0;
    for step in 0..length {
        let number: f32 = random.random();
        let is_marked = marked.contains(&step);
        if is_marked {
            sum += number;
        }
        inputs.extend([number, f32::from(u8::from(is_marked))]);
    }
    Sample {
        inputs,
        answers: vec![(length - 1, sum)],
    }
}

fn copy(length: usize, random: &mut StdRng) -> Sample {
    let copied: Vec<usize> = (0..COPIED)
        .map(|_| random.random_range(1..=KINDS))
        .collect();
    let mut symbols = copied.clone();
    symbols.resize(COPIED + length - 1, 0);
    symbols.push(KINDS + 1);
    symbols.resize(length + 2 * COPIED, 0);
    let blanks = (0..length + COPIED).map(|step| (step, 0.0));
    let told = copied.iter().enumerate();
    let told = told.map(|(at, symbol)| (length + COPIED + at, *symbol as f32));
    Sample {
        inputs: one_hot(&symbols, COPY_SYMBOLS),
        answers: blanks.chain(told).collect(),
    }
}

fn temporal_order(length: usize, random: &mut StdRng) -> Sample {
    let mut symbols: Vec<usize> = (0..length)
        .map(|_| random.random_range(2..ORDER_SYMBOLS))
        .collect();
    let (first, second) = (random.random_range(0..2), random.random_range(0..2));
    symbols[random.random_range(length / 10..=length * 2 / 10)] = first;
    symbols[random.random_range(length * 4 / 10..=length * 5 / 10)] = second;
    Sample {
        inputs: one_hot(&symbols, ORDER_SYMBOLS),
        answers: vec![(length - 1, (2 * first + second) as f32)],
    }
}

fn parity(length: usize, random: &mut StdRng) -> Sample {
    let bits: Vec<usize> = (0..length).map(|_| random.random_range(0..2)).collect();
    let ones: usize = bits.iter().sum();
    Sample {
        inputs: one_hot(&bits, 2),
        answers: vec![(length - 1, (ones % 2) as f32)],
    }
}

/// A walk that opens and closes with equal chances where it may do either.
fn nested(steps: usize, random: &mut StdRng) -> Sample {
    let (mut symbols, mut answers, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..steps {
        let must_close = open.len() == steps - step;
        let closes = must_close || !open.is_empty() && random.random_bool(0.5);
        match closes.then(|| open.pop()).flatten() {
            Some(kind) => {
                symbols.push(BRACKETS);
                answers.push((step, kind as f32));
            }
            None => {
                let kind = random.random_range(0..BRACKETS);
                open.push(kind);
                symbols.push(kind);
            }
        }
    }
    Sample {
        inputs: one_hot(&symbols, BRACKETS + 1),
        answers,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn symbols(sample: &Sample, kinds: usize) -> Vec<usize> {
        let vectors = sample.inputs.chunks(kinds);
        let symbol = |vector: &[f32]| {
            assert_eq!(vector.iter().sum::<f32>(), 1.0);
            vector.iter().position(|x| *x == 1.0).unwrap()
        };
        vectors.map(symbol).collect()
    }

    fn samples(problem: Problem, length: usize) -> Vec<Sample> {
        let mut random = StdRng::seed_from_u64(7);
        let samples = (0..200).map(|_| problem.draw(length, &mut random));
        let samples: Vec<Sample> = samples.collect();
        for sample in &samples {
            let numbers = problem.steps(length) * problem.features();
            assert_eq!(sample.inputs.len(), numbers, "{problem:?} {length}");
        }
        samples
    }

    #[test]
    fn two_numbers_are_marked_and_their_sum_is_told() {
        for length in [2, 3, 50] {
            let mut sums = Vec::new();
            for sample in samples(Problem::Adding, length) {
                let steps: Vec<&[f32]> = sample.inputs.chunks(2).collect();
                let marked: Vec<usize> = (0..length).filter(|t| steps[*t][1] == 1.0).collect();
                assert!(marked[0] < length / 2 && marked[1] >= length / 2 && marked.len() == 2);
                let sum = steps[marked[0]][0] + steps[marked[1]][0];
                assert_eq!(sample.answers, [(length - 1, sum)]);
                sums.push(f64::from(sum));
            }
            // Its spread is what one is left with who does not look: 1/6.
            let squares = sums.iter().map(|sum| (sum - 1.0).powi(2)).sum::<f64>();
            let blind = squares / sums.len() as f64;
            assert!(
                (blind - Problem::Adding.blind(length)).abs() < 0.04,
                "{blind}"
            );
        }
    }

    #[test]
    fn symbols_come_again_after_the_mark() {
        for length in [1, 2, 30] {
            for sample in samples(Problem::Copy, length) {
                let symbols = symbols(&sample, 10);
                let mark = length + 9;
                assert_eq!(symbols[mark], 9);
                assert!(symbols[..10].iter().all(|s| (1..9).contains(s)) || length == 0);
                assert!(symbols[10..mark].iter().all(|s| *s == 0));
                assert!(symbols[mark + 1..].iter().all(|s| *s == 0));
                for (at, (step, answer)) in sample.answers.iter().enumerate() {
                    assert_eq!(*step, at);
                    let expected = match at > mark {
                        true => symbols[at - mark - 1],
                        false => 0,
                    };
                    assert_eq!(*answer, expected as f32);
                }
                assert_eq!(sample.answers.len(), length + 20);
            }
        }
    }

    #[test]
    fn order_and_number_are_told_at_the_end() {
        for length in [10, 25] {
            for sample in samples(Problem::TemporalOrder, length) {
                let symbols = symbols(&sample, 6);
                let told: Vec<usize> = symbols.into_iter().filter(|symbol| *symbol < 2).collect();
                assert_eq!(told.len(), 2);
                let class = (2 * told[0] + told[1]) as f32;
                assert_eq!(sample.answers, [(length - 1, class)]);
            }
        }
        for sample in samples(Problem::Parity, 9) {
            let ones: usize = symbols(&sample, 2).iter().sum();
            assert_eq!(sample.answers, [(8, (ones % 2) as f32)]);
        }
    }

    #[test]
    fn each_bracket_closes_the_last_that_is_open() {
        for length in [2, 7, 40] {
            for sample in samples(Problem::Nested, length) {
                let symbols = symbols(&sample, 3);
                let mut answers = sample.answers.iter();
                // Independently of a stack: what was opened last at the depth that is left.
                let mut opened_at = vec![0; length + 1];
                let mut depth = 0;
                for (step, symbol) in symbols.into_iter().enumerate() {
                    if symbol < 2 {
                        depth += 1;
                        opened_at[depth] = symbol;
                    } else {
                        assert_eq!(answers.next(), Some(&(step, opened_at[depth] as f32)));
                        depth -= 1;
                    }
                }
                assert_eq!((depth, answers.next()), (0, None));
            }
        }
    }
}
