//! The recurrence, forward: product, equations and stores of a block of units while it is in
//! registers.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::gate_weights::GateWeights;
use super::input_product::{InputProduct, Product};
use super::lanes::Lanes;
use super::pack;
use super::product::{Lines, MOST_ROWS, MOST_SUMS, groups, load, rows_at_once, units};
use super::registers::{Both, Registers};
use super::rows::Rows;
use super::schedule::{Division, before, length, present, share};
use crate::pointwise::Pointwise;
use crate::recurrence::{Sizes, Walk};

/// What a run reads and where it writes; lengths as in [`Inputs`](crate::Inputs).
pub(super) struct Forward<'a, P> {
    pub cell: P,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    pub schedule: &'a Division,
    /// `[T, B, G H]`, or as many steps of it as are computed at once. Where something is kept, the
    /// gates are written in its place.
    pub projected: Rows<'a>,
    /// Of what to compute the projection; nothing if it is there.
    pub product: Option<Product<'a>>,
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
        let rows = time * run.sizes.batch;
        let packed = Packed {
            weight: GateWeights::<I, G>::new(run.weight, hidden, rows),
            input_bias: pack::bias::<I, G>(simd, run.input_bias, hidden),
            recurrent_bias: pack::bias::<I, G>(simd, run.recurrent_bias, hidden),
        };
        let input_product = run.product.as_ref().map(|product| InputProduct {
            simd,
            weight: GateWeights::<I, G>::new(product.weight, hidden, rows),
            input: product.input,
            projected: run.projected,
            hidden,
        });
        let blocks = hidden.div_ceil(I::F32_LANES);
        let project = |rows: &[usize], times: Range<usize>, blocks: Range<usize>| {
            if let Some(product) = &input_product {
                product.compute(run.walk, run.sizes, rows, times, blocks);
            }
        };
        let step = |rows: &[usize], times: Range<usize>, blocks: Range<usize>| {
            simd.vectorize(Steps {
                simd,
                run: &run,
                packed: &packed,
                rows,
                times,
                blocks,
            })
        };
        match run.schedule {
            Division::Rows(parts) => {
                let walk = |rows: &Vec<usize>| {
                    for times in run.parts_of_time() {
                        project(rows, times.clone(), 0..blocks);
                        step(rows, times, 0..blocks);
                    }
                };
                match &parts[..] {
                    [rows] => walk(rows),
                    parts => parts.par_iter().for_each(walk),
                }
            }
            Division::Units(rows, parts) => rayon::scope(|_| {
                let share = |part| share(blocks, part, *parts);
                let together = |work: &(dyn Fn(usize) + Sync)| {
                    (0..*parts).into_par_iter().for_each(work);
                };
                for times in run.parts_of_time() {
                    together(&|part| project(rows, times.clone(), share(part)));
                    for t in run.walk.direction.through(times) {
                        together(&|part| step(rows, t..t + 1, share(part)));
                    }
                }
            }),
        }
        run.finish();
    }
}

impl<P> Forward<'_, P> {
    /// All of time, cut where the next steps have to be projected, in the order of the walk.
    fn parts_of_time(&self) -> impl Iterator<Item = Range<usize>> {
        let time = self.sizes.time;
        let at_once = self
            .product
            .as_ref()
            .map_or(time, |product| product.at_once);
        let parts = time.div_ceil(at_once);
        let order = self.walk.direction.through(0..parts);
        order.map(move |part| part * at_once..time.min((part + 1) * at_once))
    }

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

struct Packed<'a, I: Simd, const G: usize> {
    weight: GateWeights<'a, I, G>,
    input_bias: Vec<[I::f32s; G]>,
    recurrent_bias: Vec<[I::f32s; G]>,
}

/// Some rows, some time steps, some blocks of units.
struct Steps<'a, I: Simd, P, const G: usize, const S: usize, const A: usize> {
    simd: I,
    run: &'a Forward<'a, P>,
    packed: &'a Packed<'a, I, G>,
    rows: &'a [usize],
    times: Range<usize>,
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
        let mut sums = Lines([self.simd.splat_f32s(0.0); MOST_SUMS]);
        for t in walk.direction.through(self.times.clone()) {
            let rows = present(walk, self.rows, t);
            let mut block = self.blocks.start;
            while block < self.blocks.end {
                let together = self.packed.weight.together(block, self.blocks.end);
                for group in groups(rows, rows_at_once::<I>(G * together)) {
                    self.group(t, group, block, together, &mut sums.0);
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
    fn group(
        &self,
        t: usize,
        rows: &[usize],
        block: usize,
        together: usize,
        sums: &mut [I::f32s; MOST_SUMS],
    ) {
        let (run, packed, simd) = (self.run, self.packed, self.simd);
        let hidden = run.sizes.hidden;
        let mut states: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
        let sums = &mut sums.as_chunks_mut::<G>().0[..rows.len() * together];
        for (m, &row) in rows.iter().enumerate() {
            // SAFETY: the states before this step are complete, and written to no more.
            states[m] = unsafe { self.hidden_before(t, row, 0..hidden) };
            for u in 0..together {
                sums[m * together + u] = packed.recurrent_bias[block + u];
            }
        }

        let states = &states[..rows.len()];
        packed.weight.multiply(simd, sums, states, block);

        let at = |index: usize| (rows[index / together], block + index % together);
        let full = (block + together) * I::F32_LANES <= hidden;
        let times = [t, run.projected.slot(t)];
        let mut done = 0;
        while done < sums.len() {
            done += match (&sums[done..], full) {
                ([a, b, ..], true) => {
                    let blocks = [at(done), at(done + 1)];
                    self.equations::<Both<_>, true>(times, blocks, [a, b])
                }
                ([a, ..], true) => self.equations::<Lanes<_>, true>(times, [at(done); 2], [a; 2]),
                ([a, ..], false) => self.equations::<Lanes<_>, false>(times, [at(done); 2], [a; 2]),
                ([], _) => unreachable!("not done"),
            };
        }
    }

    /// The hidden state of a row before step `t`.
    ///
    /// # Safety
    ///
    /// As [`Rows::read`].
    #[inline(always)]
    unsafe fn hidden_before(&self, t: usize, row: usize, columns: Range<usize>) -> &[f32] {
        let run = self.run;
        // SAFETY: the caller's.
        unsafe {
            match before(run.walk, run.sizes, row, t) {
                Some(before) => run.hidden.read(before % 2, row, columns),
                None => run.initial.read(0, row, columns),
            }
        }
    }

    /// The cell's equations, for one or two blocks of units, each of a row; how many. A block may
    /// end early unless it is `FULL`.
    #[inline(always)]
    fn equations<V: Registers<I>, const FULL: bool>(
        &self,
        [t, slot]: [usize; 2],
        blocks: [(usize, usize); 2],
        recurrent: [&[I::f32s; G]; 2],
    ) -> usize {
        let (run, simd) = (self.run, self.simd);
        let hidden = run.sizes.hidden;
        let row = [blocks[0].0, blocks[1].0];
        let units = [blocks[0].1, blocks[1].1].map(|block| units::<I, FULL>(block, hidden));
        let of =
            |w: usize, index: usize| index * hidden + units[w].start..index * hidden + units[w].end;
        let zero = V::of(
            simd,
            #[inline(always)]
            |_| simd.splat_f32s(0.0),
        );

        // SAFETY: these columns of these rows are this thread's alone, at this step and in the state;
        // the hidden states before the step are complete.
        unsafe {
            let (mut input, mut sums, mut state) = ([zero; G], [zero; G], [zero; S]);
            for g in 0..G {
                input[g] = V::of(
                    simd,
                    #[inline(always)]
                    |w| {
                        let projected = load(simd, run.projected.read(slot, row[w], of(w, g)));
                        simd.add_f32s(projected, self.packed.input_bias[blocks[w].1][g])
                    },
                );
                sums[g] = V::of(
                    simd,
                    #[inline(always)]
                    |w| recurrent[w][g],
                );
            }
            state[0] = V::load(
                simd,
                #[inline(always)]
                |w| self.hidden_before(t, row[w], of(w, 0)),
            );
            for (s, state) in state.iter_mut().enumerate().skip(1) {
                *state = V::load(
                    simd,
                    #[inline(always)]
                    |w| run.state.read(s, row[w], of(w, 0)),
                );
            }
            let next = run.cell.forward(input, sums, state);

            next.state[0].store(
                simd,
                #[inline(always)]
                |w| run.hidden.write(t % 2, row[w], of(w, 0)),
            );
            next.state[0].store(
                simd,
                #[inline(always)]
                |w| run.outputs.write(t, row[w], of(w, 0)),
            );
            for s in 1..S {
                next.state[s].store(
                    simd,
                    #[inline(always)]
                    |w| run.state.write(s, row[w], of(w, 0)),
                );
            }
            if let Some(extra) = &run.extra {
                for g in 0..G {
                    next.gates[g].store(
                        simd,
                        #[inline(always)]
                        |w| run.projected.write(t, row[w], of(w, g)),
                    );
                }
                for a in 0..A {
                    next.apart[a].store(
                        simd,
                        #[inline(always)]
                        |w| extra.write(t, row[w], of(w, a)),
                    );
                }
                for s in 1..S {
                    next.state[s].store(
                        simd,
                        #[inline(always)]
                        |w| extra.write(t, row[w], of(w, A + s - 1)),
                    );
                }
            }
        }
        V::COUNT
    }
}
