//! The matrix product inside the recurrence: a few rows times packed panels, kept in registers.
//!
//! ```text
//! sums[m][u][n] += sum_k rows[m][k] panels[u][k][n]          n: registers side by side
//! ```
//!
//! Each sum runs over `k` in order, whatever the number of rows that are computed together; so a
//! row's result does not depend on how rows are grouped, nor on the number of threads.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{NullaryFnOnce, Simd};

/// Rows at once, at most.
pub(super) const MOST_ROWS: usize = 8;

/// Registers of sums, at most.
pub(super) const MOST_SUMS: usize = 32;

/// Rows of weights that a backward product takes at once: as much of a panel as fits into a core's
/// own cache together with the rows that it is multiplied with.
pub(super) const DEPTH: usize = 512;

/// What begins where a cache line does, so that no register is in two of them.
#[repr(align(64))]
pub(super) struct Lines<T>(pub T);

/// Rows to take at once: so many that the sums fit into the registers, together with the weights
/// of one step in `k` and one number of a row.
#[inline(always)]
pub(super) fn rows_at_once<S: Simd>(registers_a_row: usize) -> usize {
    match (S::REGISTER_COUNT >= 32, registers_a_row) {
        (true, 5..) => MOST_SUMS / registers_a_row,
        (true, 4) => 6,
        (true, _) => MOST_ROWS,
        (false, 5..) => 2,
        (false, 4) => 3,
        (false, _) => 4,
    }
}

/// Adds rows times `U` panels, each `N` registers wide, to `sums`, `U N` registers a row.
#[inline(always)]
pub(super) fn multiply<S: Simd, const N: usize, const U: usize>(
    simd: S,
    sums: &mut [S::f32s],
    rows: &[&[f32]],
    panels: [&[[S::f32s; N]]; U],
) {
    macro_rules! rows {
        ($($count:literal)+) => {
            match rows.len() {
                $($count => simd.vectorize(Multiply::<S, N, U, $count> {
                    simd,
                    sums,
                    rows,
                    panels,
                }),)+
                count => unreachable!("{count} rows at once"),
            }
        };
    }
    rows!(1 2 3 4 5 6 7 8);
}

struct Multiply<'a, S: Simd, const N: usize, const U: usize, const M: usize> {
    simd: S,
    sums: &'a mut [S::f32s],
    /// `M` of them. Not an array: to copy one that was just written takes longer than to read it.
    rows: &'a [&'a [f32]],
    panels: [&'a [[S::f32s; N]]; U],
}

impl<S: Simd, const N: usize, const U: usize, const M: usize> NullaryFnOnce
    for Multiply<'_, S, N, U, M>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let simd = self.simd;
        let depth = self.panels[0].len();
        // Slices of one length: then no access in the loop needs a check.
        let mut rows: [&[f32]; M] = [&[]; M];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = &self.rows[m][..depth];
        }
        let mut panels = self.panels;
        for panel in &mut panels {
            *panel = &panel[..depth];
        }
        let kept = self.sums.as_chunks_mut::<N>().0.as_chunks_mut::<U>().0;
        let kept: &mut [_; M] = kept.first_chunk_mut().expect("sums for each row");
        let mut sums = *kept;
        for k in 0..depth {
            for m in 0..M {
                let x = simd.splat_f32s(rows[m][k]);
                for u in 0..U {
                    for n in 0..N {
                        sums[m][u][n] = simd.mul_add_e_f32s(x, panels[u][k][n], sums[m][u][n]);
                    }
                }
            }
        }
        *kept = sums;
    }
}

/// Adds rows times a block of `hidden` units of the weights as they lie, `[G H, K]`, to `sums`, `G`
/// registers a row: each sum is one row of the weights, read from end to end.
#[inline(always)]
pub(super) fn multiply_unpacked<S: Simd, const G: usize>(
    simd: S,
    sums: &mut [[S::f32s; G]],
    rows: &[&[f32]],
    weight: &[f32],
    hidden: usize,
    block: usize,
) {
    for (sums, row) in sums.iter_mut().zip(rows) {
        let depth = row.len();
        for (gate, sums) in weight.chunks_exact(hidden * depth).zip(sums) {
            let units = columns::<S>(block, hidden);
            let mut products = *sums;
            let lanes: &mut [f32] =
                pulp::bytemuck::cast_slice_mut(std::slice::from_mut(&mut products));
            for (unit, lane) in units.zip(lanes) {
                *lane += dot(simd, &gate[unit * depth..][..depth], row);
            }
            *sums = products;
        }
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    // Four sums, so that a product need not wait for the one before it.
    let mut sums = [simd.splat_f32s(0.0); 4];
    for (index, (&a, &b)) in a.iter().zip(b).enumerate() {
        sums[index % 4] = simd.mul_add_e_f32s(a, b, sums[index % 4]);
    }
    let (a, b) = (
        simd.partial_load_f32s(a_rest),
        simd.partial_load_f32s(b_rest),
    );
    sums[0] = simd.mul_add_e_f32s(a, b, sums[0]);
    let [a, b, c, d] = sums;
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}

/// Loads a register from at most as many numbers as it has lanes; the rest are zero.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from).0.first() {
        Some(&values) => values,
        None => simd.partial_load_f32s(from),
    }
}

/// Stores as many lanes as there is room for.
#[inline(always)]
pub(super) fn store<S: Simd>(_: S, to: &mut [MaybeUninit<f32>], values: S::f32s) {
    let lanes: &[f32] = pulp::bytemuck::cast_slice(std::slice::from_ref(&values));
    if to.len() == S::F32_LANES {
        // One instruction, as the length is known.
        to.write_copy_of_slice(&lanes[..S::F32_LANES]);
    } else {
        to.write_copy_of_slice(&lanes[..to.len()]);
    }
}

/// The columns of the `index`-th register of a row of `width` numbers; none beyond its end.
#[inline(always)]
pub(super) fn columns<S: Simd>(index: usize, width: usize) -> Range<usize> {
    let start = width.min(index * S::F32_LANES);
    start..width.min(start + S::F32_LANES)
}

/// The same, of a register that is known not to go beyond the end if it is `FULL`: then its length
/// is known where this is compiled, and no load or store has to ask for it.
#[inline(always)]
pub(super) fn units<S: Simd, const FULL: bool>(index: usize, width: usize) -> Range<usize> {
    match FULL {
        true => index * S::F32_LANES..(index + 1) * S::F32_LANES,
        false => columns::<S>(index, width),
    }
}

/// `rows` in groups of nearly equal size, none above `most`.
pub(super) fn groups<T>(rows: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let count = rows.len().div_ceil(most);
    (0..count).map(move |index| &rows[super::schedule::share(rows.len(), index, count)])
}
