//! The cross-entropy of one position, and its derivative.

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::super::lanes::{exp, flush_tiny};
use super::super::product::{columns, load, store};
use super::super::rows::Rows;
use super::Read;

/// What is read and where results are written.
pub(super) struct Forward<'a> {
    pub read: Read<'a>,
    pub shared: bool,
    /// `[1, positions, 1]`.
    pub nats: Rows<'a>,
    /// `m` and `1 / z`: `[1, positions, 2]`.
    pub kept: Rows<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let one = |position: usize| {
            simd.vectorize(Score {
                simd,
                run: &self,
                position,
            });
        };
        each(self.shared, self.read.symbols.len(), one);
    }
}

/// A position, forward.
struct Score<'a, I: Simd> {
    simd: I,
    run: &'a Forward<'a>,
    position: usize,
}

impl<I: Simd> NullaryFnOnce for Score<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { run, position, .. } = self;
        let width = run.read.scores.width();
        // SAFETY: scores are not written to.
        let scores = unsafe { run.read.scores.read(0, position, 0..width) };
        let m = self.max(scores);
        let z = self.sum_of_exp(scores, m);
        // SAFETY: this position is this piece's alone.
        let (nats, kept) = unsafe {
            (
                run.nats.write(0, position, 0..1),
                run.kept.write(0, position, 0..2),
            )
        };
        // The mean of what is right, by how much it counts.
        let (mut right, smoothing) = (scores[run.read.symbols[position]], run.read.smoothing);
        if smoothing > 0.0 {
            right += smoothing * (self.mean(scores) - right);
        }
        nats[0].write(m - right + z.ln());
        kept[0].write(m);
        kept[1].write(z.recip());
    }
}

/// An operation waits for the one before it: so many that do not wait for each other.
const SIDE_BY_SIDE: usize = 4;

impl<I: Simd> Score<'_, I> {
    /// The largest; what is no number is passed over.
    #[inline(always)]
    fn max(&self, scores: &[f32]) -> f32 {
        let simd = self.simd;
        let (registers, rest) = I::as_simd_f32s(scores);
        let mut largest = [simd.splat_f32s(f32::NEG_INFINITY); SIDE_BY_SIDE];
        for (index, &score) in registers.iter().enumerate() {
            let max = &mut largest[index % SIDE_BY_SIDE];
            *max = simd.select_f32s(simd.greater_than_f32s(score, *max), score, *max);
        }
        let lanes: &[f32] = pulp::bytemuck::cast_slice(&largest);
        lanes
            .iter()
            .chain(rest)
            .fold(f32::NEG_INFINITY, |max, &x| max.max(x))
    }

    #[inline(always)]
    fn mean(&self, scores: &[f32]) -> f32 {
        let simd = self.simd;
        let (registers, rest) = I::as_simd_f32s(scores);
        let mut sums = [simd.splat_f32s(0.0); SIDE_BY_SIDE];
        for (index, &score) in registers.iter().enumerate() {
            let sum = &mut sums[index % SIDE_BY_SIDE];
            *sum = simd.add_f32s(*sum, score);
        }
        let [a, b, c, d] = sums;
        let sum = simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)));
        rest.iter().fold(sum, |sum, x| sum + x) / scores.len() as f32
    }

    /// `sum_v exp(s_v - m)`.
    #[inline(always)]
    fn sum_of_exp(&self, scores: &[f32], m: f32) -> f32 {
        let simd = self.simd;
        let m = simd.splat_f32s(m);
        let (registers, rest) = I::as_simd_f32s(scores);
        let mut sums = [simd.splat_f32s(0.0); SIDE_BY_SIDE];
        for (index, &score) in registers.iter().enumerate() {
            let sum = &mut sums[index % SIDE_BY_SIDE];
            *sum = simd.add_f32s(*sum, exp(simd, simd.sub_f32s(score, m)));
        }
        let [a, b, c, d] = sums;
        let sum = simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)));
        // Lanes beyond the last score are of no symbol.
        let last = [exp(simd, simd.sub_f32s(simd.partial_load_f32s(rest), m))];
        let last: &[f32] = pulp::bytemuck::cast_slice(&last);
        last[..rest.len()].iter().fold(sum, |sum, x| sum + x)
    }
}

/// What is read and where the gradient is written.
pub(super) struct Backward<'a> {
    pub read: Read<'a>,
    pub shared: bool,
    /// `m` and `1 / z` of each position.
    pub kept: &'a [f32],
    /// Of the nats: `[positions]`.
    pub gradient: &'a [f32],
    /// `[1, positions, vocabulary]`.
    pub found: Rows<'a>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let one = |position: usize| {
            simd.vectorize(Gradient {
                simd,
                run: &self,
                position,
            });
        };
        each(self.shared, self.read.symbols.len(), one);
    }
}

/// A position, backward.
struct Gradient<'a, I: Simd> {
    simd: I,
    run: &'a Backward<'a>,
    position: usize,
}

impl<I: Simd> NullaryFnOnce for Gradient<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            simd,
            run,
            position,
        } = self;
        let width = run.read.scores.width();
        let (m, g) = (run.kept[2 * position], run.gradient[position]);
        let scale = simd.splat_f32s(g * run.kept[2 * position + 1]);
        let (m, smoothing) = (simd.splat_f32s(m), run.read.smoothing);
        let shared = simd.splat_f32s(-g * smoothing / width as f32);
        // SAFETY: scores are not written to; the gradient of this position is this piece's alone.
        let (scores, found) = unsafe {
            (
                run.read.scores.read(0, position, 0..width),
                run.found.write(0, position, 0..width),
            )
        };
        for register in 0..width.div_ceil(I::F32_LANES) {
            let columns = columns::<I>(register, width);
            let score = load(simd, &scores[columns.clone()]);
            let p = exp(simd, simd.sub_f32s(score, m));
            let p = flush_tiny(simd, p);
            store(
                simd,
                &mut found[columns],
                simd.mul_add_f32s(scale, p, shared),
            );
        }
        let right = &mut found[run.read.symbols[position]];
        // SAFETY: it was written above.
        right.write(unsafe { right.assume_init() } - g * (1.0 - smoothing));
    }
}

/// All positions, on all threads if they share the work.
#[inline(always)]
fn each(shared: bool, positions: usize, one: impl Fn(usize) + Sync + Send) {
    match shared {
        true => (0..positions).into_par_iter().for_each(one),
        false => (0..positions).for_each(one),
    }
}
