//! Memory that is about to be written.

use std::mem::{ManuallyDrop, MaybeUninit};

/// Room for numbers that will all be written before any is read: filling it with zeros first
/// would take about as long as a tenth of what is computed into it.
pub(super) struct Room(Vec<MaybeUninit<f32>>);

impl Room {
    pub fn new(count: usize) -> Self {
        // `vec![MaybeUninit::uninit(); count]` would be filled, by the copies of its one element.
        Self(Box::new_uninit_slice(count).into_vec())
    }

    /// Room in which zeros stay where nothing is written.
    pub fn zeroed(count: usize) -> Self {
        Self(Box::new_zeroed_slice(count).into_vec())
    }

    pub fn as_mut(&mut self) -> &mut [MaybeUninit<f32>] {
        &mut self.0
    }

    /// The numbers.
    ///
    /// # Safety
    ///
    /// All of them were written.
    pub unsafe fn written(self) -> Vec<f32> {
        let mut numbers = ManuallyDrop::new(self.0);
        let (start, count, capacity) = (numbers.as_mut_ptr(), numbers.len(), numbers.capacity());
        // SAFETY: the parts are a vector's, which is not dropped; a number that was written is
        // laid out as it is within `MaybeUninit`.
        unsafe { Vec::from_raw_parts(start.cast(), count, capacity) }
    }
}
