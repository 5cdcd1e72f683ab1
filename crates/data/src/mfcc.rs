//! What sound is like every few milliseconds: mel-frequency cepstral coefficients.
//!
//! ```text
//! y_n = x_n - a x_{n-1}                                                  pre-emphasis; x_{-1} = 0
//! frames of N samples each S samples, times the window w_n
//! P_k = |sum_n w_n y_n e^{-2 pi i k n / K}|^2                            divided by K for a periodogram
//! E_m = log sum_k H_m(k) P_k                                             M filters, evenly spaced in mel
//! c_i = l_i s_i sum_m E_m cos(pi i (m + 1/2) / M)                        DCT-II, liftered
//! d_t = sum_{j = 1, 2} j (c_{t+j} - c_{t-j}) / 10                        deltas; the ends stay on
//! ```
//!
//! Each part has a file of its own, with its equations. Davis and Mermelstein 1980, "Comparison of
//! parametric representations for monosyllabic word recognition in continuously spoken sentences".

use crate::DataError;

mod cepstrum;
mod config;
mod deltas;
mod framing;
mod logarithm;
mod mel;
mod spectrum;
mod window;

use cepstrum::Cepstrum;
pub use config::MfccConfig;
use deltas::deltas;
use framing::Frames;
pub use framing::Framing;
pub use logarithm::Logarithm;
pub use mel::MelScale;
use mel::{Filter, filters};
use spectrum::Spectrum;
pub use window::WindowFunction;

/// Sound of one sample rate to vectors.
#[derive(Debug, Clone)]
pub struct Mfcc {
    pre_emphasis: f64,
    frames: Frames,
    /// `w_n`.
    window: Vec<f64>,
    spectrum: Spectrum,
    /// `H_m`.
    filters: Vec<Filter>,
    logarithm: Logarithm,
    cepstrum: Cepstrum,
    deltas: usize,
}

impl Mfcc {
    fn new(config: &MfccConfig, rate: u32) -> Result<Self, DataError> {
        config.check(rate)?;
        let (frame, size) = (config.frame(rate), config.size(rate));
        Ok(Self {
            pre_emphasis: config.pre_emphasis,
            frames: Frames {
                framing: config.framing,
                frame,
                step: config.step(rate),
                size,
            },
            window: config.window.weights(frame),
            spectrum: Spectrum::new(size, config.periodogram),
            filters: filters(config, rate)?,
            logarithm: config.logarithm,
            cepstrum: Cepstrum::new(config.coefficients, config.filters, config.lifter),
            deltas: config.deltas,
        })
    }

    /// The size of a vector.
    pub fn features(&self) -> usize {
        self.cepstrum.len() * (1 + self.deltas)
    }

    /// The frames of so many samples, as [`Framing`] says.
    pub fn frames(&self, samples: usize) -> usize {
        self.frames.count(samples)
    }

    /// The vectors of some sound, one after the other: `c`, then its deltas, then theirs.
    pub fn of(&self, samples: &[f32]) -> Vec<f32> {
        let mut energies = self.energies(&self.emphasized(samples));
        self.logarithm.of(&mut energies);
        let frames = energies.chunks(self.filters.len());
        let cepstra: Vec<Vec<f64>> = frames.map(|frame| self.cepstrum.of(frame)).collect();
        let mut parts = vec![cepstra];
        for order in 0..self.deltas {
            parts.push(deltas(&parts[order]));
        }
        let frames = 0..parts[0].len();
        let vector = |frame: usize| parts.iter().flat_map(move |part| part[frame].iter());
        frames.flat_map(vector).map(|&value| value as f32).collect()
    }

    /// `y`.
    fn emphasized(&self, samples: &[f32]) -> Vec<f64> {
        let before = std::iter::once(0.0).chain(samples.iter().copied());
        let emphasized = |(&x, before)| f64::from(x) - self.pre_emphasis * f64::from(before);
        samples.iter().zip(before).map(emphasized).collect()
    }

    /// `sum_k H_m(k) P_k` of each frame, one after the other.
    fn energies(&self, sound: &[f64]) -> Vec<f64> {
        let mut buffers = self.spectrum.buffers();
        let mut energies = Vec::new();
        for frame in 0..self.frames.count(sound.len()) {
            let (silent, begins) = self.frames.begins(frame);
            let sound = sound.get(begins..).unwrap_or_default();
            // Where the frame lies within the transform turns phases alone.
            let windowed = self.window[silent..].iter().zip(sound).map(|(w, y)| w * y);
            let power = self.spectrum.power(windowed, &mut buffers);
            energies.extend(self.filters.iter().map(|filter| filter.energy(power)));
        }
        energies
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
