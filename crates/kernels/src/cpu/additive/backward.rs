//! Additive scores, backward: a register of units of a row by itself, with every query and step.

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::each;
use super::super::lanes::tanh;
use super::super::product::{columns, load, store};
use super::super::rows::Rows;
use super::{Read, Sizes};

/// What is read and where gradients are written.
pub(super) struct Backward<'a> {
    pub read: Read<'a>,
    pub shared: bool,
    /// Of the scores: `[batch, queries, steps]`.
    pub gradient: Rows<'a>,
    /// `[batch, queries, units]`.
    pub queries: Rows<'a>,
    /// `[batch, steps, units]`, zeros on entry.
    pub keys: Rows<'a>,
    /// Of each row: `[batch, 1, units]`.
    pub fit: Rows<'a>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<I: Simd>(self, simd: I) {
        let Sizes { batch, units, .. } = self.read.sizes;
        let registers = units.div_ceil(I::F32_LANES);
        let one = |index: usize| {
            simd.vectorize(Units {
                simd,
                run: &self,
                row: index / registers,
                register: index % registers,
            });
        };
        each(self.shared, batch * registers, one);
    }
}

/// Some units of a row.
struct Units<'a, I: Simd> {
    simd: I,
    run: &'a Backward<'a>,
    row: usize,
    register: usize,
}

impl<I: Simd> NullaryFnOnce for Units<'_, I> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, run, row, .. } = self;
        let Read { sizes, fit, .. } = run.read;
        let units = columns::<I>(self.register, sizes.units);
        let v = load(simd, &fit[units.clone()]);
        let zero = simd.splat_f32s(0.0);
        let mut of_fit = zero;
        for query in 0..sizes.queries {
            // SAFETY: these units of this row are this piece's alone; what is read was written.
            unsafe {
                let q = load(simd, run.read.queries.read(query, row, units.clone()));
                let gradient = run.gradient.read(query, row, 0..sizes.steps);
                let mut of_query = zero;
                for (step, &g) in gradient.iter().enumerate() {
                    let k = load(simd, run.read.keys.read(step, row, units.clone()));
                    let y = tanh(simd, simd.add_f32s(q, k));
                    let g = simd.splat_f32s(g);
                    of_fit = simd.mul_add_f32s(g, y, of_fit);
                    // g (1 - y^2)
                    let through = simd.sub_f32s(g, simd.mul_f32s(g, simd.mul_f32s(y, y)));
                    of_query = simd.add_f32s(of_query, through);
                    let to = run.keys.write(step, row, units.clone());
                    let of_key = load(simd, to.assume_init_ref());
                    store(simd, to, simd.mul_add_f32s(v, through, of_key));
                }
                let to = run.queries.write(query, row, units.clone());
                store(simd, to, simd.mul_f32s(v, of_query));
            }
        }
        // SAFETY: as above.
        store(simd, unsafe { run.fit.write(0, row, units) }, of_fit);
    }
}
