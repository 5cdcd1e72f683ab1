//! Additive scores, forward: each query of a row by itself, some steps side by side.

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::each;
use super::super::lanes::tanh;
use super::super::product::{columns, load};
use super::super::rows::Rows;
use super::{Read, Sizes};

/// Steps side by side: a tangent is a long chain of operations, and these chains do not wait for
/// each other.
const SIDE_BY_SIDE: usize = 4;

/// What is read and where scores are written.
pub(super) struct Forward<'a> {
    pub read: Read<'a>,
    pub shared: bool,
    /// `[batch, queries, steps]`.
    pub scores: Rows<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let Sizes { batch, queries, .. } = self.read.sizes;
        let one = |index: usize| {
            simd.vectorize(Query {
                simd,
                run: &self,
                row: index / queries,
                query: index % queries,
            });
        };
        each(self.shared, batch * queries, one);
    }
}

/// A query of a row.
struct Query<'a, I: Simd> {
    simd: I,
    run: &'a Forward<'a>,
    row: usize,
    query: usize,
}

impl<I: Simd> NullaryFnOnce for Query<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Read {
            queries,
            keys,
            fit,
            sizes: Sizes { steps, units, .. },
        } = self.run.read;
        // SAFETY: these scores are this piece's alone; what is read is not written to.
        let (query, scores) = unsafe {
            (
                queries.read(self.query, self.row, 0..units),
                self.run.scores.write(self.query, self.row, 0..steps),
            )
        };
        for (index, scores) in scores.chunks_mut(SIDE_BY_SIDE).enumerate() {
            // Beyond the last step, the sums are not looked at.
            let mut rows: [&[f32]; SIDE_BY_SIDE] = [query; SIDE_BY_SIDE];
            for (step, row) in rows.iter_mut().enumerate().take(scores.len()) {
                // SAFETY: as above.
                *row = unsafe { keys.read(index * SIDE_BY_SIDE + step, self.row, 0..units) };
            }
            for (score, sum) in scores.iter_mut().zip(self.sums(query, rows, fit)) {
                score.write(sum);
            }
        }
    }
}

impl<I: Simd> Query<'_, I> {
    /// `sum_a v_a tanh(q_a + k_a)` of each row of keys.
    #[inline(always)]
    fn sums(&self, q: &[f32], k: [&[f32]; SIDE_BY_SIDE], v: &[f32]) -> [f32; SIDE_BY_SIDE] {
        let simd = self.simd;
        let mut sums = [simd.splat_f32s(0.0); SIDE_BY_SIDE];
        for register in 0..q.len().div_ceil(I::F32_LANES) {
            let columns = columns::<I>(register, q.len());
            let q = load(simd, &q[columns.clone()]);
            let v = load(simd, &v[columns.clone()]);
            for (sum, k) in sums.iter_mut().zip(k) {
                let k = load(simd, &k[columns.clone()]);
                *sum = simd.mul_add_f32s(v, tanh(simd, simd.add_f32s(q, k)), *sum);
            }
        }
        sums.map(
            #[inline(always)]
            |sum| simd.reduce_sum_f32s(sum),
        )
    }
}
