//! The simple recurrent network.
//!
//! ```text
//! h_t = phi(a),   a = W x_t + b_W + R h_{t-1} + b_R          kept: phi'(a)
//! d a = phi'(a) d h_t
//! ```

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Pointwise, Value};

/// The simple recurrent network: one gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elman(pub Nonlinearity);

/// The non-linearity of an Elman cell, phi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Nonlinearity {
    /// The hyperbolic tangent, PyTorch's default and ours.
    Tanh,
    /// The rectifier, max(0, x).
    Relu,
    /// The logistic sigmoid, 1 / (1 + exp(-x)).
    Sigmoid,
}

impl Pointwise<1, 1, 0> for Elman {
    #[inline(always)]
    fn forward<V: Value>(self, [x]: [V; 1], [h]: [V; 1], _: [V; 1]) -> Forward<V, 1, 1, 0> {
        let a = x + h;
        let (h, slope) = match self.0 {
            Nonlinearity::Tanh => {
                let h = a.tanh();
                (h.clone(), (h.clone() * h).complement())
            }
            Nonlinearity::Relu => (a.clone().relu(), a.step()),
            Nonlinearity::Sigmoid => {
                let h = a.sigmoid();
                (h.clone(), h.clone() * h.complement())
            }
        };
        Forward {
            state: [h],
            gates: [slope],
            apart: [],
        }
    }

    #[inline(always)]
    fn backward<V: Value>(
        self,
        [dh]: [V; 1],
        _: [V; 1],
        _: [V; 1],
        [slope]: [V; 1],
        []: [V; 0],
    ) -> Backward<V, 1, 1, 0> {
        Backward {
            gates: [dh * slope],
            apart: [],
            state: [None],
        }
    }
}

/// The same equations, of one unit on a GPU. Each array is overwritten with what comes out.
#[cfg(feature = "wgpu")]
pub(crate) mod cube {
    use cubecl::prelude::*;

    use super::Nonlinearity;
    use crate::cube::functions::{relu, sigmoid, step, tanh};

    #[cube]
    pub(crate) fn forward(
        input: &Array<f32>,
        recurrent: &Array<f32>,
        state: &mut Array<f32>,
        gates: &mut Array<f32>,
        #[comptime] phi: Nonlinearity,
    ) {
        let a = input[0] + recurrent[0];
        match phi {
            Nonlinearity::Tanh => {
                let h = tanh(a);
                state[0] = h;
                gates[0] = 1.0 - h * h;
            }
            Nonlinearity::Relu => {
                state[0] = relu(a);
                gates[0] = step(a);
            }
            Nonlinearity::Sigmoid => {
                let h = sigmoid(a);
                state[0] = h;
                gates[0] = h * (1.0 - h);
            }
        }
    }

    #[cube]
    pub(crate) fn backward(gradient: &mut Array<f32>, gates: &mut Array<f32>) {
        gates[0] *= gradient[0];
        gradient[0] = 0.0;
    }
}
