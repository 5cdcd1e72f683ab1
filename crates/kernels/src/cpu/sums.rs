//! What is summed over all steps: for the weights, a large product of some steps at a time; for the
//! biases, one pass over them.
//!
//! ```text
//! d W = sum_t d a_t x_t^T        d R = sum_t d g_t h_{t-1}^T
//! d b_W = sum_t d a_t            d b_R = sum_t d g_t
//! ```

use std::ops::Range;

use gemm::Parallelism;
use rayon::prelude::*;

use super::Machine;
use super::rows::Rows;

/// What belongs to some steps, put together.
#[derive(Clone, Copy)]
pub(super) struct Together<'a> {
    /// `d g_t`: `[G H]` each.
    pub recurrent: Rows<'a>,
    /// `d a_t`, where it is another than `d g_t`: `[G H]` each.
    pub input_side: Option<Rows<'a>>,
    /// `h_{t-1}` and, if the gradient of `W` is asked for, `x_t`: `[H + I]` each.
    pub factors: Rows<'a>,
}

/// What is summed over all steps.
pub(super) struct Sums {
    hidden: usize,
    /// `H`, and `I` if the gradient of `W` is asked for.
    factors: usize,
    /// Of the recurrent weights; and, where `d a_t` is `d g_t`, of the input weights beside them.
    weight: GrowingSums,
    recurrent_bias: Vec<f32>,
    /// Of the input weights and the input bias, where `d a_t` is another.
    apart: Option<(GrowingSums, Vec<f32>)>,
}

/// [`Sums`], of everything.
pub(super) struct Summed {
    pub weight: Vec<f32>,
    pub recurrent_bias: Vec<f32>,
    /// Empty where it is not asked for.
    pub input_weight: Vec<f32>,
    pub input_bias: Vec<f32>,
}

impl Sums {
    /// Of a cell with this many numbers in all gates; `features` are those of the input, none if
    /// the gradient of `W` is not asked for.
    pub fn new(apart: bool, packed: usize, hidden: usize, features: usize) -> Self {
        let beside = if apart { 0 } else { features };
        Self {
            hidden,
            factors: hidden + features,
            weight: GrowingSums::new(packed * (hidden + beside)),
            recurrent_bias: vec![0.0; packed],
            apart: apart.then(|| (GrowingSums::new(packed * features), vec![0.0; packed])),
        }
    }

    /// Adds what `count` places give.
    ///
    /// # Safety
    ///
    /// All threads are done with these places.
    pub unsafe fn add(&mut self, machine: Machine, together: &Together, count: usize) {
        // SAFETY: the caller's; all columns of the places that are taken were written.
        let [recurrent, factors] =
            [together.recurrent, together.factors].map(|rows| unsafe { rows.first(count) });
        add_columns(machine, recurrent, &mut self.recurrent_bias);
        let (hidden, all) = (self.hidden, self.factors);
        let beside = if self.apart.is_some() { hidden } else { all };
        self.weight
            .add_product(machine, count, recurrent, factors, 0..beside);
        if let (Some((weight, bias)), Some(input_side)) = (&mut self.apart, together.input_side) {
            // SAFETY: as above.
            let input_side = unsafe { input_side.first(count) };
            add_columns(machine, input_side, bias);
            weight.add_product(machine, count, input_side, factors, hidden..all);
        }
    }

    /// The sums.
    pub fn finish(self) -> Summed {
        let (weight, input_weight, input_bias) = match self.apart {
            Some((input_weight, bias)) => (self.weight.finish(), input_weight.finish(), bias),
            None => {
                let [weight, input_weight] = self.weight.split(self.factors, self.hidden);
                (weight, input_weight, self.recurrent_bias.clone())
            }
        };
        Summed {
            weight,
            recurrent_bias: self.recurrent_bias,
            input_weight,
            input_bias,
        }
    }
}

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

/// A sum over steps that grows by some of them at a time.
pub(super) struct GrowingSums {
    values: Vec<f32>,
    is_empty: bool,
}

impl GrowingSums {
    /// Nothing yet.
    pub fn new(count: usize) -> Self {
        Self {
            values: vec![0.0; count],
            is_empty: true,
        }
    }

    /// The sum.
    pub fn finish(self) -> Vec<f32> {
        self.values
    }

    /// The first columns of the sum, `[rows, width]`, and the rest.
    fn split(self, width: usize, first: usize) -> [Vec<f32>; 2] {
        let mut parts = [Vec::new(), Vec::new()];
        for row in self.values.chunks_exact(width) {
            parts[0].extend_from_slice(&row[..first]);
            parts[1].extend_from_slice(&row[first..]);
        }
        parts
    }

    /// Adds the transpose of `[rows, columns]` times `[rows, width]`: a weight's part in these rows.
    /// Of the factors, these columns are meant.
    pub fn add_product(
        &mut self,
        machine: Machine,
        rows: usize,
        gradients: &[f32],
        factors: &[f32],
        meant: Range<usize>,
    ) {
        if rows == 0 {
            return;
        }
        let (columns, stride, width) = (gradients.len() / rows, factors.len() / rows, meant.len());
        assert_eq!(gradients.len(), rows * columns);
        assert_eq!(factors.len(), rows * stride);
        assert!(meant.end <= stride);
        assert_eq!(self.values.len(), columns * width);
        // SAFETY: the strides describe the three slices, whose lengths were checked above; the output
        // is borrowed mutably, so it overlaps neither of the others.
        unsafe {
            gemm::gemm(
                columns,
                width,
                rows,
                self.values.as_mut_ptr(),
                1,
                width as isize,
                !self.is_empty,
                gradients.as_ptr(),
                columns as isize,
                1,
                factors.as_ptr().add(meant.start),
                1,
                stride as isize,
                1.0f32,
                1.0f32,
                false,
                false,
                false,
                machine.parallelism(rows * width * columns),
            );
        }
        self.is_empty = false;
    }
}

/// Columns that one thread sums at a time.
const STRIP: usize = 64;

/// Rows that are summed before the sum is added to that of all: so that a small number is not
/// added to one that is thousands of times larger.
const RUN: usize = 128;

/// Adds the sum of each column of `[rows, width]`: of what all rows have in common, such as a bias, the part
/// of each.
pub(super) fn add_columns(machine: Machine, values: &[f32], into: &mut [f32]) {
    let width = into.len();
    let strip = |(index, into): (usize, &mut [f32])| {
        let range = index * STRIP..index * STRIP + into.len();
        machine.arch.dispatch(|| sum(values, width, range, into));
    };
    if machine.threads > 1 && values.len() > 1 << 18 {
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
    for (into, total) in into.iter_mut().zip(&total) {
        *into += total;
    }
}
