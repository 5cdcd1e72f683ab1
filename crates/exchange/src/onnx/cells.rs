//! The cells of a node, one for each direction.
//!
//! ```text
//! ONNX                      the cells
//! direction                 Recurrent forward or reverse, or Bidirectional
//! clip                      gate_clip, and an LSTM's output_clip
//! input_forget              coupled
//! linear_before_reset       Reset::AfterProduct; without it Reset::BeforeProduct
//! activations f, g, h       of the gates, of the candidate, of the memory on its way out
//! ```

use backdraft_cells::{
    Activation, Bidirectional, Cell, Direction, Elman, Gru, GruActivations, Lstm, LstmActivations,
    Merge, Recurrent, Reset,
};

use super::operator::{Directions, Operator};
use super::weights::{AllWeights, Weights};
use super::{Directed, Kind, Recurrence};

impl Recurrence {
    pub(super) fn new(kind: Kind, operator: &Operator, weights: AllWeights) -> Self {
        match kind {
            Kind::Rnn => Self::Rnn(directed(operator, weights, elman)),
            Kind::Lstm => Self::Lstm(directed(operator, weights, lstm)),
            Kind::Gru => Self::Gru(directed(operator, weights, gru)),
        }
    }
}

fn directed<C: Cell>(
    operator: &Operator,
    weights: AllWeights,
    cell: fn(&Operator, &[Activation], Weights) -> C,
) -> Directed<C> {
    let weights = weights.directions.into_iter().zip(&operator.activations);
    let mut cells = weights.map(|(weights, activations)| cell(operator, activations, weights));
    let mut next = || cells.next().expect("there are weights for each direction");
    match operator.directions {
        Directions::Forward => Directed::One(Recurrent::new(next(), Direction::Forward)),
        Directions::Reverse => Directed::One(Recurrent::new(next(), Direction::Reverse)),
        Directions::Both => Directed::Both(Bidirectional::new(next(), next(), Merge::Concat)),
    }
}

fn elman(operator: &Operator, activations: &[Activation], weights: Weights) -> Elman {
    Elman {
        gates: weights.gates,
        activation: activations[0],
        gate_clip: operator.clip,
    }
}

fn gru(operator: &Operator, activations: &[Activation], weights: Weights) -> Gru {
    Gru {
        gates: weights.gates,
        reset: match operator.linear_before_reset {
            true => Reset::AfterProduct,
            false => Reset::BeforeProduct,
        },
        activations: GruActivations {
            gate: activations[0],
            candidate: activations[1],
        },
        gate_clip: operator.clip,
    }
}

fn lstm(operator: &Operator, activations: &[Activation], weights: Weights) -> Lstm {
    Lstm {
        gates: weights.gates,
        peepholes: weights.peepholes,
        projection: None,
        coupled: operator.input_forget,
        cell_clip: None,
        gate_clip: operator.clip,
        output_clip: operator.clip,
        activations: LstmActivations {
            gate: activations[0],
            candidate: activations[1],
            output: activations[2],
        },
    }
}
