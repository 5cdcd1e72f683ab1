//! What the attributes of a recurrent node say.

use backdraft_cells::Activation;

use super::attributes::Attributes;
use super::model::NodePlace;
use super::{Error, Kind, activations};

/// Which axis of `X`, `Y` and the states is the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// ONNX's `layout` 0: `X` is `[time, batch, input]`, `Y` `[time, directions, batch, hidden]`,
    /// a state `[directions, batch, hidden]`.
    TimeFirst,
    /// ONNX's `layout` 1: `X` is `[batch, time, input]`, `Y` `[batch, time, directions, hidden]`,
    /// a state `[batch, directions, hidden]`.
    BatchFirst,
}

/// ONNX's `direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directions {
    Forward,
    Reverse,
    Both,
}

impl Directions {
    pub fn count(self) -> usize {
        match self {
            Self::Forward | Self::Reverse => 1,
            Self::Both => 2,
        }
    }
}

pub(super) struct Operator {
    pub directions: Directions,
    pub hidden_size: Option<usize>,
    /// Those of each direction.
    pub activations: Vec<Vec<Activation>>,
    pub clip: Option<f64>,
    pub layout: Layout,
    /// Of LSTM.
    pub input_forget: bool,
    /// Of GRU.
    pub linear_before_reset: bool,
}

impl Operator {
    pub fn read(place: &NodePlace, operator_set: i64) -> Result<Self, Error> {
        let node = place.node.name.as_str();
        let mut attributes = Attributes::new(node, place.message);
        let directions = match attributes.string("direction")?.as_deref() {
            None | Some("forward") => Directions::Forward,
            Some("reverse") => Directions::Reverse,
            Some("bidirectional") => Directions::Both,
            Some(found) => {
                let expected = "forward, reverse or bidirectional";
                return Err(attributes.refuse("direction", expected, found));
            }
        };
        let hidden_size = match attributes.int("hidden_size")? {
            Some(found) => match usize::try_from(found) {
                Ok(size) => Some(size),
                Err(_) => return Err(attributes.refuse("hidden_size", "at least 1", found)),
            },
            None => None,
        };
        let defaults: &[&str] = match place.node.kind {
            Kind::Rnn => &["Tanh"],
            Kind::Gru => &["Sigmoid", "Tanh"],
            Kind::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        };
        let activations = activations::read(&mut attributes, node, defaults, directions.count())?;
        let activations = activations.chunks(defaults.len()).map(<[_]>::to_vec);
        let activations = activations.collect();
        let clip = attributes.float("clip")?.map(f64::from);
        if let Some(found) = clip.filter(|clip| !clip.is_finite() || *clip <= 0.0) {
            return Err(attributes.refuse("clip", "a number above 0", found));
        }
        let layout = match operator_set {
            14.. if attributes.flag("layout")? => Layout::BatchFirst,
            _ => Layout::TimeFirst,
        };
        let input_forget = place.node.kind == Kind::Lstm && attributes.flag("input_forget")?;
        let linear_before_reset = place.node.kind == Kind::Gru
            && attributes
                .int("linear_before_reset")?
                .is_some_and(|value| value != 0);
        attributes.finish()?;
        Ok(Self {
            directions,
            hidden_size,
            activations,
            clip,
            layout,
            input_forget,
            linear_before_reset,
        })
    }
}
