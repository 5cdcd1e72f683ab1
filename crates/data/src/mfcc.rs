//! What sound is like every few milliseconds: mel-frequency cepstral coefficients.
//!
//! ```text
//! y_n = x_n - a x_{n-1}                                                  pre-emphasis
//! frames of N samples each S samples, times w_n = 0.54 - 0.46 cos(2 pi n / (N - 1))   Hamming
//! P_k = |sum_n w_n y_n e^{-2 pi i k n / K}|^2 / K                        K: 2^j, at least N
//! mel(f) = 2595 log10(1 + f / 700)
//! E_m = ln sum_k H_m(k) P_k                    M triangles, their corners evenly spaced in mel
//! c_i = s_i sum_m E_m cos(pi i (m + 1/2) / M)  DCT-II; s_0 = sqrt(1 / M), else s_i = sqrt(2 / M)
//! d_t = sum_{j = 1, 2} j (c_{t+j} - c_{t-j}) / 10                        deltas; the ends stay on
//! ```
//!
//! Davis and Mermelstein 1980, "Comparison of parametric representations for monosyllabic word
//! recognition in continuously spoken sentences"; deltas as HTK has them.

use std::f64::consts::{PI, TAU};

use crate::DataError;
use crate::fourier::Fourier;

mod config;

pub use config::MfccConfig;

/// Silence has no logarithm: the least power of a filter.
const LEAST: f64 = 1e-10;

/// Sound of one sample rate to vectors.
#[derive(Debug, Clone)]
pub struct Mfcc {
    pre_emphasis: f64,
    step: usize,
    /// `w_n`.
    window: Vec<f64>,
    fourier: Fourier,
    /// `H_m(k)`, filter after filter.
    filters: Vec<Vec<f64>>,
    /// `s_i cos(..)`, coefficient after coefficient.
    cosines: Vec<Vec<f64>>,
    deltas: usize,
}

impl Mfcc {
    fn new(config: &MfccConfig, rate: u32) -> Result<Self, DataError> {
        config.check(rate)?;
        let samples =
            |milliseconds: f64| (milliseconds * f64::from(rate) / 1000.0).round() as usize;
        let frame = samples(config.frame_ms);
        let angle = |n: usize| TAU * n as f64 / (frame - 1) as f64;
        let fourier = Fourier::of_at_least(frame);
        let high = config.high_hz.unwrap_or(f64::from(rate) / 2.0);
        let filters = filters(config.filters, [config.low_hz, high], &fourier, rate);
        if let Some(empty) = filters
            .iter()
            .position(|filter| filter.iter().all(|&h| h == 0.0))
        {
            return Err(DataError::Invalid {
                what: "the filters",
                expected: format!("so few that each of {} frequencies", fourier.size() / 2)
                    + " can tell them apart",
                found: format!("{}, of which number {empty} has none", config.filters),
            });
        }
        Ok(Self {
            pre_emphasis: config.pre_emphasis,
            step: samples(config.step_ms),
            window: (0..frame).map(|n| 0.54 - 0.46 * angle(n).cos()).collect(),
            fourier,
            filters,
            cosines: cosines(config.coefficients, config.filters),
            deltas: config.deltas,
        })
    }

    /// The size of a vector.
    pub fn features(&self) -> usize {
        self.cosines.len() * (1 + self.deltas)
    }

    /// The frames of so many samples: all samples are in one; the last may end in silence.
    pub fn frames(&self, samples: usize) -> usize {
        match samples {
            0 => 0,
            _ => {
                1 + samples
                    .saturating_sub(self.window.len())
                    .div_ceil(self.step)
            }
        }
    }

    /// The vectors of some sound, one after the other: `c`, then its deltas, then theirs.
    pub fn of(&self, samples: &[f32]) -> Vec<f32> {
        let before = std::iter::once(0.0).chain(samples.iter().copied());
        let emphasized = samples.iter().zip(before);
        let emphasized: Vec<f64> = emphasized
            .map(|(&x, before)| f64::from(x) - self.pre_emphasis * f64::from(before))
            .collect();
        let frames = 0..self.frames(samples.len());
        let static_part: Vec<Vec<f64>> = frames
            .map(|frame| self.coefficients(&emphasized[frame * self.step..]))
            .collect();
        let mut parts = vec![static_part];
        for order in 0..self.deltas {
            parts.push(deltas(&parts[order]));
        }
        let frames = 0..parts[0].len();
        let vector = |frame: usize| parts.iter().flat_map(move |part| part[frame].iter());
        frames.flat_map(vector).map(|&value| value as f32).collect()
    }

    /// `c` of the frame that begins here.
    fn coefficients(&self, sound: &[f64]) -> Vec<f64> {
        let windowed: Vec<f64> = sound.iter().zip(&self.window).map(|(y, w)| y * w).collect();
        let power = self.fourier.power(&windowed);
        let energies: Vec<f64> = self
            .filters
            .iter()
            .map(|filter| dot(filter, &power).max(LEAST).ln())
            .collect();
        self.cosines.iter().map(|row| dot(row, &energies)).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn mel(hertz: f64) -> f64 {
    2595.0 * (1.0 + hertz / 700.0).log10()
}

fn hertz(mel: f64) -> f64 {
    700.0 * (10_f64.powf(mel / 2595.0) - 1.0)
}

/// `H_m(k)`: up from one corner to the next and down to the one after it, straight in hertz.
fn filters(count: usize, [low, high]: [f64; 2], fourier: &Fourier, rate: u32) -> Vec<Vec<f64>> {
    let (low, high) = (mel(low), mel(high));
    let step = (high - low) / (count + 1) as f64;
    let corner = |at: usize| hertz(low + step * at as f64);
    let filter = |m: usize| {
        let [left, top, right] = [corner(m), corner(m + 1), corner(m + 2)];
        let height = |k: usize| {
            let at = k as f64 * f64::from(rate) / fourier.size() as f64;
            let (up, down) = ((at - left) / (top - left), (right - at) / (right - top));
            up.min(down).max(0.0)
        };
        (0..=fourier.size() / 2).map(height).collect()
    };
    (0..count).map(filter).collect()
}

fn cosines(coefficients: usize, filters: usize) -> Vec<Vec<f64>> {
    let row = |i: usize| {
        let scale = (if i == 0 { 1.0 } else { 2.0 } / filters as f64).sqrt();
        let cosine = |m: usize| (PI * i as f64 * (m as f64 + 0.5) / filters as f64).cos();
        (0..filters).map(|m| scale * cosine(m)).collect()
    };
    (0..coefficients).map(row).collect()
}

/// `d` of each frame.
fn deltas(frames: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let last = frames.len().saturating_sub(1);
    let change = |t: usize, i: usize| {
        let by = |j: usize| frames[(t + j).min(last)][i] - frames[t.saturating_sub(j)][i];
        (by(1) + 2.0 * by(2)) / 10.0
    };
    let of = |t: usize| (0..frames[t].len()).map(|i| change(t, i)).collect();
    (0..frames.len()).map(of).collect()
}
