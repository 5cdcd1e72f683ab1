//! What the equations of a cell are computed with on a CPU: one register, or two at once.
//!
//! The equations are a chain in which each result waits for the one before; of two registers, one
//! computes while the other waits.
//!
//! Closures that are handed over here are marked to be inlined: one that is not, computes without
//! SIMD.

use std::mem::MaybeUninit;
use std::ops::{Add, Mul, Sub};

use pulp::Simd;

use super::lanes::Lanes;
use super::product::{load, store};
use crate::pointwise::Value;

/// One register or several.
pub(super) trait Registers<S: Simd>: Value + Copy {
    /// How many.
    const COUNT: usize;

    /// What `of` gives for each.
    fn of(simd: S, of: impl FnMut(usize) -> S::f32s) -> Self;

    /// Loads each from where `from` says.
    #[inline(always)]
    fn load<'a>(simd: S, mut from: impl FnMut(usize) -> &'a [f32]) -> Self {
        Self::of(
            simd,
            #[inline(always)]
            |w| load(simd, from(w)),
        )
    }

    /// Stores each to where `to` says.
    fn store<'a>(self, simd: S, to: impl FnMut(usize) -> &'a mut [MaybeUninit<f32>]);
}

impl<S: Simd> Registers<S> for Lanes<S> {
    const COUNT: usize = 1;

    #[inline(always)]
    fn of(simd: S, mut of: impl FnMut(usize) -> S::f32s) -> Self {
        Self::new(simd, of(0))
    }

    #[inline(always)]
    fn store<'a>(self, simd: S, mut to: impl FnMut(usize) -> &'a mut [MaybeUninit<f32>]) {
        store(simd, to(0), self.values);
    }
}

/// Two of the same.
#[derive(Clone, Copy)]
pub(super) struct Both<V>(V, V);

impl<S: Simd> Registers<S> for Both<Lanes<S>> {
    const COUNT: usize = 2;

    #[inline(always)]
    fn of(simd: S, mut of: impl FnMut(usize) -> S::f32s) -> Self {
        Self(Lanes::new(simd, of(0)), Lanes::new(simd, of(1)))
    }

    #[inline(always)]
    fn store<'a>(self, simd: S, mut to: impl FnMut(usize) -> &'a mut [MaybeUninit<f32>]) {
        store(simd, to(0), self.0.values);
        store(simd, to(1), self.1.values);
    }
}

impl<V: Add<Output = V>> Add for Both<V> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}

impl<V: Sub<Output = V>> Sub for Both<V> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }
}

impl<V: Mul<Output = V>> Mul for Both<V> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1)
    }
}

impl<V: Value> Value for Both<V> {
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self(self.0.sigmoid(), self.1.sigmoid())
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        Self(self.0.tanh(), self.1.tanh())
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Self(self.0.relu(), self.1.relu())
    }

    #[inline(always)]
    fn step(self) -> Self {
        Self(self.0.step(), self.1.step())
    }

    #[inline(always)]
    fn complement(self) -> Self {
        Self(self.0.complement(), self.1.complement())
    }
}
