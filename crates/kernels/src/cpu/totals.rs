//! The total of something over rows of numbers.

use pulp::Simd;

use super::product::load;

/// An operation waits for the one before it: so many that do not wait for each other.
pub(super) const SIDE_BY_SIDE: usize = 4;

/// The sum of `f` over all elements.
#[inline(always)]
pub(super) fn total<I: Simd, const N: usize>(
    simd: I,
    operands: [&[f32]; N],
    f: impl Fn([I::f32s; N]) -> I::f32s,
) -> f32 {
    let count = operands[0].len();
    let lanes = I::F32_LANES;
    let whole = count - count % lanes;
    let mut totals = [simd.splat_f32s(0.0); SIDE_BY_SIDE];
    let mut registers = [simd.splat_f32s(0.0); N];
    let mut start = 0;
    while start + SIDE_BY_SIDE * lanes <= whole {
        for (part, total) in totals.iter_mut().enumerate() {
            let start = start + part * lanes;
            for n in 0..N {
                registers[n] = load(simd, &operands[n][start..start + lanes]);
            }
            *total = simd.add_f32s(*total, f(registers));
        }
        start += SIDE_BY_SIDE * lanes;
    }
    while start < whole {
        for n in 0..N {
            registers[n] = load(simd, &operands[n][start..start + lanes]);
        }
        totals[0] = simd.add_f32s(totals[0], f(registers));
        start += lanes;
    }
    let [a, b, c, d] = totals;
    let total = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    let total = simd.reduce_sum_f32s(total);
    for n in 0..N {
        registers[n] = simd.partial_load_f32s(&operands[n][whole..]);
    }
    // Lanes beyond the last element are of none, whatever `f` makes of them.
    let rest = [f(registers)];
    let rest: &[f32] = pulp::bytemuck::cast_slice(&rest);
    rest[..count - whole]
        .iter()
        .fold(total, |total, x| total + x)
}
