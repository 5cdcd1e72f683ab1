//! States that are zero whatever the batch.
//!
//! A module that is exported without a state begins with zeros for as many rows as it is given, which an exporter
//! writes as
//!
//! ```text
//! Expand(zeros, shape)     ConstantOfShape(shape)     shape = Concat(layers, batch of the input, units)
//! ```
//!
//! with a `Slice` for each layer behind it, or one of those operators that move elements about. Their values are
//! known though their shape is not: all of it but the batch is asked for here.

use std::collections::HashMap;

use burn::tensor::TensorData;

use super::attributes::Attributes;
use super::constant::{Constants, DEEPEST, Value};
use super::protobuf::NodeProto;
use super::{Error, tensor};

/// A tensor of zeros.
#[derive(Clone, Copy)]
pub(super) struct Zeros {
    /// The extent of its last axis, where it is known.
    pub last: Option<usize>,
}

/// The tensor of this name, if it is zeros in every run.
pub(super) fn find(constants: &Constants, name: &str) -> Result<Option<Zeros>, Error> {
    let mut search = Search {
        constants,
        found: HashMap::new(),
    };
    search.zeros(name, 0)
}

/// Whether these are zeros.
pub(super) fn are_zeros(data: &TensorData) -> bool {
    data.iter::<f64>().all(|value| value == 0.0)
}

struct Search<'s, 'a> {
    constants: &'s Constants<'a>,
    /// What was looked at; what is being looked at is not known to be zeros.
    found: HashMap<&'a str, Option<Zeros>>,
}

impl<'a> Search<'_, 'a> {
    fn zeros(&mut self, name: &str, depth: usize) -> Result<Option<Zeros>, Error> {
        if let Value::Constant(data) = self.constants.value(name)? {
            let last = data.shape().as_slice().last().copied();
            return Ok(are_zeros(&data).then_some(Zeros { last }));
        }
        let Some(node) = self.constants.node(name) else {
            return Ok(None);
        };
        if let Some(found) = self.found.get(node.output[0].as_str()) {
            return Ok(*found);
        }
        if depth == DEEPEST || node.output.len() != 1 {
            return Ok(None);
        }
        self.found.insert(&node.output[0], None);
        let found = self.of_node(node, depth)?;
        self.found.insert(&node.output[0], found);
        Ok(found)
    }

    fn of_node(&mut self, node: &'a NodeProto, depth: usize) -> Result<Option<Zeros>, Error> {
        let mut attributes = Attributes::new(&node.output[0], node);
        let input = |index: usize| node.input.get(index).map_or("", String::as_str);
        let unknown = |_: Zeros| Zeros { last: None };
        Ok(match node.op_type.as_str() {
            "ConstantOfShape" => {
                let value = attributes.tensor("value")?;
                let value = value.map(|value| tensor::values(value, None)).transpose()?;
                let last = self.last_number(input(0), depth + 1)?;
                value
                    .as_ref()
                    .is_none_or(are_zeros)
                    .then_some(Zeros { last })
            }
            "Expand" => {
                let zeros = self.zeros(input(0), depth + 1)?;
                let last = self.last_number(input(1), depth + 1)?;
                // An extent of 1 becomes the other's.
                zeros.map(|zeros| Zeros {
                    last: match last {
                        Some(1) => zeros.last,
                        last => last,
                    },
                })
            }
            "Identity" | "Cast" => self.zeros(input(0), depth + 1)?,
            // Those of a stack's layers, along the first axis.
            "Slice" => {
                let zeros = self.zeros(input(0), depth + 1)?;
                let axes = match self.constants.value(input(3))? {
                    Value::Constant(axes) => axes.iter::<i64>().collect(),
                    Value::Open(_) => attributes.ints("axes")?.unwrap_or_default().to_vec(),
                };
                match axes == [0] {
                    true => zeros,
                    false => zeros.map(unknown),
                }
            }
            "Concat" => {
                let mut all = None;
                for input in &node.input {
                    match self.zeros(input, depth + 1)? {
                        Some(zeros) => all = Some(unknown(zeros)),
                        None => return Ok(None),
                    }
                }
                all
            }
            "Unsqueeze" | "Squeeze" | "Transpose" | "Reshape" => {
                self.zeros(input(0), depth + 1)?.map(unknown)
            }
            _ => None,
        })
    }

    /// The last number of a shape, of which others may not be known.
    fn last_number(&self, name: &str, depth: usize) -> Result<Option<usize>, Error> {
        if let Value::Constant(shape) = self.constants.value(name)? {
            let last = shape.iter::<i64>().last();
            return Ok(last.and_then(|last| usize::try_from(last).ok()));
        }
        let Some(node) = self.constants.node(name).filter(|_| depth < DEEPEST) else {
            return Ok(None);
        };
        match (node.op_type.as_str(), node.input.last()) {
            ("Concat" | "Identity" | "Cast", Some(last)) => self.last_number(last, depth + 1),
            _ => Ok(None),
        }
    }
}
