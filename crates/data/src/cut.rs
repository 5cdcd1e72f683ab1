//! How streams are cut into windows, for truncated backpropagation through time.
//!
//! ```text
//! window i learns from the steps    e_i .. e_{i+1}         k1 of them, or a number that is drawn
//! its gradient goes back to         b_i = max(0, e_i - (k2 - k1))
//! ```
//!
//! With k1 = k2 windows are read once and continue each other. With k1 < k2 each begins k2 - k1
//! steps before what it learns from, so that no error is cut off from what was just before it
//! (Williams and Peng 1990, BPTT(k2; k1)).
//!
//! Lengths that are drawn are those of AWD-LSTM (Merity, Keskar and Socher 2018, arXiv 1708.02182):
//! from N(k, 5), where k is k1, or half of it once in twenty times; at least 5, or k1 if that is
//! less. A long text is then not cut at the same places in each epoch. The lengths of all epochs are
//! the same, in an order that is drawn anew for each.

use std::ops::Range;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::DataError;

const DEVIATION: f64 = 5.0;
const SHORTEST: usize = 5;
const HALVED: f64 = 0.05;

/// How streams are cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    unroll: usize,
    stride: usize,
    seed: Option<u64>,
}

/// One window of a [`Cut`], in steps of the streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The steps that are read; the gradient goes back to the first of them.
    pub read: Range<usize>,
    /// The first step whose loss is trained on.
    pub learn_from: usize,
}

impl Span {
    /// Steps that are learned from.
    pub fn learned(&self) -> usize {
        self.read.end - self.learn_from
    }
}

impl Cut {
    /// Windows of `unroll` steps, one after the other.
    ///
    /// # Errors
    ///
    /// When that is 0.
    pub fn new(unroll: usize) -> Result<Self, DataError> {
        if unroll == 0 {
            return Err(DataError::Invalid {
                what: "the unroll length",
                expected: "at least 1".to_string(),
                found: unroll.to_string(),
            });
        }
        Ok(Self {
            unroll,
            stride: unroll,
            seed: None,
        })
    }

    /// A window every `stride` steps (k1), of which each still goes back `unroll` steps (k2).
    ///
    /// # Errors
    ///
    /// When it is 0 or more than `unroll`: some steps would never be learned from.
    pub fn with_stride(self, stride: usize) -> Result<Self, DataError> {
        if stride == 0 || stride > self.unroll {
            return Err(DataError::Invalid {
                what: "the steps from window to window",
                expected: format!("1 to {}, the unroll length", self.unroll),
                found: stride.to_string(),
            });
        }
        Ok(Self { stride, ..self })
    }

    /// Draws the lengths, from this seed.
    #[must_use]
    pub fn with_drawn_lengths(self, seed: u64) -> Self {
        Self {
            seed: Some(seed),
            ..self
        }
    }

    /// Steps that a window learns from; where lengths are drawn, most of the time about as many.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Whether the lengths are drawn.
    pub fn is_drawn(&self) -> bool {
        self.seed.is_some()
    }

    /// The number of windows over streams of so many steps, in each epoch.
    pub fn len(&self, steps: usize) -> usize {
        match self.seed {
            None => steps.div_ceil(self.stride),
            Some(seed) => self.drawn(steps, seed).len(),
        }
    }

    /// The windows over streams of so many steps, in epoch number `epoch`, from 0.
    pub fn spans(&self, steps: usize, epoch: usize) -> Vec<Span> {
        let lengths = match self.seed {
            None => vec![self.stride; steps.div_ceil(self.stride)],
            Some(seed) => {
                let mut lengths = self.drawn(steps, seed);
                let order = seed ^ (epoch as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                lengths.shuffle(&mut StdRng::seed_from_u64(order));
                lengths
            }
        };
        let before = self.unroll - self.stride;
        let mut learned = 0;
        let span = |length: usize| {
            let (from, to) = (learned, (learned + length).min(steps));
            learned = to;
            Span {
                read: from.saturating_sub(before)..to,
                learn_from: from,
            }
        };
        lengths.into_iter().map(span).collect()
    }

    /// As many lengths as it takes; the last may be short.
    fn drawn(&self, steps: usize, seed: u64) -> Vec<usize> {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut lengths, mut left) = (Vec::new(), steps);
        while left > 0 {
            let length = self.draw(&mut random).min(left);
            lengths.push(length);
            left -= length;
        }
        lengths
    }

    fn draw(&self, random: &mut StdRng) -> usize {
        let halved = random.random::<f64>() < HALVED;
        let mean = self.stride as f64 / if halved { 2.0 } else { 1.0 };
        // Box and Muller's; the first is not 0, whose logarithm is infinite.
        let (first, second) = (1.0 - random.random::<f64>(), random.random::<f64>());
        let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
        let length = (mean + DEVIATION * normal).round().max(0.0) as usize;
        length.max(SHORTEST.min(self.stride))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_windows_continue_each_other() {
        let spans = Cut::new(4).unwrap().spans(10, 3);
        let read: Vec<_> = spans.iter().map(|span| span.read.clone()).collect();
        assert_eq!(read, [0..4, 4..8, 8..10]);
        assert!(spans.iter().all(|span| span.learn_from == span.read.start));
    }

    #[test]
    fn the_gradient_goes_back_further_than_the_window_before() {
        let spans = Cut::new(5).unwrap().with_stride(2).unwrap().spans(9, 0);
        let found: Vec<_> = spans
            .iter()
            .map(|span| (span.read.clone(), span.learn_from))
            .collect();
        let expected = [(0..2, 0), (0..4, 2), (1..6, 4), (3..8, 6), (5..9, 8)];
        assert_eq!(found, expected);
        for stride in [0, 6] {
            assert!(Cut::new(5).unwrap().with_stride(stride).is_err());
        }
    }

    #[test]
    fn drawn_lengths_cover_the_streams_in_each_epoch_and_lie_otherwise() {
        let cut = Cut::new(70).unwrap().with_drawn_lengths(9);
        let epochs: Vec<Vec<Span>> = (0..3).map(|epoch| cut.spans(100_003, epoch)).collect();
        for spans in &epochs {
            assert_eq!(spans.len(), cut.len(100_003));
            assert_eq!(spans.iter().map(Span::learned).sum::<usize>(), 100_003);
            let joined = |pair: &[Span]| pair[0].read.end == pair[1].learn_from;
            assert!(spans.windows(2).all(joined));
        }
        assert_eq!(epochs[0], cut.spans(100_003, 0), "a seed is one order");
        assert_ne!(epochs[0], epochs[1]);
        let lengths: Vec<f64> = epochs[2].iter().map(|span| span.learned() as f64).collect();
        let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
        // 0.95 of 70 and 0.05 of 35.
        assert!((mean - 68.25).abs() < 1.0, "{mean}");
        let halved = lengths.iter().filter(|length| **length < 52.0).count();
        let halved = halved as f64 / lengths.len() as f64;
        assert!((0.03..0.08).contains(&halved), "{halved}");
        assert!(Cut::new(3).unwrap().with_drawn_lengths(1).spans(7, 0).len() <= 3);
    }
}
