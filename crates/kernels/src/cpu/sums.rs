//! What is summed over all steps once the gates' gradients are there: one large product for the
//! weights, one pass for the biases.
//!
//! ```text
//! d R = sum_t d g_t h_{t-1}^T          d b_W = sum_t d a_t          d b_R = sum_t d g_t
//! ```

use std::mem::MaybeUninit;
use std::ops::Range;

use gemm::Parallelism;
use rayon::prelude::*;

use super::Machine;
use super::rows::Order;
use super::schedule::before;
use crate::recurrence::{Sizes, Walk};

/// Multiplications from which on threads are worth waking: some tens of microseconds.
const WORTH_SPLITTING: usize = 1 << 23;

impl Machine {
    /// Whether a product of this many multiplications is shared.
    pub(super) fn shares(self, multiplications: usize) -> bool {
        self.threads > 1 && multiplications > WORTH_SPLITTING
    }

    /// How a product of this many multiplications is shared.
    pub(super) fn parallelism(self, multiplications: usize) -> Parallelism {
        match self.shares(multiplications) {
            true => Parallelism::Rayon(self.threads),
            false => Parallelism::None,
        }
    }
}

/// Numbers, `[rows, width]`, of which some columns are meant.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub values: &'a [f32],
    pub width: usize,
    pub first: usize,
    pub count: usize,
}

/// The hidden state before each step: `[T B, H]`, in the order of the outputs.
pub(super) fn hidden_before(
    walk: &Walk,
    sizes: Sizes,
    order: Order,
    initial: &[f32],
    outputs: &[f32],
) -> Vec<f32> {
    let Sizes {
        time,
        batch,
        hidden,
    } = sizes;
    let state = |t: usize, row: usize| {
        let index = match order {
            Order::TimeMajor => t * batch + row,
            Order::BatchMajor => row * time + t,
        };
        &outputs[index * hidden..][..hidden]
    };
    let mut states = Vec::with_capacity(outputs.len());
    for index in 0..time * batch {
        let (t, row) = match order {
            Order::TimeMajor => (index / batch, index % batch),
            Order::BatchMajor => (index % time, index / time),
        };
        // In the padding it does not matter which: all gradients are zero there.
        states.extend_from_slice(match before(walk, sizes, row, t) {
            Some(before) => state(before, row),
            None => &initial[row * hidden..][..hidden],
        });
    }
    states
}

/// `d R` for the gates in these columns: `into[column][unit] = sum_row d g[row][column] h[row][unit]`;
/// and so `d W`, of the input.
pub(super) fn weight(
    machine: Machine,
    gradients: Columns,
    states: &[f32],
    into: &mut [MaybeUninit<f32>],
) {
    let Columns {
        values,
        width,
        first,
        count,
    } = gradients;
    let rows = values.len() / width;
    let hidden = into.len() / count;
    assert!(first + count <= width && states.len() >= rows * hidden);
    // SAFETY: the strides describe the three slices, whose lengths were checked above; the output
    // is borrowed mutably, so it overlaps neither of the others.
    unsafe {
        gemm::gemm(
            count,
            hidden,
            rows,
            into.as_mut_ptr().cast::<f32>(),
            1,
            hidden as isize,
            false,
            values.as_ptr().add(first),
            width as isize,
            1,
            states.as_ptr(),
            1,
            hidden as isize,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            machine.parallelism(rows * hidden * count),
        );
    }
}

/// Columns that one thread sums at a time.
const STRIP: usize = 64;

/// Rows that are summed before the sum is added to that of all: so that a small number is not
/// added to one that is thousands of times larger.
const RUN: usize = 128;

/// The sum of each column.
pub(super) fn columns(machine: Machine, columns: Columns, into: &mut [f32]) {
    let strip = |(index, into): (usize, &mut [f32])| {
        let start = columns.first + index * STRIP;
        let range = start..start + into.len();
        machine
            .arch
            .dispatch(|| sum(columns.values, columns.width, range, into));
    };
    if machine.threads > 1 && columns.values.len() > 1 << 16 {
        into.par_chunks_mut(STRIP).enumerate().for_each(strip);
    } else {
        into.chunks_mut(STRIP).enumerate().for_each(strip);
    }
}

#[inline(always)]
fn sum(values: &[f32], width: usize, columns: Range<usize>, into: &mut [f32]) {
    let mut total = [0.0f32; STRIP];
    for run in values.chunks(RUN * width) {
        let mut part = [0.0f32; STRIP];
        for row in run.chunks_exact(width) {
            let row = &row[columns.clone()];
            // A whole strip has a length that the compiler knows.
            if let Ok(row) = <&[f32; STRIP]>::try_from(row) {
                for (part, value) in part.iter_mut().zip(row) {
                    *part += value;
                }
            } else {
                for (part, value) in part.iter_mut().zip(row) {
                    *part += value;
                }
            }
        }
        for (total, part) in total.iter_mut().zip(&part) {
            *total += part;
        }
    }
    into.copy_from_slice(&total[..into.len()]);
}
