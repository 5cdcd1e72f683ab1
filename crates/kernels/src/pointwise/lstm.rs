//! Long short-term memory.
//!
//! ```text
//! i, f, o = sigmoid(..),  g = tanh(..)      of W x_t + b_W + R h_{t-1} + b_R      kept: i, f, g, o
//! c_t = f c_{t-1} + i g
//! h_t = o tanh(c_t)
//!
//! d c  = d c_t + d h_t o (1 - tanh(c_t)^2)
//! d i  = d c g i (1 - i)            d f = d c c_{t-1} f (1 - f)
//! d g  = d c i (1 - g^2)            d o = d h_t tanh(c_t) o (1 - o)
//! d c_{t-1} = d c f
//! ```

use super::{Backward, Forward, Pointwise, Value};

/// Long short-term memory: gates i, f, g, o; states hidden, cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lstm;

impl Pointwise<4, 2, 0> for Lstm {
    #[inline(always)]
    fn forward<V: Value>(
        self,
        [xi, xf, xg, xo]: [V; 4],
        [hi, hf, hg, ho]: [V; 4],
        [_, c]: [V; 2],
    ) -> Forward<V, 4, 2, 0> {
        let i = (xi + hi).sigmoid();
        let f = (xf + hf).sigmoid();
        let g = (xg + hg).tanh();
        let o = (xo + ho).sigmoid();
        let c = f.clone() * c + i.clone() * g.clone();
        let h = o.clone() * c.clone().tanh();
        Forward {
            state: [h, c],
            gates: [i, f, g, o],
            apart: [],
        }
    }

    #[inline(always)]
    fn backward<V: Value>(
        self,
        [dh, dc]: [V; 2],
        [_, c_before]: [V; 2],
        [_, c]: [V; 2],
        [i, f, g, o]: [V; 4],
        []: [V; 0],
    ) -> Backward<V, 4, 2, 0> {
        let c = c.tanh();
        let slope = |gate: &V| gate.clone() * gate.clone().complement();
        let dc = dc + dh.clone() * o.clone() * (c.clone() * c.clone()).complement();
        let di = dc.clone() * g.clone() * slope(&i);
        let df = dc.clone() * c_before * slope(&f);
        let dg = dc.clone() * i * (g.clone() * g).complement();
        let d_o = dh * c * slope(&o);
        Backward {
            gates: [di, df, dg, d_o],
            apart: [],
            state: [None, Some(dc * f)],
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
    ) {
        let i = sigmoid(input[0] + recurrent[0]);
        let f = sigmoid(input[1] + recurrent[1]);
        let g = tanh(input[2] + recurrent[2]);
        let o = sigmoid(input[3] + recurrent[3]);
        let c = f * state[1] + i * g;
        state[0] = o * tanh(c);
        state[1] = c;
        gates[0] = i;
        gates[1] = f;
        gates[2] = g;
        gates[3] = o;
    }

    #[cube]
    pub(crate) fn backward(
        gradient: &mut Array<f32>,
        before: &Array<f32>,
        after: &Array<f32>,
        gates: &mut Array<f32>,
    ) {
        let dh = gradient[0];
        let i = gates[0];
        let f = gates[1];
        let g = gates[2];
        let o = gates[3];
        let c = tanh(after[1]);
        let dc = gradient[1] + dh * o * (1.0 - c * c);
        gates[0] = dc * g * i * (1.0 - i);
        gates[1] = dc * before[1] * f * (1.0 - f);
        gates[2] = dc * i * (1.0 - g * g);
        gates[3] = dh * c * o * (1.0 - o);
        gradient[0] = 0.0;
        gradient[1] = dc * f;
    }
}
