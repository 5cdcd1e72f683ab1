//! A program, backward: from the last step to the first, the derivatives of the equations and the
//! products that take gradients back through the matrices.
//!
//! ```text
//! y = W x:    d x += W^T d y,     d W = sum_t d y x^T
//! ```
//!
//! What belongs to `d W` is put together for some steps and summed while it is in the cache.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::super::Machine;
use super::super::pack::PackedColumns;
use super::super::product::{
    DEPTH, Lines, MOST_ROWS, columns, groups, load, multiply, rows_at_once, store,
};
use super::super::rows::Rows;
use super::super::schedule::{before, present};
use super::super::slots::Slots;
use super::super::sums::GrowingSums;
use super::elements;
use super::forward::{ANYWHERE, fixed_only, operand};
use super::row::{Areas, At, GradientAreas};
use crate::program::{GradientArea, GradientPlace, Index, Mode, Op, Plan, Stage};
use crate::recurrence::{Sizes, Walk};

/// What gradients are computed from, and where they go.
pub(super) struct Backward<'a> {
    pub plan: &'a Plan,
    pub machine: Machine,
    pub walk: &'a Walk,
    pub sizes: Sizes,
    /// Numbers of the results of all products.
    pub packed: usize,
    /// Of each thread its rows, longest first.
    pub parts: &'a [Vec<usize>],
    pub matrices: Vec<&'a [f32]>,
    pub row: Areas<'a>,
    pub gradients: GradientAreas<'a>,
    /// `[T, B, units]`; nothing when the outputs were not used.
    pub outputs: Option<Rows<'a>>,
    /// Of each matrix.
    pub sums: &'a mut [GrowingSums],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(mut self, simd: I) {
        let shapes = self.plan.shapes.matrices.iter().zip(&self.matrices);
        let weights = shapes.map(|([_, input], &matrix)| PackedColumns::new(matrix, *input));
        let weights: Vec<PackedColumns<I>> = weights.collect();
        for slots in Slots::parts(self.walk, self.sizes, self.packed) {
            let walk = |rows: &Vec<usize>| {
                simd.vectorize(Steps {
                    simd,
                    run: &self,
                    weights: &weights,
                    slots: &slots,
                    rows,
                });
            };
            match self.parts {
                [rows] => walk(rows),
                parts => parts.par_iter().for_each(walk),
            }
            self.add(slots.count());
        }
    }
}

impl Backward<'_> {
    /// Adds what `count` places give to the gradients of the matrices.
    fn add(&mut self, count: usize) {
        for (product, [gradients, factors]) in self.plan.products().zip(&self.gradients.together) {
            let Op::Linear { matrix, .. } = self.plan.nodes[product].op else {
                unreachable!("a product")
            };
            // SAFETY: the threads have met.
            let (gradients, values) = unsafe { (gradients.first(count), factors.first(count)) };
            let all = 0..factors.width();
            self.sums[matrix].add_product(self.machine, count, gradients, values, all);
        }
    }
}

/// Some rows, through some steps.
struct Steps<'a, I: Simd> {
    simd: I,
    run: &'a Backward<'a>,
    weights: &'a [PackedColumns<I>],
    slots: &'a Slots,
    rows: &'a [usize],
}

impl<I: Simd> NullaryFnOnce for Steps<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Backward { plan, walk, .. } = *self.run;
        for t in walk.direction.through(self.slots.times()).rev() {
            let rows = present(walk, self.rows, t);
            for &row in rows {
                self.begin(t, row);
            }
            let mut product = plan.products().count();
            for stage in plan.stages.iter().rev() {
                match stage {
                    Stage::Elements(values) => {
                        for &row in rows {
                            let at = self.at(t, row);
                            let slot = self.slots.of(t, row);
                            for &value in values.iter().rev() {
                                self.element(at, slot, value);
                            }
                        }
                    }
                    Stage::Product(value) => {
                        product -= 1;
                        self.product(t, rows, *value, product);
                    }
                }
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

    /// What is known before the derivatives are taken: the values that were not kept, and the
    /// gradients of the next state.
    #[inline(always)]
    fn begin(&self, t: usize, row: usize) {
        let (run, plan, simd) = (self.run, self.run.plan, self.simd);
        let (at, slot) = (self.at(t, row), self.slots.of(t, row));
        let reverse = &plan.reverse;
        // SAFETY: the row is this thread's alone; each value lies elsewhere than what it is
        // computed from.
        unsafe {
            for &value in &plan.again {
                let op = &plan.nodes[value].op;
                let operand = |index: usize| run.row.read(at, operand(op, index));
                elements::forward(simd, op, operand, run.row.write(at, value));
            }
            for &(place, width) in &reverse.cleared {
                if !matches!(place.area, GradientArea::State(_)) {
                    self.clear(at, slot, place, width);
                }
            }
            for (state, &next) in plan.next.iter().enumerate() {
                let width = plan.nodes[next].width;
                let area = GradientArea::State(state);
                let carried = GradientPlace { area, offset: 0 };
                let carried = run.gradients.read(at, slot, carried, width);
                let to = run.gradients.write(at, slot, reverse.places[next], width);
                elements::carry(simd, reverse.next_modes[state], carried, to);
                if let (0, Some(outputs)) = (state, &run.outputs) {
                    let gradient = outputs.read(t, row, 0..width);
                    elements::carry(simd, Mode::Add, gradient, to);
                }
            }
            for &(place, width) in &reverse.cleared {
                if matches!(place.area, GradientArea::State(_)) {
                    self.clear(at, slot, place, width);
                }
            }
        }
    }

    /// # Safety
    ///
    /// The row is this thread's alone.
    #[inline(always)]
    unsafe fn clear(&self, at: At, slot: usize, place: GradientPlace, width: usize) {
        // SAFETY: the caller's.
        let to = unsafe { self.run.gradients.write(at, slot, place, width) };
        elements::clear(self.simd, to);
    }

    #[inline(always)]
    fn element(&self, at: At, slot: usize, value: Index) {
        let (run, plan) = (self.run, self.run.plan);
        let op = &plan.nodes[value].op;
        let width = plan.nodes[value].width;
        let place = plan.reverse.places[value];
        let more = usize::from(matches!(op, Op::Normalize { .. }));
        let mut start = 0;
        for (which, &mode) in plan.reverse.modes[value].iter().enumerate() {
            let operand_width = plan.nodes[operand(op, which)].width;
            let of_this = match op {
                Op::Concat(_) => GradientPlace {
                    offset: place.offset + start,
                    ..place
                },
                _ => place,
            };
            start += operand_width;
            if mode == Mode::Nothing {
                continue;
            }
            // SAFETY: the row is this thread's alone; the gradient of a value is complete, and lies
            // elsewhere than those of what it was computed from.
            unsafe {
                let values = elements::Values {
                    value: || run.row.read_wide(at, value, width + more),
                    operand: |index: usize| run.row.read(at, operand(op, index)),
                    gradient: run.gradients.read(at, slot, of_this, operand_width),
                };
                let target = plan.reverse.places[operand(op, which)];
                let to = run.gradients.write(at, slot, target, operand_width);
                elements::backward(self.simd, op, which, mode, &values, to);
            }
        }
    }

    /// `d x += W^T d y`, and what `d W` will be computed from.
    #[inline(always)]
    fn product(&self, t: usize, rows: &[usize], value: Index, product: usize) {
        let (run, plan) = (self.run, self.run.plan);
        let Op::Linear { matrix, of } = plan.nodes[value].op else {
            unreachable!("a product")
        };
        let [out, input] = plan.shapes.matrices[matrix];
        let place = plan.reverse.places[of];
        for &row in rows {
            let (at, slot) = (self.at(t, row), self.slots.of(t, row));
            // SAFETY: the row and its slot are this thread's alone.
            unsafe {
                let to = run.gradients.together[product][1].write(0, slot, 0..input);
                to.write_copy_of_slice(run.row.read(at, of));
                if plan.reverse.modes[value][0] == Mode::Store {
                    self.clear(at, slot, place, input);
                }
            }
        }
        let weight = &self.weights[matrix];
        for depth in (0..out).step_by(DEPTH) {
            let depth = depth..out.min(depth + DEPTH);
            for panel in 0..weight.count() {
                match panel.checked_sub(weight.wide_count) {
                    None => {
                        let weight = &weight.wide.get(panel)[depth.clone()];
                        self.accumulate(t, rows, [product, of], weight, depth.clone(), 4 * panel);
                    }
                    Some(narrow) => {
                        let register = 4 * weight.wide_count + narrow;
                        let weight = &weight.narrow.get(narrow)[depth.clone()];
                        self.accumulate(t, rows, [product, of], weight, depth.clone(), register);
                    }
                }
            }
        }
    }

    /// The same for one panel, the first of whose registers is the `register`-th of a row.
    #[inline(always)]
    fn accumulate<const N: usize>(
        &self,
        t: usize,
        rows: &[usize],
        [product, of]: [usize; 2],
        weight: &[[I::f32s; N]],
        depth: Range<usize>,
        register: usize,
    ) {
        let (run, simd) = (self.run, self.simd);
        let width = run.plan.nodes[of].width;
        let place = run.plan.reverse.places[of];
        let part = |n: usize| {
            let columns = columns::<I>(register + n, width);
            let offset = place.offset + columns.start;
            (GradientPlace { offset, ..place }, columns.len())
        };
        for rows in groups(rows, rows_at_once::<I>(N)) {
            let mut factors: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
            let mut sums = Lines([[simd.splat_f32s(0.0); N]; MOST_ROWS]);
            for (m, &row) in rows.iter().enumerate() {
                let (at, slot) = (self.at(t, row), self.slots.of(t, row));
                // SAFETY: the row is this thread's alone; the gradient of the product is complete.
                unsafe {
                    factors[m] = run.gradients.together[product][0].read(0, slot, depth.clone());
                    for n in 0..N {
                        let (place, width) = part(n);
                        sums.0[m][n] = load(simd, run.gradients.read(at, slot, place, width));
                    }
                }
            }
            let sums = &mut sums.0[..rows.len()];
            let factors = &factors[..rows.len()];
            multiply::<I, N, 1>(simd, sums.as_flattened_mut(), factors, [weight]);
            for (&row, sums) in rows.iter().zip(sums) {
                let (at, slot) = (self.at(t, row), self.slots.of(t, row));
                for (n, &sum) in sums.iter().enumerate() {
                    let (place, width) = part(n);
                    // SAFETY: as above.
                    store(
                        simd,
                        unsafe { run.gradients.write(at, slot, place, width) },
                        sum,
                    );
                }
            }
        }
    }
}

/// The derivatives of what is the same for each row and step.
pub(super) struct FixedBackward<'a> {
    pub plan: &'a Plan,
    /// `[1, 1, fixed]`.
    pub values: Rows<'a>,
    /// `[1, 1, fixed]`: what the steps left, of all rows together.
    pub gradients: Rows<'a>,
}

impl WithSimd for FixedBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let plan = self.plan;
        let areas = fixed_only(plan, self.values);
        for &value in plan.fixed.iter().rev() {
            let op = &plan.nodes[value].op;
            let place = plan.reverse.places[value];
            let width = plan.nodes[value].width;
            let more = usize::from(matches!(op, Op::Normalize { .. }));
            let mut start = place.offset;
            for (which, &mode) in plan.reverse.modes[value].iter().enumerate() {
                if mode == Mode::Nothing {
                    continue;
                }
                let of = operand(op, which);
                let operand_width = plan.nodes[of].width;
                let target = plan.reverse.places[of].offset;
                // SAFETY: nobody else has them; the gradient of a value lies elsewhere than those of
                // what it was computed from.
                unsafe {
                    let values = elements::Values {
                        value: || areas.read_wide(ANYWHERE, value, width + more),
                        operand: |index: usize| areas.read(ANYWHERE, operand(op, index)),
                        gradient: self.gradients.read(0, 0, start..start + operand_width),
                    };
                    let to = self.gradients.write(0, 0, target..target + operand_width);
                    elements::backward(simd, op, which, mode, &values, to);
                }
                if matches!(op, Op::Concat(_)) {
                    start += operand_width;
                }
            }
        }
    }
}
