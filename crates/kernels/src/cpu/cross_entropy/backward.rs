//! Cross-entropies, backward: each position by itself.

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::each;
use super::super::lanes::{exp, flush_tiny};
use super::super::product::{columns, load, store};
use super::super::rows::Rows;
use super::Read;

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
