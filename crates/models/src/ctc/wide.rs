//! Numbers that do not vanish: a double with an exponent of its own.
//!
//! ```text
//! x     = m 2^e                                         e a whole number, and minus infinity of 0
//! a b   = (m_a m_b) 2^(e_a + e_b)
//! a + b = (m_a 2^(e_a - e) + m_b 2^(e_b - e)) 2^e       e = max(e_a, e_b)
//! ```
//!
//! The probability of a path is a product of thousands of factors, for which a double is too small. By
//! logarithms each sum would cost an exponential and a logarithm; here it costs two products, and
//! nothing is lost to the size of the logarithm.

use std::f64::consts::{LN_2, LOG2_E};
use std::ops::{Add, Mul};

/// A number of at least 0, or NaN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wide {
    /// Near 1, or 0: from 1 to 2 after a product, from 0.7 to 1.4 of an exponential, a little more in a sum.
    mantissa: f64,
    exponent: f64,
}

impl Wide {
    pub(super) const ZERO: Self = Self {
        mantissa: 0.0,
        exponent: f64::NEG_INFINITY,
    };

    pub(super) const ONE: Self = Self {
        mantissa: 1.0,
        exponent: 0.0,
    };

    /// `e^ln`.
    pub(super) fn exp(ln: f64) -> Self {
        if ln == f64::NEG_INFINITY {
            return Self::ZERO;
        }
        let power = ln * LOG2_E;
        let exponent = power.round();
        Self {
            mantissa: (power - exponent).exp2(),
            exponent,
        }
    }

    /// `ln x`.
    pub(super) fn ln(self) -> f64 {
        match self.is_zero() {
            true => f64::NEG_INFINITY,
            false => self.mantissa.ln() + self.exponent * LN_2,
        }
    }

    /// `self / other`, of which neither is 0, as a double: 0 where it is smaller than about 1e-60.
    pub(super) fn over(self, other: Self) -> f64 {
        self.mantissa / other.mantissa * power_of_two(self.exponent - other.exponent)
    }

    /// What its mantissa would be with this exponent, which is at least its own.
    fn mantissa_at(self, exponent: f64) -> f64 {
        self.mantissa * power_of_two(self.exponent - exponent)
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0.0
    }
}

impl Add for Wide {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let exponent = self.exponent.max(other.exponent);
        Self {
            mantissa: self.mantissa_at(exponent) + other.mantissa_at(exponent),
            exponent,
        }
    }
}

impl Mul for Wide {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = self.mantissa * other.mantissa;
        if !product.is_normal() {
            return Self {
                mantissa: product,
                ..Self::ZERO
            };
        }
        // The bits of a double: sign, 11 of the exponent, of which 1023 is 0, and 52 of the mantissa.
        let bits = product.to_bits();
        let shift = (bits >> 52) as i32 - 1023;
        Self {
            mantissa: f64::from_bits(bits & (u64::MAX >> 12) | 1023 << 52),
            exponent: self.exponent + other.exponent + f64::from(shift),
        }
    }
}

/// `2^whole`; 0 if that is less than a double adds to 1, or if `whole` is no number.
fn power_of_two(whole: f64) -> f64 {
    // Doubles from here on are whole numbers, and hold them in their last bits.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    match whole > -200.0 {
        true => f64::from_bits((whole + 1023.0 + WHOLE).to_bits() << 52),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        let near = (found - expected).abs() <= 1e-14 * (1.0 + expected.abs());
        assert!(near || found == expected, "{found} against {expected}");
    }

    #[test]
    fn sums_and_products_are_those_of_numbers() {
        let numbers = [0.0_f64, 1e-300, 3e-9, 0.2, 0.7, 1.0, 5.0, 1e30];
        for a in numbers {
            for b in numbers {
                let (x, y) = (Wide::exp(a.ln()), Wide::exp(b.ln()));
                close((x + y).ln(), (a + b).ln());
                close((x * y).ln(), a.ln() + b.ln());
                if b > 0.0 && a / b < 1e60 {
                    close(x.over(y), a / b);
                }
            }
        }
    }

    #[test]
    fn what_no_double_holds_is_held() {
        let p = Wide::exp(-30.0);
        let product = (0..1000).fold(Wide::ONE, |product, _| product * p);
        close(product.ln(), -30_000.0);
        close((product + product).ln(), -30_000.0 + LN_2);
        close((product + Wide::ONE).ln(), 0.0);
        close((product * p).over(product), (-30.0_f64).exp());
        // As masks have it.
        close(Wide::exp(f64::from(f32::MIN)).ln(), f64::from(f32::MIN));
        close((Wide::exp(-1e9) * Wide::exp(-1e9)).ln(), -2e9);
    }

    #[test]
    fn nothing_is_no_nan_and_nan_stays() {
        assert!(Wide::exp(f64::NEG_INFINITY).is_zero());
        assert!((Wide::ZERO + Wide::ZERO).is_zero());
        assert!((Wide::ZERO * Wide::ONE).is_zero());
        assert!(((Wide::ZERO + Wide::ZERO) * Wide::exp(-5.0)).is_zero());
        assert_eq!(Wide::ZERO.ln(), f64::NEG_INFINITY);
        assert_eq!(Wide::ZERO.over(Wide::ONE), 0.0);
        let nan = Wide::exp(f64::NAN);
        for nan in [
            nan,
            nan + Wide::ONE,
            Wide::ZERO + nan,
            Wide::ONE * nan,
            nan * Wide::ZERO,
        ] {
            assert!(nan.ln().is_nan() && nan.over(Wide::ONE).is_nan(), "{nan:?}");
            assert!((nan + Wide::ONE).ln().is_nan() && (nan * nan + Wide::ONE).ln().is_nan());
        }
    }
}
