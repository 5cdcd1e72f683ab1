//! Recurrent weights, rearranged once a call into the order in which the product reads them.

use std::marker::PhantomData;

use aligned_vec::{AVec, ConstAlign};
use pulp::Simd;
use rayon::prelude::*;

/// Numbers from which on threads are worth waking.
const WORTH_SPLITTING: usize = 1 << 17;

/// Bytes of a cache line, and of the widest register. A register that is loaded from two lines
/// takes twice as long.
const LINE: usize = 64;

/// Panels of `N` registers side by side: `[panel][depth][N]`.
pub(super) struct Panels<S: Simd, const N: usize> {
    values: AVec<f32, ConstAlign<LINE>>,
    depth: usize,
    registers: PhantomData<S>,
}

impl<S: Simd, const N: usize> Panels<S, N> {
    fn zeros(panels: usize, depth: usize) -> Self {
        let mut values = AVec::new(LINE);
        values.resize(panels * depth * N * S::F32_LANES, 0.0);
        Self {
            values,
            depth,
            registers: PhantomData,
        }
    }

    /// The panel with this index: `depth` times `N` registers.
    #[inline(always)]
    pub fn get(&self, index: usize) -> &[[S::f32s; N]] {
        let (registers, _) = S::as_simd_f32s(&self.values);
        &registers.as_chunks().0[index * self.depth..(index + 1) * self.depth]
    }

    /// Calls `pack` with each panel's index and numbers.
    fn fill(&mut self, pack: impl Fn(usize, &mut [f32]) + Sync) {
        let count = (self.depth * N * S::F32_LANES).max(1);
        match self.values.len() >= WORTH_SPLITTING {
            true => {
                let panels = self.values.par_chunks_exact_mut(count).enumerate();
                panels.for_each(|(index, panel)| pack(index, panel));
            }
            false => {
                let panels = self.values.chunks_exact_mut(count).enumerate();
                panels.for_each(|(index, panel)| pack(index, panel));
            }
        }
    }
}

/// For the forward products `W x` and `R h`, of weights `[G H, K]`: one panel a block of units, the
/// gates of the block interleaved.
///
/// `panel[u][k][g][lane] = R[g H + u L + lane][k]`, so that the sums of all gates of a unit are in
/// registers at the same time and the cell's equations can be applied there.
pub(super) fn gates<S: Simd, const G: usize>(weight: &[f32], hidden: usize) -> Panels<S, G> {
    let lanes = S::F32_LANES;
    let depth = weight.len() / (G * hidden);
    let mut panels = Panels::zeros(hidden.div_ceil(lanes), depth);
    panels.fill(|block, panel| {
        let units = lanes.min(hidden - block * lanes);
        for gate in 0..G {
            let rows = &weight[(gate * hidden + block * lanes) * depth..][..units * depth];
            transpose(rows, depth, &mut panel[gate * lanes..], G * lanes);
        }
    });
    panels
}

/// Writes rows of `depth` numbers as columns of rows that are `stride` apart.
fn transpose(rows: &[f32], depth: usize, to: &mut [f32], stride: usize) {
    // Four by four: known to the compiler, which keeps such a square in registers.
    const SIDE: usize = 4;
    let squares = rows.chunks_exact(SIDE * depth);
    let rest = squares.remainder();
    let whole = depth - depth % SIDE;
    for (index, rows) in squares.enumerate() {
        let column = index * SIDE;
        let row = |lane: usize, k: usize| -> [f32; SIDE] {
            let start = lane * depth + k;
            *rows[start..].first_chunk().expect("within the row")
        };
        for k in (0..whole).step_by(SIDE) {
            let [a, b, c, d] = [row(0, k), row(1, k), row(2, k), row(3, k)];
            for i in 0..SIDE {
                to[(k + i) * stride + column..][..SIDE].copy_from_slice(&[a[i], b[i], c[i], d[i]]);
            }
        }
        for k in whole..depth {
            for lane in 0..SIDE {
                to[k * stride + column + lane] = rows[lane * depth + k];
            }
        }
    }
    let column = (rows.len() - rest.len()) / depth;
    for (lane, row) in rest.chunks_exact(depth).enumerate() {
        for (k, &value) in row.iter().enumerate() {
            to[k * stride + column + lane] = value;
        }
    }
}

/// Weights `[G H, H]` for `d g R`, in panels of four registers; what remains is in narrower ones.
pub(super) struct PackedColumns<I: Simd> {
    pub wide: Panels<I, 4>,
    pub wide_count: usize,
    /// Of one register each.
    pub narrow: Panels<I, 1>,
    narrow_count: usize,
}

impl<I: Simd> PackedColumns<I> {
    pub fn new(weight: &[f32], hidden: usize) -> Self {
        let registers = hidden.div_ceil(I::F32_LANES);
        let (wide_count, narrow_count) = match registers % 4 {
            // Three registers are read about as fast as four.
            3 => (registers / 4 + 1, 0),
            rest => (registers / 4, rest),
        };
        let first = wide_count * 4 * I::F32_LANES;
        Self {
            wide: columns(weight, hidden, 0, wide_count),
            narrow: columns(weight, hidden, first, narrow_count),
            wide_count,
            narrow_count,
        }
    }

    /// How many panels.
    pub fn count(&self) -> usize {
        self.wide_count + self.narrow_count
    }
}

/// For the backward product `d g R`: panels of `N` registers of columns, `first` units in.
///
/// `panel[p][k][n L + lane] = R[k][first + (p N + n) L + lane]`.
fn columns<S: Simd, const N: usize>(
    weight: &[f32],
    hidden: usize,
    first: usize,
    count: usize,
) -> Panels<S, N> {
    let width = N * S::F32_LANES;
    let mut panels = Panels::zeros(count, weight.len() / hidden);
    panels.fill(|index, panel| {
        let start = first + index * width;
        let end = hidden.min(start + width);
        for (row, packed) in weight
            .chunks_exact(hidden)
            .zip(panel.chunks_exact_mut(width))
        {
            packed[..end - start].copy_from_slice(&row[start..end]);
        }
    });
    panels
}

/// A bias, one register a gate: `[block][G]`.
pub(super) fn bias<S: Simd, const G: usize>(
    simd: S,
    bias: &[f32],
    hidden: usize,
) -> Vec<[S::f32s; G]> {
    let lanes = S::F32_LANES;
    (0..hidden.div_ceil(lanes))
        .map(|block| {
            std::array::from_fn(|gate| {
                let columns = super::product::columns::<S>(block, hidden);
                super::product::load(simd, &bias[gate * hidden..][columns])
            })
        })
        .collect()
}
