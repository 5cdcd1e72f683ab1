//! The recurrence, forward: product, equations and stores of a block of units while it is in
//! registers.

use std::array;
use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::lanes::Lanes;
use super::pack::{self, Panels};
use super::product::{
    Lines, MOST_ROWS, MOST_SUMS, columns, groups, load, multiply, multiply_unpacked, rows_at_once,
    store,
};
use super::rows::Rows;
use super::schedule::{Schedule, before, length, present, share};
use crate::pointwise::Pointwise;
use crate::recurrence::{Sizes, Walk};

/// What a run reads and where it writes; lengths as in [`Inputs`](crate::Inputs).
pub(super) struct Forward<'a, P> {
    pub cell: P,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    pub threads: usize,
    /// `[T, B, G H]`. Where something is kept, the gates are written in its place.
    pub projected: Rows<'a>,
    pub weight: &'a [f32],
    pub input_bias: &'a [f32],
    pub recurrent_bias: &'a [f32],
    /// `[S, B, H]`.
    pub initial: Rows<'a>,
    /// `[2, B, H]`: the hidden states of this step and of the last one, close together, because
    /// each is read once a block of units.
    pub hidden: Rows<'a>,
    /// `[T, B, H]`; where a row has padding, zero on entry.
    pub outputs: Rows<'a>,
    /// `[S, B, H]`; the initial states on entry.
    pub state: Rows<'a>,
    /// `[T, B, (A + S - 1) H]`, if anything is to be kept for backward.
    pub extra: Option<Rows<'a>>,
}

/// [`Forward`], of a cell whose numbers of gates, states and parts apart are known.
pub(super) struct Sized<'a, P, const G: usize, const S: usize, const A: usize>(pub Forward<'a, P>);

impl<P, const G: usize, const S: usize, const A: usize> WithSimd for Sized<'_, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let run = self.0;
        let Sizes { time, hidden, .. } = run.sizes;
        let packed = Packed {
            // A product a row and step: for a few, the weights are best read where they lie.
            weight: (time * run.sizes.batch > FEW).then(|| pack::gates::<I, G>(run.weight, hidden)),
            input_bias: pack::bias::<I, G>(simd, run.input_bias, hidden),
            recurrent_bias: pack::bias::<I, G>(simd, run.recurrent_bias, hidden),
        };
        let blocks = hidden.div_ceil(I::F32_LANES);
        let step = |rows: &[usize], times: Range<usize>, blocks: Range<usize>| {
            simd.vectorize(Steps {
                simd,
                run: &run,
                packed: &packed,
                rows,
                steps: times,
                blocks,
            })
        };
        match Schedule::new(run.walk, run.sizes, run.weight.len(), run.threads) {
            Schedule::Rows(parts) if parts.len() == 1 => step(&parts[0], 0..time, 0..blocks),
            Schedule::Rows(parts) => parts
                .par_iter()
                .for_each(|rows| step(rows, 0..time, 0..blocks)),
            Schedule::Units(rows, parts) => rayon::scope(|_| {
                for t in 0..time {
                    (0..parts)
                        .into_par_iter()
                        .for_each(|part| step(&rows, t..t + 1, share(blocks, part, parts)));
                }
            }),
        }
        run.finish();
    }
}

impl<P> Forward<'_, P> {
    /// The hidden states after each row's last step.
    fn finish(&self) {
        let Sizes { batch, hidden, .. } = self.sizes;
        for row in 0..batch {
            let length = length(self.walk, self.sizes, row);
            if length > 0 {
                let last = self.walk.direction.step(length - 1, length);
                // SAFETY: all threads are done.
                let (state, output) = unsafe {
                    (
                        self.state.write(0, row, 0..hidden),
                        self.outputs.read(last, row, 0..hidden),
                    )
                };
                state.write_copy_of_slice(output);
            }
        }
    }
}

/// Rows times steps up to which weights are not packed: one symbol at a time, as text is written.
const FEW: usize = 4;

struct Packed<I: Simd, const G: usize> {
    weight: Option<Panels<I, G>>,
    input_bias: Vec<[I::f32s; G]>,
    recurrent_bias: Vec<[I::f32s; G]>,
}

/// Some rows, some time steps, some blocks of units.
struct Steps<'a, I: Simd, P, const G: usize, const S: usize, const A: usize> {
    simd: I,
    run: &'a Forward<'a, P>,
    packed: &'a Packed<I, G>,
    rows: &'a [usize],
    steps: Range<usize>,
    blocks: Range<usize>,
}

impl<I: Simd, P, const G: usize, const S: usize, const A: usize> NullaryFnOnce
    for Steps<'_, I, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let walk = self.run.walk;
        for step in self.steps.clone() {
            let t = walk.direction.step(step, self.run.sizes.time);
            let rows = present(walk, self.rows, t);
            let mut block = self.blocks.start;
            while block < self.blocks.end {
                // One gate alone would leave registers unused: then four blocks at once.
                let packed = self.packed.weight.is_some();
                let together = if G == 1 && packed && block + 4 <= self.blocks.end {
                    4
                } else {
                    1
                };
                for group in groups(rows, rows_at_once::<I>(G * together)) {
                    self.group(t, group, block, together);
                }
                block += together;
            }
        }
    }
}

impl<I: Simd, P, const G: usize, const S: usize, const A: usize> Steps<'_, I, P, G, S, A>
where
    P: Pointwise<G, S, A>,
{
    /// Some blocks of units of some rows, at step `t`.
    #[inline(always)]
    fn group(&self, t: usize, rows: &[usize], block: usize, together: usize) {
        let (run, packed, simd) = (self.run, self.packed, self.simd);
        let hidden = run.sizes.hidden;
        let mut states: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
        let mut sums = Lines([simd.splat_f32s(0.0); MOST_SUMS]);
        let (sums, _) = sums.0.as_chunks_mut::<G>();
        for (m, &row) in rows.iter().enumerate() {
            // SAFETY: the states before this step are complete, and written to no more.
            states[m] = unsafe {
                match before(run.walk, run.sizes, row, t) {
                    Some(before) => run.hidden.read(before % 2, row, 0..hidden),
                    None => run.initial.read(0, row, 0..hidden),
                }
            };
            sums[m * together..][..together]
                .copy_from_slice(&packed.recurrent_bias[block..block + together]);
        }

        let (states, sums) = (&states[..rows.len()], &mut sums[..rows.len() * together]);
        match (&packed.weight, together) {
            (Some(weight), 4) => {
                let panels = array::from_fn(|u| weight.get(block + u).as_flattened());
                let panels = panels.map(|panel| panel.as_chunks().0);
                multiply::<I, 1, 4>(simd, sums.as_flattened_mut(), states, panels);
            }
            (Some(weight), _) => {
                let panel = weight.get(block);
                multiply::<I, G, 1>(simd, sums.as_flattened_mut(), states, [panel]);
            }
            (None, _) => multiply_unpacked(simd, sums, states, run.weight, block),
        }

        for (&row, sums) in rows.iter().zip(sums.chunks_exact(together)) {
            let before = before(run.walk, run.sizes, row, t);
            for (u, &recurrent) in sums.iter().enumerate() {
                self.unit_block(t, row, before, block + u, recurrent);
            }
        }
    }

    /// The cell's equations, for one row and one block of units.
    #[inline(always)]
    fn unit_block(
        &self,
        t: usize,
        row: usize,
        before: Option<usize>,
        block: usize,
        recurrent: [I::f32s; G],
    ) {
        let (run, simd) = (self.run, self.simd);
        let hidden = run.sizes.hidden;
        let units = columns::<I>(block, hidden);
        let of = |index: usize| index * hidden + units.start..index * hidden + units.end;
        let lanes = |values| Lanes::new(simd, values);

        // SAFETY: these columns of this row are this thread's alone, at this step and in the state;
        // the hidden states before the step are complete.
        unsafe {
            let input = array::from_fn(|g| {
                let projected = load(simd, run.projected.read(t, row, of(g)));
                lanes(simd.add_f32s(projected, self.packed.input_bias[block][g]))
            });
            let state = array::from_fn(|s| {
                lanes(load(
                    simd,
                    match (s, before) {
                        (0, Some(before)) => run.hidden.read(before % 2, row, units.clone()),
                        (0, None) => run.initial.read(0, row, units.clone()),
                        (s, _) => run.state.read(s, row, units.clone()),
                    },
                ))
            });
            let next = run.cell.forward(input, recurrent.map(lanes), state);

            let hidden = next.state[0];
            store(
                simd,
                run.hidden.write(t % 2, row, units.clone()),
                hidden.values,
            );
            store(
                simd,
                run.outputs.write(t, row, units.clone()),
                hidden.values,
            );
            for s in 1..S {
                store(
                    simd,
                    run.state.write(s, row, units.clone()),
                    next.state[s].values,
                );
            }
            if let Some(extra) = &run.extra {
                for g in 0..G {
                    store(
                        simd,
                        run.projected.write(t, row, of(g)),
                        next.gates[g].values,
                    );
                }
                for a in 0..A {
                    store(simd, extra.write(t, row, of(a)), next.apart[a].values);
                }
                for s in 1..S {
                    store(
                        simd,
                        extra.write(t, row, of(A + s - 1)),
                        next.state[s].values,
                    );
                }
            }
        }
    }
}
