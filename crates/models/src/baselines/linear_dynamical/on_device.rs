//! One step of a filter in operations of the device, one feature after the other.
//!
//! ```text
//! s = c' P c + r      k = P c / s
//! m = m + k e         P = (I - k c') P (I - k c')' + r k k'
//! ```
//!
//! Joseph's form, as on the host: in f32 it is needed the more.

use std::f64::consts::TAU;

use burn::tensor::{Bool, Tensor};

/// What is known of the state of each row.
pub(super) struct Moments {
    /// `m`: `[batch, N]`.
    pub mean: Tensor<2>,
    /// `P`: `[batch, N, N]`.
    pub covariance: Tensor<3>,
}

impl Moments {
    /// `A m + B u`, `A P A' + Q`; of `A'`, `B u`, `Q`.
    pub fn moved(
        &self,
        transition: &Tensor<2>,
        push: Option<Tensor<2>>,
        noise: &Tensor<3>,
    ) -> Self {
        let [batch, latent, _] = self.covariance.dims();
        let times = |p: Tensor<3>| {
            let rows = p.reshape([batch * latent, latent]);
            let product = rows.matmul(transition.clone());
            product.reshape([batch, latent, latent])
        };
        let moved = times(times(self.covariance.clone()).swap_dims(1, 2));
        let mean = self.mean.clone().matmul(transition.clone());
        Self {
            mean: match push {
                Some(push) => mean + push,
                None => mean,
            },
            covariance: moved + noise.clone(),
        }
    }

    /// `other` where `there`.
    pub fn replaced(self, there: Tensor<2, Bool>, other: Self) -> Self {
        let [batch, latent, _] = self.covariance.dims();
        let square = there.clone().unsqueeze_dim::<3>(2);
        let square = square.expand([batch, latent, latent]);
        let there = there.expand([batch, latent]);
        Self {
            mean: self.mean.mask_where(there, other.mean),
            covariance: self.covariance.mask_where(square, other.covariance),
        }
    }

    /// What is said of one feature, and how it came.
    pub fn seen(&self, c: Tensor<2>, r: Tensor<2>, x: Tensor<2>) -> Seen {
        let [batch, latent, _] = self.covariance.dims();
        let rows = self.covariance.clone().reshape([batch * latent, latent]);
        let direction = rows.matmul(c.clone()).reshape([batch, latent]);
        Seen {
            error: x - self.mean.clone().matmul(c.clone()),
            variance: direction.clone().matmul(c.clone()) + r.clone(),
            direction,
            c,
            r,
        }
    }
}

/// One feature of each row.
pub(super) struct Seen {
    /// `c`: `[N, 1]`.
    c: Tensor<2>,
    /// `r`: `[1, 1]`.
    r: Tensor<2>,
    /// `e`: `[batch, 1]`.
    error: Tensor<2>,
    /// `s`: `[batch, 1]`.
    variance: Tensor<2>,
    /// `P c`: `[batch, N]`.
    direction: Tensor<2>,
}

impl Seen {
    /// `[batch, 1]`.
    pub fn log_density(&self) -> Tensor<2> {
        let square = self.error.clone() * self.error.clone() / self.variance.clone();
        (self.variance.clone().log() + square + TAU.ln()) * -0.5
    }

    /// What is known of the state with it, where `weight` (`[batch, 1]`) is 1.
    pub fn read(self, known: Moments, weight: Tensor<2>) -> Moments {
        let [batch, latent, _] = known.covariance.dims();
        let outer = |a: Tensor<2>, b: Tensor<2>| a.unsqueeze_dim::<3>(2) * b.unsqueeze_dim::<3>(1);
        let gain = self.direction.clone() * (weight / self.variance);
        // P (I - k c')', then (I - k c') of that; its rows are those of a symmetric matrix but for rounding.
        let half = known.covariance - outer(gain.clone(), self.direction);
        let along = half.clone().reshape([batch * latent, latent]);
        let along = along.matmul(self.c).reshape([batch, latent]);
        let noise = outer(gain.clone() * self.r, gain.clone());
        let covariance = half - outer(along, gain.clone()) + noise;
        let turned = covariance.clone().swap_dims(1, 2);
        Moments {
            mean: known.mean + gain * self.error,
            covariance: (covariance + turned) * 0.5,
        }
    }
}
