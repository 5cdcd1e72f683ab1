//! `d x_t = W^T d a_t`, of some rows and steps.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd};

use super::pack::PackedColumns;
use super::product::{
    DEPTH, Lines, MOST_ROWS, columns, groups, load, multiply, rows_at_once, store,
};
use super::rows::Rows;
use super::schedule::length;
use super::slots::Slots;
use crate::recurrence::{Sizes, Walk};

/// What it is computed from, and where it goes.
pub(super) struct InputGradient<'a, I: Simd> {
    pub simd: I,
    pub weight: PackedColumns<I>,
    /// `d a_t`: `[1, slots, G H]`.
    pub gates: Rows<'a>,
    /// `[T, B, I]`.
    pub gradient: Rows<'a>,
    pub features: usize,
}

impl<I: Simd> InputGradient<'_, I> {
    /// The gradient of these rows, in these panels of columns.
    pub fn compute(
        &self,
        walk: &Walk,
        sizes: Sizes,
        slots: &Slots,
        rows: &[usize],
        panels: Range<usize>,
    ) {
        let steps = rows.iter().flat_map(|&row| {
            let Range { start, end } = slots.times();
            (start..length(walk, sizes, row).min(end)).map(move |t| (t, row, slots.of(t, row)))
        });
        let steps: Vec<(usize, usize, usize)> = steps.collect();
        self.simd.vectorize(Panels {
            of: self,
            steps: &steps,
            panels,
        });
    }
}

struct Panels<'a, I: Simd> {
    of: &'a InputGradient<'a, I>,
    /// Step, row and place.
    steps: &'a [(usize, usize, usize)],
    panels: Range<usize>,
}

impl<I: Simd> NullaryFnOnce for Panels<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let weight = &self.of.weight;
        for panel in self.panels.clone() {
            match panel.checked_sub(weight.wide_count) {
                None => self.panel(weight.wide.get(panel), 4 * panel),
                Some(narrow) => {
                    let register = 4 * weight.wide_count + narrow;
                    self.panel(weight.narrow.get(narrow), register);
                }
            }
        }
    }
}

impl<I: Simd> Panels<'_, I> {
    /// One panel of columns, the first of whose registers is the `register`-th of a row.
    #[inline(always)]
    fn panel<const N: usize>(&self, weight: &[[I::f32s; N]], register: usize) {
        let (of, simd) = (self.of, self.of.simd);
        let mut sums = Lines([[simd.splat_f32s(0.0); N]; MOST_ROWS]);
        let mut factors: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
        for (part, weight) in weight.chunks(DEPTH).enumerate() {
            let depth = part * DEPTH..part * DEPTH + weight.len();
            for group in groups(self.steps, rows_at_once::<I>(N)) {
                let sums = &mut sums.0[..group.len()];
                for (m, &(t, row, slot)) in group.iter().enumerate() {
                    // SAFETY: the gradients of these gates are complete.
                    factors[m] = unsafe { of.gates.read(0, slot, depth.clone()) };
                    for (n, sum) in sums[m].iter_mut().enumerate() {
                        if part == 0 {
                            *sum = simd.splat_f32s(0.0);
                            continue;
                        }
                        let columns = columns::<I>(register + n, of.features);
                        // SAFETY: these columns of this row are this thread's alone, and were
                        // written by the part before.
                        *sum = load(simd, unsafe { of.gradient.read(t, row, columns) });
                    }
                }
                let factors = &factors[..group.len()];
                multiply::<I, N, 1>(simd, sums.as_flattened_mut(), factors, [weight]);
                for (&(t, row, _), sums) in group.iter().zip(sums) {
                    for (n, &sum) in sums.iter().enumerate() {
                        let columns = columns::<I>(register + n, of.features);
                        // SAFETY: this thread's alone.
                        store(simd, unsafe { of.gradient.write(t, row, columns) }, sum);
                    }
                }
            }
        }
    }
}
