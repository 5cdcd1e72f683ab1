//! Recorded equations on rows of numbers, element by element, and their derivatives.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::super::lanes::{exp, flush_tiny, log, relu, sigmoid, tanh};
use super::super::product::{load, store};
use super::super::totals::total;
use crate::program::{Binary, Mode, Op, Unary};

/// `out = f(operands)`, or with `ADD`, `out += f(operands)`.
///
/// # Safety
///
/// With `ADD`, `out` was written.
#[inline(always)]
unsafe fn each<I: Simd, const N: usize, const ADD: bool>(
    simd: I,
    out: &mut [MaybeUninit<f32>],
    operands: [&[f32]; N],
    f: impl Fn([I::f32s; N]) -> I::f32s,
) {
    let count = out.len();
    let mut rows: [&[f32]; N] = [&[]; N];
    for n in 0..N {
        rows[n] = &operands[n][..count];
    }
    let lanes = I::F32_LANES;
    let whole = count - count % lanes;
    let mut registers = [simd.splat_f32s(0.0); N];
    let mut start = 0;
    while start < whole {
        for n in 0..N {
            registers[n] = load(simd, &rows[n][start..start + lanes]);
        }
        let out = &mut out[start..start + lanes];
        let mut value = f(registers);
        if ADD {
            // SAFETY: the caller's.
            value = simd.add_f32s(load(simd, unsafe { out.assume_init_ref() }), value);
        }
        store(simd, out, value);
        start += lanes;
    }
    if whole < count {
        for n in 0..N {
            registers[n] = simd.partial_load_f32s(&rows[n][whole..]);
        }
        let out = &mut out[whole..];
        let mut value = f(registers);
        if ADD {
            // SAFETY: the caller's.
            value = simd.add_f32s(
                simd.partial_load_f32s(unsafe { out.assume_init_ref() }),
                value,
            );
        }
        store(simd, out, value);
    }
}

/// The value of `op` from its operands. A normalisation writes one number more: what it multiplied
/// by.
#[inline(always)]
pub(super) fn forward<'a, I: Simd>(
    simd: I,
    op: &Op,
    operand: impl Fn(usize) -> &'a [f32],
    out: &mut [MaybeUninit<f32>],
) {
    macro_rules! each {
        ([$($x:ident),+] $value:expr) => {{
            let mut index = 0;
            let operands = [$({
                let _ = stringify!($x);
                index += 1;
                operand(index - 1)
            }),+];
            // SAFETY: nothing is added to.
            unsafe {
                each::<I, _, false>(
                    simd,
                    out,
                    operands,
                    #[inline(always)]
                    |[$($x),+]| $value,
                );
            }
        }};
    }
    match op {
        Op::Unary(unary, _) => match *unary {
            Unary::Sigmoid => each!([x] sigmoid(simd, x)),
            Unary::Tanh => each!([x] tanh(simd, x)),
            Unary::Relu => each!([x] relu(simd, x)),
            Unary::Exp => each!([x] exp(simd, x)),
            Unary::Log => each!([x] log(simd, x)),
            Unary::Affine { scale, shift } => {
                let (scale, shift) = (simd.splat_f32s(scale), simd.splat_f32s(shift));
                each!([x] simd.mul_add_f32s(x, scale, shift))
            }
            Unary::Clamp { low, high } => {
                let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
                each!([x] {
                    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
                    simd.select_f32s(simd.greater_than_f32s(x, high), high, x)
                })
            }
        },
        Op::Binary(binary, ..) => match binary {
            Binary::Add => each!([a, b] simd.add_f32s(a, b)),
            Binary::Sub => each!([a, b] simd.sub_f32s(a, b)),
            Binary::Mul => each!([a, b] simd.mul_f32s(a, b)),
            Binary::Div => each!([a, b] simd.div_f32s(a, b)),
            Binary::Maximum => each!([a, b] simd.select_f32s(simd.less_than_f32s(a, b), b, a)),
        },
        Op::Concat(parts) => {
            let mut start = 0;
            for part in 0..parts.len() {
                let values = operand(part);
                out[start..start + values.len()].write_copy_of_slice(values);
                start += values.len();
            }
        }
        Op::Normalize { epsilon, .. } => {
            let x = operand(0);
            let width = x.len() as f32;
            let mean = total(simd, [x], |[x]| x) / width;
            let means = simd.splat_f32s(mean);
            let variance = total(
                simd,
                [x],
                #[inline(always)]
                |[x]| {
                    let off = simd.sub_f32s(x, means);
                    simd.mul_f32s(off, off)
                },
            );
            let scale = (variance / width + epsilon).sqrt().recip();
            let scales = simd.splat_f32s(scale);
            let (values, last) = out.split_at_mut(x.len());
            // SAFETY: nothing is added to.
            unsafe {
                each::<I, 1, false>(
                    simd,
                    values,
                    [x],
                    #[inline(always)]
                    |[x]| simd.mul_f32s(simd.sub_f32s(x, means), scales),
                );
            }
            last[0].write(scale);
        }
        Op::Linear { .. } | Op::Narrow { .. } | Op::Projected | Op::State(_) | Op::Vector(_) => {
            unreachable!("{op:?} is no element-wise equation")
        }
    }
}

/// The gradient of a state, which comes from the step after it or from outside.
///
/// # Safety
///
/// Unless `mode` is [`Mode::Store`], `out` was written.
#[inline(always)]
pub(super) unsafe fn carry<I: Simd>(
    simd: I,
    mode: Mode,
    gradient: &[f32],
    out: &mut [MaybeUninit<f32>],
) {
    macro_rules! carry {
        ($add:literal) => {
            each::<I, 1, $add>(
                simd,
                out,
                [gradient],
                #[inline(always)]
                |[gradient]| flush_tiny(simd, gradient),
            )
        };
    }
    // SAFETY: the caller's.
    unsafe {
        match mode {
            Mode::Store => carry!(false),
            Mode::Add => carry!(true),
            Mode::Nothing => {}
        }
    }
}

/// `out = 0`. Rows are short: that it is done here and not by a call counts.
#[inline(always)]
pub(super) fn clear<I: Simd>(simd: I, out: &mut [MaybeUninit<f32>]) {
    // SAFETY: nothing is added to.
    unsafe {
        each::<I, 0, false>(
            simd,
            out,
            [],
            #[inline(always)]
            |[]| simd.splat_f32s(0.0),
        );
    }
}

/// What a derivative reads of a value.
pub(super) struct Values<'a, V, O> {
    /// The value itself; of a normalisation, with the number that follows.
    pub value: V,
    /// Those that it was computed from.
    pub operand: O,
    /// The value's gradient.
    pub gradient: &'a [f32],
}

/// The gradient of one operand.
///
/// # Safety
///
/// Unless `mode` is [`Mode::Store`], `out` was written.
#[inline(always)]
pub(super) unsafe fn backward<'a, I: Simd>(
    simd: I,
    op: &Op,
    which: usize,
    mode: Mode,
    values: &Values<'a, impl Fn() -> &'a [f32], impl Fn(usize) -> &'a [f32]>,
    out: &mut [MaybeUninit<f32>],
) {
    let (value, operand, gradient) = (&values.value, &values.operand, values.gradient);
    macro_rules! each {
        ([$($x:ident = $from:expr),+] $value:expr) => {{
            let operands = [$($from),+];
            // SAFETY: the caller's.
            unsafe {
                match mode {
                    Mode::Store => each::<I, _, false>(
                        simd,
                        out,
                        operands,
                        #[inline(always)]
                        |[$($x),+]| $value,
                    ),
                    Mode::Add => each::<I, _, true>(
                        simd,
                        out,
                        operands,
                        #[inline(always)]
                        |[$($x),+]| $value,
                    ),
                    Mode::Nothing => {}
                }
            }
        }};
    }
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    match op {
        Op::Unary(unary, _) => match *unary {
            Unary::Sigmoid => each!([g = gradient, y = value()] {
                simd.mul_f32s(g, simd.mul_f32s(y, simd.sub_f32s(one, y)))
            }),
            Unary::Tanh => each!([g = gradient, y = value()] {
                simd.mul_f32s(g, simd.sub_f32s(one, simd.mul_f32s(y, y)))
            }),
            Unary::Relu => each!([g = gradient, y = value()] {
                simd.select_f32s(simd.greater_than_f32s(y, zero), g, zero)
            }),
            Unary::Exp => each!([g = gradient, y = value()] simd.mul_f32s(g, y)),
            Unary::Log => each!([g = gradient, x = operand(0)] simd.div_f32s(g, x)),
            Unary::Affine { scale, .. } => {
                let scale = simd.splat_f32s(scale);
                each!([g = gradient] simd.mul_f32s(g, scale))
            }
            Unary::Clamp { low, high } => {
                let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
                each!([g = gradient, x = operand(0)] {
                    let g = simd.select_f32s(simd.less_than_f32s(x, low), zero, g);
                    simd.select_f32s(simd.greater_than_f32s(x, high), zero, g)
                })
            }
        },
        Op::Binary(binary, ..) => match (binary, which) {
            (Binary::Add, _) | (Binary::Sub, 0) => each!([g = gradient] g),
            (Binary::Sub, _) => each!([g = gradient] simd.neg_f32s(g)),
            (Binary::Mul, which) => {
                each!([g = gradient, x = operand(1 - which)] simd.mul_f32s(g, x))
            }
            (Binary::Div, 0) => each!([g = gradient, b = operand(1)] simd.div_f32s(g, b)),
            (Binary::Div, _) => each!([g = gradient, y = value(), b = operand(1)] {
                simd.neg_f32s(simd.div_f32s(simd.mul_f32s(g, y), b))
            }),
            (Binary::Maximum, 0) => each!([g = gradient, a = operand(0), b = operand(1)] {
                simd.select_f32s(simd.less_than_f32s(a, b), zero, g)
            }),
            (Binary::Maximum, _) => each!([g = gradient, a = operand(0), b = operand(1)] {
                simd.select_f32s(simd.less_than_f32s(a, b), g, zero)
            }),
        },
        Op::Concat(_) => each!([g = gradient] g),
        Op::Normalize { .. } => {
            let (y, last) = value().split_at(gradient.len());
            let width = y.len() as f32;
            let of_gradient = simd.splat_f32s(total(simd, [gradient], |[g]| g) / width);
            let of_product = total(
                simd,
                [gradient, y],
                #[inline(always)]
                |[g, y]| simd.mul_f32s(g, y),
            );
            let of_product = simd.splat_f32s(of_product / width);
            let scale = simd.splat_f32s(last[0]);
            each!([g = gradient, y = y] {
                let rest = simd.sub_f32s(g, of_gradient);
                simd.mul_f32s(scale, simd.sub_f32s(rest, simd.mul_f32s(y, of_product)))
            })
        }
        Op::Linear { .. } | Op::Narrow { .. } | Op::Projected | Op::State(_) | Op::Vector(_) => {
            unreachable!("{op:?} is no element-wise equation")
        }
    }
}
