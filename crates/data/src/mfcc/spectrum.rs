//! The power of each frequency in a frame of sound.
//!
//! ```text
//! X_k = sum_n x_n e^{-2 pi i k n / K}        k = 0 .. K div 2
//! P_k = |X_k|^2   or   |X_k|^2 / K           the latter is the periodogram
//! ```

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Power spectra of `K` samples.
#[derive(Clone)]
pub(super) struct Spectrum {
    transform: Arc<dyn RealToComplex<f64>>,
    /// What `|X_k|^2` is divided by.
    divisor: f64,
}

/// What spectra are computed in, one after the other.
pub(super) struct Buffers {
    samples: Vec<f64>,
    transformed: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    power: Vec<f64>,
}

impl Spectrum {
    /// Of so many samples.
    pub(super) fn new(size: usize, periodogram: bool) -> Self {
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(size),
            divisor: if periodogram { size as f64 } else { 1.0 },
        }
    }

    pub(super) fn buffers(&self) -> Buffers {
        Buffers {
            samples: self.transform.make_input_vec(),
            transformed: self.transform.make_output_vec(),
            scratch: self.transform.make_scratch_vec(),
            power: vec![0.0; self.transform.complex_len()],
        }
    }

    /// `P_0 .. P_{K div 2}` of at most `K` samples; those that miss are 0.
    pub(super) fn power<'a>(
        &self,
        samples: impl Iterator<Item = f64>,
        buffers: &'a mut Buffers,
    ) -> &'a [f64] {
        let samples = samples.chain(std::iter::repeat(0.0));
        for (place, sample) in buffers.samples.iter_mut().zip(samples) {
            *place = sample;
        }
        self.transform
            .process_with_scratch(
                &mut buffers.samples,
                &mut buffers.transformed,
                &mut buffers.scratch,
            )
            .expect("the buffers are those of this transform");
        for (power, x) in buffers.power.iter_mut().zip(&buffers.transformed) {
            *power = x.norm_sqr() / self.divisor;
        }
        &buffers.power
    }
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectrum")
            .field("size", &self.transform.len())
            .field("divisor", &self.divisor)
            .finish()
    }
}
