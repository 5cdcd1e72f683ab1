//! Cross-entropies, forward: each position by itself.

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::each;
use super::super::lanes::exp;
use super::super::rows::Rows;
use super::super::totals::{SIDE_BY_SIDE, total};
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
        let Self {
            simd,
            run,
            position,
        } = self;
        let width = run.read.scores.width();
        // SAFETY: scores are not written to.
        let scores = unsafe { run.read.scores.read(0, position, 0..width) };
        let m = self.max(scores);
        let shift = simd.splat_f32s(m);
        let z = total(
            simd,
            [scores],
            #[inline(always)]
            |[score]| exp(simd, simd.sub_f32s(score, shift)),
        );
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
            let mean = total(simd, [scores], |[score]| score) / width as f32;
            right += smoothing * (mean - right);
        }
        nats[0].write(m - right + z.ln());
        kept[0].write(m);
        kept[1].write(z.recip());
    }
}

impl<I: Simd> Score<'_, I> {
    /// The largest; what is no number is passed over.
    #[inline(always)]
    fn max(&self, scores: &[f32]) -> f32 {
        let simd = self.simd;
        let (registers, rest) = I::as_simd_f32s(scores);
        let larger = |score, max| simd.select_f32s(simd.greater_than_f32s(score, max), score, max);
        let mut largest = [simd.splat_f32s(f32::NEG_INFINITY); SIDE_BY_SIDE];
        for (index, &score) in registers.iter().enumerate() {
            let max = &mut largest[index % SIDE_BY_SIDE];
            *max = larger(score, *max);
        }
        let [a, b, c, d] = largest;
        let max = simd.reduce_max_f32s(larger(larger(a, b), larger(c, d)));
        rest.iter().fold(max, |max, &x| max.max(x))
    }
}
