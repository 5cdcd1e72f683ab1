//! A program, forward: element-wise equations row by row, products of all rows of a thread.

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::super::gate_weights::GateWeights;
use super::super::product::{Lines, MOST_ROWS, MOST_SUMS, columns, groups, rows_at_once, store};
use super::super::rows::Rows;
use super::super::schedule::{before, length, present};
use super::elements;
use super::row::{Areas, At};
use crate::program::{Index, Op, Plan, Stage};
use crate::recurrence::{Sizes, Walk};

/// What a run reads and where it writes.
pub(super) struct Forward<'a> {
    pub plan: &'a Plan,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    /// Of each thread its rows, longest first.
    pub parts: &'a [Vec<usize>],
    pub matrices: Vec<&'a [f32]>,
    pub row: Areas<'a>,
    /// `[T, B, units]`, of the first tensor of the state.
    pub outputs: Rows<'a>,
    /// `[1, B, units]`; the initial state on entry.
    pub state: Rows<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let rows = self.sizes.time * self.sizes.batch;
        let shapes = self.plan.shapes.matrices.iter().zip(&self.matrices);
        let weights = shapes.map(|([out, _], &matrix)| GateWeights::new(matrix, *out, rows));
        let weights: Vec<GateWeights<I, 1>> = weights.collect();
        let walk = |rows: &Vec<usize>| {
            simd.vectorize(Steps {
                simd,
                run: &self,
                weights: &weights,
                rows,
            });
        };
        match self.parts {
            [rows] => walk(rows),
            parts => parts.par_iter().for_each(walk),
        }
    }
}

/// Some rows, through all of time.
struct Steps<'a, I: Simd> {
    simd: I,
    run: &'a Forward<'a>,
    weights: &'a [GateWeights<'a, I, 1>],
    rows: &'a [usize],
}

impl<I: Simd> NullaryFnOnce for Steps<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Forward {
            plan, walk, sizes, ..
        } = *self.run;
        for t in walk.direction.order(sizes.time) {
            let rows = present(walk, self.rows, t);
            for stage in &plan.stages {
                match stage {
                    Stage::Elements(values) => {
                        for &row in rows {
                            let at = self.at(t, row);
                            for &value in values {
                                self.element(at, value);
                            }
                        }
                    }
                    Stage::Product(value) => self.product(t, rows, *value),
                }
            }
            for &row in rows {
                self.finish(t, row);
            }
        }
    }
}

impl<I: Simd> Steps<'_, I> {
    #[inline(always)]
    fn at(&self, t: usize, row: usize) -> At {
        let before = before(self.run.walk, self.run.sizes, row, t);
        At { t, row, before }
    }

    #[inline(always)]
    fn element(&self, at: At, value: Index) {
        let (areas, plan) = (&self.run.row, self.run.plan);
        let op = &plan.nodes[value].op;
        // SAFETY: the row is this thread's alone, and what a value is computed from comes before it
        // and lies elsewhere.
        unsafe {
            let operand = |index: usize| areas.read(at, operand(op, index));
            elements::forward(self.simd, op, operand, areas.write(at, value));
        }
    }

    #[inline(always)]
    fn product(&self, t: usize, rows: &[usize], value: Index) {
        let (simd, areas, plan) = (self.simd, &self.run.row, self.run.plan);
        let Op::Linear { matrix, of } = plan.nodes[value].op else {
            unreachable!("a product")
        };
        let weight = &self.weights[matrix];
        let out = plan.nodes[value].width;
        let blocks = out.div_ceil(I::F32_LANES);
        let mut sums = Lines([[simd.splat_f32s(0.0); 1]; MOST_SUMS]);
        let mut block = 0;
        while block < blocks {
            let together = weight.together(block, blocks);
            for group in groups(rows, rows_at_once::<I>(together)) {
                let mut factors: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
                for (factor, &row) in factors.iter_mut().zip(group) {
                    // SAFETY: the stage before has computed it.
                    *factor = unsafe { areas.read(self.at(t, row), of) };
                }
                let sums = &mut sums.0[..group.len() * together];
                sums.fill([simd.splat_f32s(0.0)]);
                weight.multiply(simd, sums, &factors[..group.len()], block);
                for (m, &row) in group.iter().enumerate() {
                    // SAFETY: the row is this thread's alone.
                    let to = unsafe { areas.write(self.at(t, row), value) };
                    for u in 0..together {
                        let columns = columns::<I>(block + u, out);
                        store(simd, &mut to[columns], sums[m * together + u][0]);
                    }
                }
            }
            block += together;
        }
    }

    /// What a row shows of this step; after its last one, its state.
    #[inline(always)]
    fn finish(&self, t: usize, row: usize) {
        let Forward {
            plan,
            walk,
            sizes,
            row: areas,
            outputs,
            state,
            ..
        } = self.run;
        let at = self.at(t, row);
        // SAFETY: the row is this thread's alone.
        unsafe {
            let output = areas.read(at, plan.next[0]);
            let to = outputs.write(t, row, 0..output.len());
            to.write_copy_of_slice(output);
            let length = length(walk, *sizes, row);
            if t == walk.direction.step(length - 1, length) {
                let mut start = 0;
                for &next in &plan.next {
                    let value = areas.read(at, next);
                    let to = state.write(0, row, start..start + value.len());
                    to.write_copy_of_slice(value);
                    start += value.len();
                }
            }
        }
    }
}

/// The value that an equation reads, by its index among those.
#[inline(always)]
pub(super) fn operand(op: &Op, index: usize) -> Index {
    match (op, index) {
        (Op::Binary(_, _, b), 1) => *b,
        (Op::Concat(parts), index) => parts[index],
        (
            Op::Binary(_, of, _)
            | Op::Unary(_, of)
            | Op::Normalize { of, .. }
            | Op::Narrow { of, .. }
            | Op::Linear { of, .. },
            _,
        ) => *of,
        (Op::Projected | Op::State(_) | Op::Vector(_), _) => unreachable!("given"),
    }
}

/// What is the same for each row and step.
pub(super) struct Fixed<'a> {
    pub plan: &'a Plan,
    /// `[1, 1, fixed]`; the vectors are there.
    pub values: Rows<'a>,
}

impl WithSimd for Fixed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let areas = fixed_only(self.plan, self.values);
        let at = ANYWHERE;
        for &value in &self.plan.fixed {
            let op = &self.plan.nodes[value].op;
            if !matches!(op, Op::Vector(_) | Op::Narrow { .. }) {
                // SAFETY: nobody else has them, and what a value is computed from lies elsewhere.
                unsafe {
                    let operand = |index: usize| areas.read(at, operand(op, index));
                    elements::forward(simd, op, operand, areas.write(at, value));
                }
            }
        }
    }
}

/// Where nothing depends on row or step.
pub(super) const ANYWHERE: At = At {
    t: 0,
    row: 0,
    before: None,
};

/// Areas of which only this one is looked at.
pub(super) fn fixed_only<'a>(plan: &'a Plan, fixed: Rows<'a>) -> Areas<'a> {
    Areas {
        plan,
        projected: fixed,
        initial: fixed,
        fixed,
        kept: fixed,
        scratch: fixed,
    }
}
