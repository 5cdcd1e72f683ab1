//! A buffer of rows, of which several threads take different ones.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// `[time, batch, width]`, in either order in memory; a row is the `width` numbers, one after the
/// other, of a step and a sequence.
///
/// In a recurrence, rows of the batch never talk to each other. So threads that own different
/// rows, or different columns of the same rows, write to one buffer without any lock; the borrow
/// checker cannot see it, which is why the two accessors are unsafe.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    start: *mut f32,
    time: usize,
    len: usize,
    width: usize,
    strides: Strides,
    buffer: PhantomData<&'a mut [f32]>,
}

/// How far apart in memory two neighbours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Strides {
    time: usize,
    row: usize,
}

/// What comes first in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// All rows of a step, then those of the next one.
    TimeMajor,
    /// All steps of a row, then those of the next one: the order of `[batch, time, width]`.
    BatchMajor,
}

// SAFETY: it is a mutable slice of floats, cut into parts by the callers of `read` and `write`,
// who vouch for it that no two threads write, or read and write, the same part.
unsafe impl Send for Rows<'_> {}
// SAFETY: as above.
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    /// Rows of `[time, batch, width]` that may be written to.
    pub fn new(buffer: &'a mut [f32], order: Order, shape: [usize; 3]) -> Self {
        Self::at(buffer.as_mut_ptr(), buffer.len(), order, shape)
    }

    /// Rows that must be written before they are read.
    pub fn unwritten(buffer: &'a mut [MaybeUninit<f32>], order: Order, shape: [usize; 3]) -> Self {
        Self::at(buffer.as_mut_ptr().cast(), buffer.len(), order, shape)
    }

    /// Rows of `[time, batch, width]` that must only be read.
    pub fn read_only(buffer: &'a [f32], order: Order, shape: [usize; 3]) -> Self {
        Self::at(buffer.as_ptr().cast_mut(), buffer.len(), order, shape)
    }

    fn at(start: *mut f32, len: usize, order: Order, [time, batch, width]: [usize; 3]) -> Self {
        assert_eq!(len, time * batch * width, "[{time}, {batch}, {width}]");
        let strides = match order {
            Order::TimeMajor => Strides {
                time: batch * width,
                row: width,
            },
            Order::BatchMajor => Strides {
                time: width,
                row: time * width,
            },
        };
        Self {
            start,
            time,
            len,
            width,
            strides,
            buffer: PhantomData,
        }
    }

    /// Where step `t` is, in a buffer that holds some steps at a time.
    #[inline(always)]
    pub fn slot(&self, t: usize) -> usize {
        t % self.time
    }

    /// How many numbers are in a row.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.width
    }

    #[inline(always)]
    fn offset(&self, time: usize, row: usize, columns: &Range<usize>) -> usize {
        let start = time * self.strides.time + row * self.strides.row + columns.start;
        debug_assert!(columns.end <= self.width);
        debug_assert!(start + columns.len() <= self.len);
        start
    }

    /// Columns of a row.
    ///
    /// # Safety
    ///
    /// The row exists, these columns were written, and nobody writes to them while the slice lives.
    #[inline(always)]
    pub unsafe fn read(&self, time: usize, row: usize, columns: Range<usize>) -> &'a [f32] {
        let offset = self.offset(time, row, &columns);
        // SAFETY: within the buffer, which lives as long as `'a`; not written to, says the caller.
        unsafe { std::slice::from_raw_parts(self.start.add(offset), columns.len()) }
    }

    /// The first `count` rows of the first step, in one piece.
    ///
    /// # Safety
    ///
    /// They exist and were written, and nobody writes to them while the slice lives.
    pub unsafe fn first(&self, count: usize) -> &'a [f32] {
        debug_assert!(self.strides.row == self.width && count * self.width <= self.len);
        // SAFETY: within the buffer, which lives as long as `'a`; not written to, says the caller.
        unsafe { std::slice::from_raw_parts(self.start, count * self.width) }
    }

    /// Columns of a row, to be written to.
    ///
    /// # Safety
    ///
    /// The row exists, the buffer is not `read_only`, and nobody else has these columns while the
    /// slice lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "that is what the caller vouches for")]
    pub unsafe fn write(
        &self,
        time: usize,
        row: usize,
        columns: Range<usize>,
    ) -> &'a mut [MaybeUninit<f32>] {
        let offset = self.offset(time, row, &columns);
        // SAFETY: within the buffer, which lives as long as `'a`; nobody else's, says the caller.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset).cast(), columns.len()) }
    }
}
