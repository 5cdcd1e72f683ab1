//! The recurrence, backward: from the last step to the first, the cell's gradients and then the
//! product that takes them to the step before.
//!
//! ```text
//! d gates_t, direct = P'(d state_t + d output_t, ..)
//! d h_{t-1}         = direct + R^T d gates_t
//! ```
//!
//! After some steps, what they add to the gradients of the weights and of the input is computed
//! while the gradients of their gates are still in the cache.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::Machine;
use super::input_gradient::InputGradient;
use super::lanes::{Lanes, flush_tiny};
use super::pack::PackedColumns;
use super::product::{
    DEPTH, Lines, MOST_ROWS, columns, groups, load, multiply, rows_at_once, store, units,
};
use super::registers::{Both, Registers};
use super::rows::Rows;
use super::schedule::{Division, before, present, share};
use super::slots::Slots;
use super::sums::{Sums, Together};
use crate::pointwise::Pointwise;
use crate::recurrence::{Sizes, Walk};

/// What the gradients are computed from, and where they go.
pub(super) struct Backward<'a, P> {
    pub cell: P,
    pub machine: Machine,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    pub schedule: &'a Division,
    pub weight: &'a [f32],
    /// `[S, B, H]`.
    pub initial: Rows<'a>,
    /// `[T, B, H]`.
    pub outputs: Rows<'a>,
    /// `[T, B, H]`; nothing when the outputs were not used.
    pub output_gradient: Option<Rows<'a>>,
    /// `[T, B, G H]`: the gates; without a `product`, their gradients are written in their place.
    pub gates: Rows<'a>,
    /// `[T, B, (A + S - 1) H]`.
    pub extra: Rows<'a>,
    /// The input, if the projection is a product with it.
    pub product: Option<ProductGradient<'a>>,
    /// `[1, slots, ..]`.
    pub together: Together<'a>,
    /// `[S, B, H]`: the gradient of the final states on entry, of the initial ones in the end.
    pub state_gradient: Rows<'a>,
    pub sums: &'a mut Sums,
}

/// What the gradients of `W x_t` are computed from, and where they go.
pub(super) struct ProductGradient<'a> {
    /// `[T, B, I]`.
    pub input: Rows<'a>,
    /// `[G H, I]`.
    pub weight: &'a [f32],
    /// `I`.
    pub features: usize,
    /// `[T, B, I]`: `d x`, if it is asked for.
    pub gradient: Option<Rows<'a>>,
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
        let Sizes { hidden, .. } = run.sizes;
        let weight = PackedColumns::<I>::new(run.weight, hidden);
        let blocks = hidden.div_ceil(I::F32_LANES);
        let input_gradient = run.product.as_ref().and_then(|product| {
            let weight = PackedColumns::<I>::new(product.weight, product.features);
            product.gradient.map(|gradient| InputGradient {
                simd,
                weight,
                gates: run.together.input_side.unwrap_or(run.together.recurrent),
                gradient,
                features: product.features,
            })
        });
        let all = Work {
            blocks: 0..blocks,
            panels: 0..weight.count(),
        };
        for slots in Slots::parts(run.walk, run.sizes, G * hidden) {
            let steps = |rows: &[usize], times: Range<usize>, work: Work| {
                simd.vectorize(Steps::<I, P, G, S, A> {
                    simd,
                    run: &run,
                    slots: &slots,
                    weight: &weight,
                    rows,
                    times,
                    work,
                })
            };
            let project_back = |rows: &[usize], part: usize, parts: usize| {
                if let Some(gradient) = &input_gradient {
                    let panels = share(gradient.weight.count(), part, parts);
                    gradient.compute(run.walk, run.sizes, &slots, rows, panels);
                }
            };
            match run.schedule {
                Division::Rows(parts) => {
                    let walk = |rows: &Vec<usize>| {
                        steps(rows, slots.times(), all.clone());
                        project_back(rows, 0, 1);
                    };
                    match &parts[..] {
                        [rows] => walk(rows),
                        parts => parts.par_iter().for_each(walk),
                    }
                }
                Division::Units(rows, parts) => {
                    let together = |work: &(dyn Fn(usize) + Sync)| {
                        (0..*parts).into_par_iter().for_each(work);
                    };
                    for t in run.walk.direction.through(slots.times()).rev() {
                        // The product needs the gradients of all units, so there are two meetings.
                        together(&|part| {
                            let work = Work {
                                blocks: share(blocks, part, *parts),
                                panels: 0..0,
                            };
                            steps(rows, t..t + 1, work);
                        });
                        together(&|part| {
                            let work = Work {
                                blocks: 0..0,
                                panels: share(weight.count(), part, *parts),
                            };
                            steps(rows, t..t + 1, work);
                        });
                    }
                    together(&|part| project_back(rows, part, *parts));
                }
            }
            // SAFETY: the threads have met.
            unsafe { run.sums.add(run.machine, &run.together, slots.count()) };
        }
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
    slots: &'a Slots,
    weight: &'a PackedColumns<I>,
    rows: &'a [usize],
    times: Range<usize>,
    work: Work,
}

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
                self.put_together(t, row);
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
                self.product(t, rows, from..(G * hidden).min(from + DEPTH));
            }
        }
    }
}

impl<I: Simd, P, const G: usize, const S: usize, const A: usize> Steps<'_, I, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    /// The row's input, beside what the equations will put there.
    #[inline(always)]
    fn put_together(&self, t: usize, row: usize) {
        let run = self.run;
        // Of those who share a row's units, the first.
        let first = self.work.blocks.start == 0 && !self.work.blocks.is_empty();
        if let (Some(product), true) = (
            &run.product,
            first && run.together.factors.width() > run.sizes.hidden,
        ) {
            let hidden = run.sizes.hidden;
            let columns = hidden..hidden + product.features;
            // SAFETY: nobody writes to the input, and the place is this row's alone.
            unsafe {
                let to = run
                    .together
                    .factors
                    .write(0, self.slots.of(t, row), columns);
                to.write_copy_of_slice(product.input.read(t, row, 0..product.features));
            }
        }
    }

    /// The cell's gradients, for one row and one or two blocks of units. A block may end early
    /// unless it is `FULL`.
    #[inline(always)]
    fn equations<V: Registers<I>, const FULL: bool>(&self, t: usize, row: usize, block: usize) {
        let (run, simd) = (self.run, self.simd);
        let hidden = run.sizes.hidden;
        let before = before(run.walk, run.sizes, row, t);
        let slot = self.slots.of(t, row);
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
                gradient[s] = V::of(
                    simd,
                    #[inline(always)]
                    |w| flush_tiny(simd, load(simd, run.state_gradient.read(s, row, of(w, 0)))),
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
            for (g, gate) in gates.iter_mut().enumerate() {
                *gate = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.gates.read(t, row, of(w, g)),
                );
            }
            for (a, apart) in apart.iter_mut().enumerate() {
                *apart = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.extra.read(t, row, of(w, a)),
                );
            }
            let step = run.cell.backward(gradient, earlier, after, gates, apart);

            earlier[0].store(
                simd,
                #[inline(always)]
                |w| run.together.factors.write(0, slot, of(w, 0)),
            );
            for g in 0..G {
                let recurrent = match g.checked_sub(G - A) {
                    Some(a) => step.apart[a],
                    None => step.gates[g],
                };
                recurrent.store(
                    simd,
                    #[inline(always)]
                    |w| run.together.recurrent.write(0, slot, of(w, g)),
                );
                if let Some(input_side) = &run.together.input_side {
                    step.gates[g].store(
                        simd,
                        #[inline(always)]
                        |w| input_side.write(0, slot, of(w, g)),
                    );
                }
                if run.product.is_none() {
                    step.gates[g].store(
                        simd,
                        #[inline(always)]
                        |w| run.gates.write(t, row, of(w, g)),
                    );
                }
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
    fn product(&self, t: usize, rows: &[usize], depth: Range<usize>) {
        for panel in self.work.panels.clone() {
            if let Some(narrow) = panel.checked_sub(self.weight.wide_count) {
                let weight = &self.weight.narrow.get(narrow)[depth.clone()];
                let register = 4 * self.weight.wide_count + narrow;
                self.accumulate(t, rows, weight, depth.clone(), register);
            } else {
                let weight = &self.weight.wide.get(panel)[depth.clone()];
                self.accumulate(t, rows, weight, depth.clone(), 4 * panel);
            }
        }
    }

    /// The same for one panel, the first of whose registers is the `register`-th of a row.
    #[inline(always)]
    fn accumulate<const N: usize>(
        &self,
        t: usize,
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
                    let slot = self.slots.of(t, row);
                    factors[m] = run.together.recurrent.read(0, slot, depth.clone());
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
