//! `W x_t`, of some rows and steps, shortly before they are run.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd};

use super::gate_weights::GateWeights;
use super::product::{Lines, MOST_ROWS, MOST_SUMS, groups, rows_at_once, store, units};
use super::rows::Rows;
use super::schedule::length;
use crate::recurrence::{Sizes, Walk};

/// What is multiplied.
pub(super) struct Product<'a> {
    /// `[T, B, I]`.
    pub input: Rows<'a>,
    /// `[G H, I]`.
    pub weight: &'a [f32],
    /// Steps to compute at once.
    pub at_once: usize,
}

/// [`Product`], with its weights packed, and where it goes.
pub(super) struct InputProduct<'a, I: Simd, const G: usize> {
    pub simd: I,
    pub weight: GateWeights<'a, I, G>,
    /// `[T, B, I]`.
    pub input: Rows<'a>,
    /// `[T, B, G H]`, or as many steps of it as are computed at once.
    pub projected: Rows<'a>,
    pub hidden: usize,
}

impl<I: Simd, const G: usize> InputProduct<'_, I, G> {
    /// The projection of these rows at these times, for these blocks of units.
    pub fn compute(
        &self,
        walk: &Walk,
        sizes: Sizes,
        rows: &[usize],
        times: Range<usize>,
        blocks: Range<usize>,
    ) {
        // Row by row, as they lie in memory.
        let steps = rows.iter().flat_map(|&row| {
            let end = length(walk, sizes, row).min(times.end);
            (times.start..end).map(move |t| (t, self.projected.slot(t), row))
        });
        let steps: Vec<(usize, usize, usize)> = steps.collect();
        self.simd.vectorize(Blocks {
            of: self,
            steps: &steps,
            blocks,
        });
    }
}

struct Blocks<'a, I: Simd, const G: usize> {
    of: &'a InputProduct<'a, I, G>,
    /// Step, its place in the projection, and row.
    steps: &'a [(usize, usize, usize)],
    blocks: Range<usize>,
}

impl<I: Simd, const G: usize> NullaryFnOnce for Blocks<'_, I, G> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (of, simd) = (self.of, self.of.simd);
        let zero = simd.splat_f32s(0.0);
        let mut sums = Lines([zero; MOST_SUMS]);
        let mut input: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
        let mut block = self.blocks.start;
        while block < self.blocks.end {
            let together = of.weight.together(block, self.blocks.end);
            let full = (block + together) * I::F32_LANES <= of.hidden;
            for group in groups(self.steps, rows_at_once::<I>(G * together)) {
                let sums = &mut sums.0.as_chunks_mut::<G>().0[..group.len() * together];
                sums.as_flattened_mut().fill(zero);
                for (m, &(t, _, row)) in group.iter().enumerate() {
                    // SAFETY: nobody writes to the input.
                    input[m] = unsafe { of.input.read(t, row, 0..of.input.width()) };
                }
                of.weight.multiply(simd, sums, &input[..group.len()], block);
                for (&(_, slot, row), sums) in group.iter().zip(sums.chunks_exact(together)) {
                    for (u, sums) in sums.iter().enumerate() {
                        match full {
                            true => self.write::<true>([slot, row], block + u, sums),
                            false => self.write::<false>([slot, row], block + u, sums),
                        }
                    }
                }
            }
            block += together;
        }
    }
}

impl<I: Simd, const G: usize> Blocks<'_, I, G> {
    /// One block of units of a row.
    #[inline(always)]
    fn write<const FULL: bool>(&self, [slot, row]: [usize; 2], block: usize, sums: &[I::f32s; G]) {
        let hidden = self.of.hidden;
        let units = units::<I, FULL>(block, hidden);
        for (g, &sum) in sums.iter().enumerate() {
            let columns = g * hidden + units.start..g * hidden + units.end;
            // SAFETY: these columns of this row are this thread's alone.
            let to = unsafe { self.of.projected.write(slot, row, columns) };
            store(self.of.simd, to, sum);
        }
    }
}
