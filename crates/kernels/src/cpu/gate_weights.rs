//! The weights of all gates, `[G H, K]`, as the forward products `W x` and `R h` read them.

use pulp::Simd;

use super::pack::{self, Panels};
use super::product::{multiply, multiply_unpacked};

/// Rows times steps up to which weights are not packed: one symbol at a time, as text is written.
/// To pack takes a few times as long as to read.
const FEW: usize = 4;

/// Packed, or as they lie.
pub(super) struct GateWeights<'a, I: Simd, const G: usize> {
    packed: Option<Panels<I, G>>,
    plain: &'a [f32],
    hidden: usize,
}

impl<'a, I: Simd, const G: usize> GateWeights<'a, I, G> {
    /// Weights that so many rows and steps will be multiplied with.
    pub fn new(plain: &'a [f32], hidden: usize, rows: usize) -> Self {
        Self {
            packed: (rows > FEW).then(|| pack::gates(plain, hidden)),
            plain,
            hidden,
        }
    }

    /// How many of the blocks of units from `block` on are multiplied at once: one gate alone would
    /// leave registers unused, so there it is four.
    #[inline(always)]
    pub fn together(&self, block: usize, end: usize) -> usize {
        match G == 1 && self.packed.is_some() && block + 4 <= end {
            true => 4,
            false => 1,
        }
    }

    /// Adds rows times some blocks of units to `sums`, which has `G` registers a row and block.
    #[inline(always)]
    pub fn multiply(&self, simd: I, sums: &mut [[I::f32s; G]], rows: &[&[f32]], block: usize) {
        match (&self.packed, sums.len() / rows.len()) {
            // One gate: its panels are as wide as if there were one register side by side.
            (Some(weight), 4) => {
                let panel = |u| weight.get(block + u).as_flattened().as_chunks().0;
                let panels = [panel(0), panel(1), panel(2), panel(3)];
                multiply::<I, 1, 4>(simd, sums.as_flattened_mut(), rows, panels);
            }
            (Some(weight), _) => {
                multiply::<I, G, 1>(simd, sums.as_flattened_mut(), rows, [weight.get(block)]);
            }
            (None, _) => multiply_unpacked(simd, sums, rows, self.plain, self.hidden, block),
        }
    }
}
