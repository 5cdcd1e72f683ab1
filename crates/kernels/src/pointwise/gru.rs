//! The gated recurrent unit, reset after the product.
//!
//! ```text
//! r, z = sigmoid(..)                        of W x_t + b_W + R h_{t-1} + b_R      kept: r, z
//! n    = tanh(a + r q),   a = W_n x_t + b_Wn,   q = R_n h_{t-1} + b_Rn            kept: n, q
//! h_t  = (1 - z) n + z h_{t-1}
//!
//! d a  = d h_t (1 - z) (1 - n^2)            d q = d a r
//! d r  = d a q r (1 - r)                    d z = d h_t (h_{t-1} - n) z (1 - z)
//! d h_{t-1} = d h_t z
//! ```

use super::{Backward, Forward, Pointwise, Value};

/// The gated recurrent unit: gates r, z, n; n has its two parts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gru;

impl Pointwise<3, 1, 1> for Gru {
    #[inline(always)]
    fn forward<V: Value>(
        self,
        [xr, xz, a]: [V; 3],
        [hr, hz, q]: [V; 3],
        [h]: [V; 1],
    ) -> Forward<V, 3, 1, 1> {
        let r = (xr + hr).sigmoid();
        let z = (xz + hz).sigmoid();
        let n = (a + r.clone() * q.clone()).tanh();
        // (1 - z) n + z h, with one product less.
        let h = n.clone() + z.clone() * (h - n.clone());
        Forward {
            state: [h],
            gates: [r, z, n],
            apart: [q],
        }
    }

    #[inline(always)]
    fn backward<V: Value>(
        self,
        [dh]: [V; 1],
        [h_before]: [V; 1],
        _: [V; 1],
        [r, z, n]: [V; 3],
        [q]: [V; 1],
    ) -> Backward<V, 3, 1, 1> {
        let slope = |gate: &V| gate.clone() * gate.clone().complement();
        let da = dh.clone() * z.clone().complement() * (n.clone() * n.clone()).complement();
        let dr = da.clone() * q * slope(&r);
        let dz = dh.clone() * (h_before - n) * slope(&z);
        Backward {
            gates: [dr, dz, da.clone()],
            apart: [da * r],
            state: [Some(dh * z)],
        }
    }
}

/// The same equations, of one unit on a GPU. Each array is overwritten with what comes out.
#[cfg(feature = "wgpu")]
pub(crate) mod cube {
    use cubecl::prelude::*;

    use crate::cube::functions::{sigmoid, tanh};

    #[cube]
    pub(crate) fn forward(
        input: &Array<f32>,
        recurrent: &Array<f32>,
        state: &mut Array<f32>,
        gates: &mut Array<f32>,
        apart: &mut Array<f32>,
    ) {
        let r = sigmoid(input[0] + recurrent[0]);
        let z = sigmoid(input[1] + recurrent[1]);
        let q = recurrent[2];
        let n = tanh(input[2] + r * q);
        state[0] = n + z * (state[0] - n);
        gates[0] = r;
        gates[1] = z;
        gates[2] = n;
        apart[0] = q;
    }

    #[cube]
    pub(crate) fn backward(
        gradient: &mut Array<f32>,
        before: &Array<f32>,
        gates: &mut Array<f32>,
        apart: &mut Array<f32>,
    ) {
        let dh = gradient[0];
        let r = gates[0];
        let z = gates[1];
        let n = gates[2];
        let da = dh * (1.0 - z) * (1.0 - n * n);
        gates[0] = da * apart[0] * r * (1.0 - r);
        gates[1] = dh * (before[0] - n) * z * (1.0 - z);
        gates[2] = da;
        apart[0] = da * r;
        gradient[0] = dh * z;
    }
}
