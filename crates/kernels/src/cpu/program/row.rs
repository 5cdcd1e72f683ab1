//! Where the numbers of a row are, at a step.

use std::mem::MaybeUninit;

use super::super::rows::Rows;
use crate::program::{Area, GradientArea, GradientPlace, Index, Op, Plan};

/// Where each of so many things begins, if they stand side by side.
pub(super) fn starts(widths: &[usize]) -> Vec<usize> {
    let mut start = 0;
    let starts = widths.iter().map(|width| {
        start += width;
        start - width
    });
    starts.collect()
}

/// What values lie in.
#[derive(Clone, Copy)]
pub(super) struct Areas<'a> {
    pub plan: &'a Plan,
    /// `[T, B, projected]`.
    pub projected: Rows<'a>,
    /// `[1, B, units]`.
    pub initial: Rows<'a>,
    /// `[1, 1, fixed]`.
    pub fixed: Rows<'a>,
    /// `[T, B, kept]`, or the last two steps of it.
    pub kept: Rows<'a>,
    /// `[1, B, scratch]`.
    pub scratch: Rows<'a>,
}

/// A row at a step.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub t: usize,
    pub row: usize,
    /// The row's step before this one, if there is any.
    pub before: Option<usize>,
}

impl<'a> Areas<'a> {
    /// `width` numbers of a value and what follows it.
    ///
    /// # Safety
    ///
    /// They were written, and are written to no more while the slice lives.
    #[inline(always)]
    pub unsafe fn read_wide(&self, at: At, value: Index, width: usize) -> &'a [f32] {
        let place = self.plan.places[value];
        let columns = place.offset..place.offset + width;
        // SAFETY: the caller's.
        unsafe {
            match place.area {
                Area::Projected => self.projected.read(at.t, at.row, columns),
                Area::Fixed => self.fixed.read(0, 0, columns),
                Area::Kept => self.kept.read(self.kept.slot(at.t), at.row, columns),
                Area::Scratch => self.scratch.read(0, at.row, columns),
                Area::State(state) => {
                    let (first, rows, t) = match at.before {
                        Some(before) => (
                            self.plan.next_place(state),
                            &self.kept,
                            self.kept.slot(before),
                        ),
                        None => {
                            let units = &self.plan.shapes.state[..state];
                            (units.iter().sum(), &self.initial, 0)
                        }
                    };
                    rows.read(t, at.row, first + columns.start..first + columns.end)
                }
            }
        }
    }

    /// A value.
    ///
    /// # Safety
    ///
    /// As [`Self::read_wide`].
    #[inline(always)]
    pub unsafe fn read(&self, at: At, value: Index) -> &'a [f32] {
        // SAFETY: the caller's.
        unsafe { self.read_wide(at, value, self.plan.nodes[value].width) }
    }

    /// A value that is computed here, with the number that follows a normalisation.
    ///
    /// # Safety
    ///
    /// Nobody else has it while the slice lives.
    #[inline(always)]
    pub unsafe fn write(&self, at: At, value: Index) -> &'a mut [MaybeUninit<f32>] {
        let place = self.plan.places[value];
        let node = &self.plan.nodes[value];
        let more = usize::from(matches!(node.op, Op::Normalize { .. }));
        let columns = place.offset..place.offset + node.width + more;
        // SAFETY: the caller's.
        unsafe {
            match place.area {
                Area::Kept => self.kept.write(self.kept.slot(at.t), at.row, columns),
                Area::Scratch => self.scratch.write(0, at.row, columns),
                Area::Fixed => self.fixed.write(0, 0, columns),
                Area::Projected | Area::State(_) => unreachable!("they are given"),
            }
        }
    }
}

/// What gradients lie in.
pub(super) struct GradientAreas<'a> {
    /// `[T, B, projected]`.
    pub projected: Rows<'a>,
    /// `[1, B, units]`.
    pub state: Rows<'a>,
    /// Where each tensor of the state begins in it.
    pub states: Vec<usize>,
    /// `[1, B, fixed]`.
    pub fixed: Rows<'a>,
    /// `[1, B, scratch]`.
    pub scratch: Rows<'a>,
    /// Of each product, `[1, slots, ..]`: the gradients of its results, and its factors.
    pub together: Vec<[Rows<'a>; 2]>,
}

impl<'a> GradientAreas<'a> {
    #[inline(always)]
    fn rows(&self, at: At, slot: usize, place: GradientPlace) -> (&Rows<'a>, [usize; 3]) {
        let offset = place.offset;
        match place.area {
            GradientArea::Projected => (&self.projected, [at.t, at.row, offset]),
            GradientArea::State(state) => (&self.state, [0, at.row, self.states[state] + offset]),
            GradientArea::Fixed => (&self.fixed, [0, at.row, offset]),
            GradientArea::Scratch => (&self.scratch, [0, at.row, offset]),
            GradientArea::Product(product) => (&self.together[product][0], [0, slot, offset]),
        }
    }

    /// `width` numbers of a gradient.
    ///
    /// # Safety
    ///
    /// They were written, and are written to no more while the slice lives.
    #[inline(always)]
    pub unsafe fn read(
        &self,
        at: At,
        slot: usize,
        place: GradientPlace,
        width: usize,
    ) -> &'a [f32] {
        let (rows, [t, row, first]) = self.rows(at, slot, place);
        // SAFETY: the caller's.
        unsafe { rows.read(t, row, first..first + width) }
    }

    /// `width` numbers of a gradient, to be written to.
    ///
    /// # Safety
    ///
    /// Nobody else has them while the slice lives.
    #[inline(always)]
    pub unsafe fn write(
        &self,
        at: At,
        slot: usize,
        place: GradientPlace,
        width: usize,
    ) -> &'a mut [MaybeUninit<f32>] {
        let (rows, [t, row, first]) = self.rows(at, slot, place);
        // SAFETY: the caller's.
        unsafe { rows.write(t, row, first..first + width) }
    }
}
