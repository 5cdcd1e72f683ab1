//! The recurrence, backward: from the last step to the first, the cell's gradients and then the
//! product that takes them to the step before.
//!
//! ```text
//! d gates_t, direct = P'(d state_t + d output_t, ..)
//! d h_{t-1}         = direct + R^T d gates_t
//! ```

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::lanes::Lanes;
use super::pack::{self, Panels};
use super::product::{
    Lines, MOST_ROWS, columns, groups, load, multiply, rows_at_once, store, units,
};
use super::registers::{Both, Registers};
use super::rows::Rows;
use super::schedule::{Schedule, before, present, share};
use crate::pointwise::Pointwise;
use crate::recurrence::{Sizes, Walk};

/// What the gradients are computed from, and where they go.
pub(super) struct Backward<'a, P> {
    pub cell: P,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    pub schedule: &'a Schedule,
    pub weight: &'a [f32],
    /// `[S, B, H]`.
    pub initial: Rows<'a>,
    /// `[T, B, H]`.
    pub outputs: Rows<'a>,
    /// `[T, B, H]`; nothing when the outputs were not used.
    pub output_gradient: Option<Rows<'a>>,
    /// `[T, B, G H]`: the gates; their gradients are written in their place.
    pub gates: Rows<'a>,
    /// `[T, B, (A + S - 1) H]`; the gradients of the parts apart are written in their place.
    pub extra: Rows<'a>,
    /// `[1, B, G H]`: the gradients of the recurrent parts of this step, close together, because
    /// each is read once a panel of columns.
    pub recurrent: Rows<'a>,
    /// `[S, B, H]`: the gradient of the final states on entry, of the initial ones in the end.
    pub state_gradient: Rows<'a>,
}

/// [`Backward`], of a cell whose numbers of gates, states and parts apart are known.
pub(super) struct Sized<'a, P, const G: usize, const S: usize, const A: usize>(pub Backward<'a, P>);

impl<P, const G: usize, const S: usize, const A: usize> WithSimd for Sized<'_, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let run = self.0;
        let Sizes { time, hidden, .. } = run.sizes;
        let weight = PackedColumns::new(run.weight, hidden);
        let blocks = hidden.div_ceil(I::F32_LANES);
        let steps = |rows: &[usize], times: Range<usize>, work: Work| {
            simd.vectorize(Steps::<I, P, G, S, A> {
                simd,
                run: &run,
                weight: &weight,
                rows,
                times,
                work,
            })
        };
        let all = Work {
            blocks: 0..blocks,
            panels: 0..weight.count(),
        };
        match run.schedule {
            Schedule::Rows(parts) if parts.len() == 1 => steps(&parts[0], 0..time, all),
            Schedule::Rows(parts) => parts
                .par_iter()
                .for_each(|rows| steps(rows, 0..time, all.clone())),
            Schedule::Units(rows, parts) => rayon::scope(|_| {
                for t in run.walk.direction.order(time).rev() {
                    // The product needs the gradients of all units, so there are two meetings.
                    (0..*parts).into_par_iter().for_each(|part| {
                        let work = Work {
                            blocks: share(blocks, part, *parts),
                            panels: 0..0,
                        };
                        steps(rows, t..t + 1, work);
                    });
                    (0..*parts).into_par_iter().for_each(|part| {
                        let work = Work {
                            blocks: 0..0,
                            panels: share(weight.count(), part, *parts),
                        };
                        steps(rows, t..t + 1, work);
                    });
                }
            }),
        }
    }
}

/// `R` for `d g R`, in panels of four registers; what remains is in narrower ones.
struct PackedColumns<I: Simd> {
    wide: Panels<I, 4>,
    wide_count: usize,
    /// Of one register each.
    narrow: Panels<I, 1>,
    narrow_count: usize,
}

impl<I: Simd> PackedColumns<I> {
    fn new(weight: &[f32], hidden: usize) -> Self {
        let registers = hidden.div_ceil(I::F32_LANES);
        let (wide_count, narrow_count) = match registers % 4 {
            // Three registers are read about as fast as four.
            3 => (registers / 4 + 1, 0),
            rest => (registers / 4, rest),
        };
        let first = wide_count * 4 * I::F32_LANES;
        Self {
            wide: pack::columns(weight, hidden, 0, wide_count),
            narrow: pack::columns(weight, hidden, first, narrow_count),
            wide_count,
            narrow_count,
        }
    }

    fn count(&self) -> usize {
        self.wide_count + self.narrow_count
    }
}

/// Which part of a step: blocks of units of the equations, then panels of columns of the product.
#[derive(Clone)]
struct Work {
    blocks: Range<usize>,
    panels: Range<usize>,
}

/// Some rows, some time steps, some part of the work.
struct Steps<'a, I: Simd, P, const G: usize, const S: usize, const A: usize> {
    simd: I,
    run: &'a Backward<'a, P>,
    weight: &'a PackedColumns<I>,
    rows: &'a [usize],
    times: Range<usize>,
    work: Work,
}

/// Rows of `R` that a product takes at once: as much of a panel as fits into a core's own cache
/// together with the rows that it is multiplied with.
const DEPTH: usize = 512;

impl<I: Simd, P, const G: usize, const S: usize, const A: usize> NullaryFnOnce
    for Steps<'_, I, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (walk, hidden) = (self.run.walk, self.run.sizes.hidden);
        for t in walk.direction.through(self.times.clone()).rev() {
            let rows = present(walk, self.rows, t);
            for &row in rows {
                let Range { mut start, end } = self.work.blocks.clone();
                let full = end.min(hidden / I::F32_LANES);
                while start + 2 <= full {
                    self.equations::<Both<_>, true>(t, row, start);
                    start += 2;
                }
                for block in start..end {
                    self.equations::<Lanes<_>, false>(t, row, block);
                }
            }
            for from in (0..G * hidden).step_by(DEPTH) {
                self.product(rows, from..(G * hidden).min(from + DEPTH));
            }
        }
    }
}

impl<I: Simd, P, const G: usize, const S: usize, const A: usize> Steps<'_, I, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    /// The cell's gradients, for one row and one or two blocks of units. A block may end early
    /// unless it is `FULL`.
    #[inline(always)]
    fn equations<V: Registers<I>, const FULL: bool>(&self, t: usize, row: usize, block: usize) {
        let (run, simd) = (self.run, self.simd);
        let hidden = run.sizes.hidden;
        let before = before(run.walk, run.sizes, row, t);
        let units = [block, block + 1].map(|block| units::<I, FULL>(block, hidden));
        let of =
            |w: usize, index: usize| index * hidden + units[w].start..index * hidden + units[w].end;
        let zero = V::of(
            simd,
            #[inline(always)]
            |_| simd.splat_f32s(0.0),
        );

        // SAFETY: these columns of this row are this thread's alone; what forward left is complete.
        unsafe {
            let (mut gradient, mut after, mut earlier) = ([zero; S], [zero; S], [zero; S]);
            for s in 0..S {
                gradient[s] = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.state_gradient.read(s, row, of(w, 0)),
                );
                after[s] = V::load(
                    simd,
                    #[inline(always)]
                    |w| match s {
                        0 => run.outputs.read(t, row, of(w, 0)),
                        s => run.extra.read(t, row, of(w, A + s - 1)),
                    },
                );
                earlier[s] = V::load(
                    simd,
                    #[inline(always)]
                    |w| match (s, before) {
                        (0, Some(before)) => run.outputs.read(before, row, of(w, 0)),
                        (s, Some(before)) => run.extra.read(before, row, of(w, A + s - 1)),
                        (s, None) => run.initial.read(s, row, of(w, 0)),
                    },
                );
            }
            if let Some(outputs) = &run.output_gradient {
                let output = V::load(
                    simd,
                    #[inline(always)]
                    |w| outputs.read(t, row, of(w, 0)),
                );
                gradient[0] = gradient[0] + output;
            }
            let (mut gates, mut apart) = ([zero; G], [zero; A]);
            for g in 0..G {
                gates[g] = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.gates.read(t, row, of(w, g)),
                );
            }
            for a in 0..A {
                apart[a] = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.extra.read(t, row, of(w, a)),
                );
            }
            let step = run.cell.backward(gradient, earlier, after, gates, apart);

            for g in 0..G {
                step.gates[g].store(
                    simd,
                    #[inline(always)]
                    |w| run.gates.write(t, row, of(w, g)),
                );
                if g < G - A {
                    step.gates[g].store(
                        simd,
                        #[inline(always)]
                        |w| run.recurrent.write(0, row, of(w, g)),
                    );
                }
            }
            for a in 0..A {
                step.apart[a].store(
                    simd,
                    #[inline(always)]
                    |w| run.extra.write(t, row, of(w, a)),
                );
                step.apart[a].store(
                    simd,
                    #[inline(always)]
                    |w| run.recurrent.write(0, row, of(w, G - A + a)),
                );
            }
            for s in 0..S {
                step.state[s].unwrap_or(zero).store(
                    simd,
                    #[inline(always)]
                    |w| run.state_gradient.write(s, row, of(w, 0)),
                );
            }
        }
    }

    /// `d h_{t-1} += R^T d gates_t`, for some rows of `R`.
    #[inline(always)]
    fn product(&self, rows: &[usize], depth: Range<usize>) {
        for panel in self.work.panels.clone() {
            if let Some(narrow) = panel.checked_sub(self.weight.wide_count) {
                let weight = &self.weight.narrow.get(narrow)[depth.clone()];
                let register = 4 * self.weight.wide_count + narrow;
                self.accumulate(rows, weight, depth.clone(), register);
            } else {
                let weight = &self.weight.wide.get(panel)[depth.clone()];
                self.accumulate(rows, weight, depth.clone(), 4 * panel);
            }
        }
    }

    /// The same for one panel, the first of whose registers is the `register`-th of a row.
    #[inline(always)]
    fn accumulate<const N: usize>(
        &self,
        rows: &[usize],
        weight: &[[I::f32s; N]],
        depth: Range<usize>,
        register: usize,
    ) {
        let (run, simd) = (self.run, self.simd);
        let units = |n: usize| columns::<I>(register + n, run.sizes.hidden);
        for rows in groups(rows, rows_at_once::<I>(N)) {
            let mut factors: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
            let mut sums = Lines([[simd.splat_f32s(0.0); N]; MOST_ROWS]);
            for (m, &row) in rows.iter().enumerate() {
                // SAFETY: the gates' gradients of this step are complete; these columns of this
                // row of the state's gradient are this thread's alone.
                unsafe {
                    factors[m] = run.recurrent.read(0, row, depth.clone());
                    for n in 0..N {
                        let sum = run.state_gradient.read(0, row, units(n));
                        sums.0[m][n] = load(simd, sum);
                    }
                }
            }
            let sums = &mut sums.0[..rows.len()];
            multiply::<I, N, 1>(
                simd,
                sums.as_flattened_mut(),
                &factors[..rows.len()],
                [weight],
            );
            for (&row, sums) in rows.iter().zip(sums) {
                for (n, &sum) in sums.iter().enumerate() {
                    // SAFETY: as above.
                    let gradient = unsafe { run.state_gradient.write(0, row, units(n)) };
                    store(simd, gradient, sum);
                }
            }
        }
    }
}
