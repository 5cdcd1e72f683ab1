//! The weights of a node, in the order and the shapes of the cells.
//!
//! ```text
//!         ONNX                                       the cells, for each direction
//! W       [directions, G H, I]                       input_weight      [G H, I]
//! R       [directions, G H, H]                       recurrent_weight  [G H, H]
//! B       [directions, 2 G H], W's and then R's      input_bias, recurrent_bias  [G H]
//! P       [directions, 3 H]                          peepholes         [3, H]
//!
//! gates   LSTM  i, o, f, c                           i, f, g, o
//!         LSTM with input_forget                     i, g, o
//!         GRU   z, r, h                              r, z, n
//! P       i, o, f                                    i, f, o; with input_forget i, o
//! ```
//!
//! With `input_forget` the forget gate is `1 - i`, so its part of W, R, B and P says nothing.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};

use backdraft_cells::Gates;

use super::inputs::Inputs;
use super::operator::Operator;
use super::{Error, Kind};

/// The weights of one direction.
pub(super) struct Weights {
    pub gates: Gates,
    pub peepholes: Option<Param<Tensor<2>>>,
}

/// The weights of all directions, all of one type.
pub(super) struct AllWeights {
    pub dtype: DType,
    pub directions: Vec<Weights>,
}

impl AllWeights {
    pub fn read(
        inputs: &Inputs,
        kind: Kind,
        operator: &Operator,
        device: &Device,
    ) -> Result<Self, Error> {
        // The gates and the peepholes of the cell, by their places in ONNX's order.
        let (gates, order, peepholes): (usize, &[usize], &[usize]) = match kind {
            Kind::Rnn => (1, &[0], &[]),
            Kind::Gru => (3, &[1, 0, 2], &[]),
            Kind::Lstm if operator.input_forget => (4, &[0, 3, 1], &[0, 1]),
            Kind::Lstm => (4, &[0, 2, 3, 1], &[0, 2, 1]),
        };
        let directions = operator.directions.count();
        let (w, r) = (inputs.required("W")?, inputs.required("R")?);
        let last = |shape: &[usize]| shape.last().copied().unwrap_or(0);
        let input_size = last(w.shape().as_slice());
        let hidden = operator
            .hidden_size
            .unwrap_or_else(|| last(r.shape().as_slice()));
        // Sizes that cannot be counted match no tensor.
        let packed = gates.saturating_mul(hidden);
        inputs.check_shape("W", &w, &[directions, packed, input_size])?;
        inputs.check_shape("R", &r, &[directions, packed, hidden])?;
        for (what, size) in [("an input", input_size), ("a hidden", hidden)] {
            if size == 0 {
                return Err(inputs.refuse("W", format!("{what} size of at least 1"), size));
            }
        }
        let b = inputs.weight("B")?;
        if let Some(b) = &b {
            inputs.check_shape("B", b, &[directions, packed.saturating_mul(2)])?;
        }
        let p = inputs.weight("P")?;
        if let Some(p) = &p {
            inputs.check_shape("P", p, &[directions, hidden.saturating_mul(3)])?;
        }

        let dtype = inputs.computed("W", w.dtype(), device)?;
        let w: Tensor<3> = inputs.tensor("W", w, dtype, device)?;
        let r: Tensor<3> = inputs.tensor("R", r, dtype, device)?;
        let b = b.map(|b| inputs.tensor::<2>("B", b, dtype, device));
        let p = p.map(|p| inputs.tensor::<2>("P", p, dtype, device));
        let (b, p) = (b.transpose()?, p.transpose()?);

        let direction = |d: usize| {
            let matrix = |all: &Tensor<3>, columns| {
                let own = all.clone().slice_dim(0, d..d + 1);
                blocks(own.reshape([packed, columns]), gates, order)
            };
            let bias = |half: usize| {
                b.as_ref().map(|b| {
                    let own = b
                        .clone()
                        .slice([d..d + 1, half * packed..(half + 1) * packed]);
                    let own = blocks(own.reshape([packed, 1]), gates, order);
                    own.flatten(0, 1)
                })
            };
            Weights {
                gates: Gates::new(
                    [matrix(&w, input_size), matrix(&r, hidden)],
                    [bias(0), bias(1)],
                ),
                peepholes: p.as_ref().map(|p| {
                    let own = p.clone().slice_dim(0, d..d + 1).reshape([3, hidden]);
                    Param::from_tensor(blocks(own, 3, peepholes))
                }),
            }
        };
        Ok(Self {
            dtype,
            directions: (0..directions).map(direction).collect(),
        })
    }
}

/// The rows of `packed` in `count` blocks, of which those named by `order` are put together.
fn blocks(packed: Tensor<2>, count: usize, order: &[usize]) -> Tensor<2> {
    let blocks = packed.chunk(count, 0);
    let ordered = order.iter().map(|&block| blocks[block].clone()).collect();
    Tensor::cat(ordered, 0).detach()
}
