//! Tensors that are the same in every run of a model: stored, or computed of stored ones.
//!
//! ```text
//! stored      an initializer, or the value of a Constant node
//! computed    by Identity, Cast, Slice, Concat, Unsqueeze, Squeeze, Transpose or Reshape, of others
//! ```
//!
//! PyTorch's exporters put the gates of a weight into ONNX's order by such nodes, and leave those of large weights
//! in the file.
//!
//! A file may come from anywhere: each tensor is computed once, however many ask for it, what is computed is no more
//! than some times what is stored, and neither circles nor long chains are followed to their end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use burn::tensor::TensorData;

use super::attributes::Attributes;
use super::expression::{self, Expression};
use super::model::{NodePlace, is_own};
use super::protobuf::{NodeProto, TensorProto, ValueInfoProto};
use super::{Error, tensor};

/// For each byte that is stored, this many may be computed. PyTorch computes three to six.
const COMPUTED: usize = 16;
/// What may be computed of nothing: lists of a few numbers.
const FREE: usize = 1 << 16;
/// The longest chain of nodes that is followed. PyTorch's have four.
pub(super) const DEEPEST: usize = 100;
/// The most dimensions. Weights have three.
pub(super) const MOST_DIMENSIONS: usize = 8;

/// What gives a tensor its values.
#[derive(Clone, Copy)]
pub(super) enum Definition<'a> {
    Stored(&'a TensorProto),
    Node(&'a NodeProto),
}

/// What is known of a tensor before the model runs.
#[derive(Clone)]
pub(super) enum Value {
    /// All of it.
    Constant(Rc<TensorData>),
    /// Nothing, because of this tensor, which the model is fed or computes otherwise.
    Open(Rc<str>),
}

/// The tensors that the graphs around a node define.
pub(super) struct Constants<'a> {
    definitions: HashMap<&'a str, Definition<'a>>,
    /// The extents of the last axes, as the model declares them.
    last_extents: HashMap<&'a str, usize>,
    folder: Option<&'a Path>,
    operator_set: i64,
    /// `None` while it is being worked out.
    known: RefCell<HashMap<&'a str, Option<Value>>>,
    /// Bytes that may still be computed.
    left: Cell<usize>,
}

impl<'a> Constants<'a> {
    pub fn new(place: &NodePlace<'a>, operator_set: i64, folder: Option<&'a Path>) -> Self {
        let (mut definitions, mut last_extents) = (HashMap::new(), HashMap::new());
        // The innermost graph's are the nearest.
        for graph in place.graphs.iter().rev() {
            for stored in &graph.initializer {
                let stored = (stored.name.as_str(), Definition::Stored(stored));
                definitions.entry(stored.0).or_insert(stored.1);
            }
            for declared in graph.input.iter().chain(&graph.value_info) {
                if let Some(last) = last_extent(declared) {
                    last_extents.entry(declared.name.as_str()).or_insert(last);
                }
            }
            for node in &graph.node {
                for output in node.output.iter().filter(|output| !output.is_empty()) {
                    let name = output.as_str();
                    definitions.entry(name).or_insert(Definition::Node(node));
                }
            }
        }
        Self {
            definitions,
            last_extents,
            folder,
            operator_set,
            known: RefCell::default(),
            left: Cell::new(FREE),
        }
    }

    /// The node that computes a tensor, one of ONNX's own operators.
    pub fn node(&self, name: &str) -> Option<&'a NodeProto> {
        match self.definitions.get(name)? {
            Definition::Node(node) if is_own(&node.domain) => Some(node),
            _ => None,
        }
    }

    /// The extent of a tensor's last axis, if the model declares it.
    pub fn last_extent(&self, name: &str) -> Option<usize> {
        self.last_extents.get(name).copied()
    }

    /// What is known of the tensor of this name.
    pub fn value(&self, name: &str) -> Result<Value, Error> {
        self.value_below(name, 0)
    }

    /// The same, `depth` nodes below the one that was asked for.
    fn value_below(&self, name: &str, depth: usize) -> Result<Value, Error> {
        let open = |why: String| Ok(Value::Open(why.into()));
        let Some((&name, &definition)) = self.definitions.get_key_value(name) else {
            return open(format!("`{name}`, which the model is fed"));
        };
        match self.known.borrow().get(name) {
            Some(Some(value)) => return Ok(value.clone()),
            Some(None) => return open(format!("`{name}`, which is made of itself")),
            None => {}
        }
        self.known.borrow_mut().insert(name, None);
        let value = match definition {
            Definition::Stored(stored) => self.stored(stored)?,
            Definition::Node(node) if !is_own(&node.domain) || node.output.len() != 1 => {
                Value::Open(format!("`{name}`, which {} gives", node.op_type).into())
            }
            Definition::Node(node) if node.op_type == "Constant" => self.constant(name, node)?,
            Definition::Node(node) if !expression::is_known(&node.op_type) => {
                Value::Open(format!("`{name}`, which {} gives", node.op_type).into())
            }
            Definition::Node(node) if depth == DEEPEST => {
                let expected = format!("at most {DEEPEST} nodes, one behind the other");
                return Err(refuse(name, &node.op_type, &expected, "more"));
            }
            Definition::Node(node) => self.computed(name, node, depth)?,
        };
        self.known.borrow_mut().insert(name, Some(value.clone()));
        Ok(value)
    }

    fn stored(&self, stored: &TensorProto) -> Result<Value, Error> {
        let data = tensor::values(stored, self.folder)?;
        if data.rank() > MOST_DIMENSIONS {
            return Err(Error::Dimensions {
                tensor: stored.name.clone(),
                found: stored.dims.clone(),
            });
        }
        let more = data.as_bytes().len().saturating_mul(COMPUTED);
        self.left.set(self.left.get().saturating_add(more));
        Ok(Value::Constant(Rc::new(data)))
    }

    /// The value of a `Constant` node; a text or a sparse tensor is none that anybody asks for here.
    fn constant(&self, name: &str, node: &NodeProto) -> Result<Value, Error> {
        let mut attributes = Attributes::new(name, node);
        let numbers = if let Some(stored) = attributes.tensor("value")? {
            return self.stored(stored);
        } else if let Some(number) = attributes.int("value_int")? {
            TensorData::new(vec![number], [0; 0])
        } else if let Some(numbers) = attributes.ints("value_ints")? {
            TensorData::new(numbers.to_vec(), [numbers.len()])
        } else if let Some(number) = attributes.float("value_float")? {
            TensorData::new(vec![number], [0; 0])
        } else {
            let numbers = attributes.floats("value_floats")?;
            if numbers.is_empty() {
                return Ok(Value::Open(
                    format!("`{name}`, a Constant of no numbers").into(),
                ));
            }
            TensorData::new(numbers.to_vec(), [numbers.len()])
        };
        attributes.finish()?;
        Ok(Value::Constant(Rc::new(numbers)))
    }

    fn computed(&self, name: &str, node: &'a NodeProto, depth: usize) -> Result<Value, Error> {
        let mut arguments = Vec::with_capacity(node.input.len());
        for input in &node.input {
            arguments.push(match input.as_str() {
                "" => None,
                input => match self.value_below(input, depth + 1)? {
                    Value::Constant(data) => Some(data),
                    open => return Ok(open),
                },
            });
        }
        if node.op_type == "Identity"
            && let [Some(same)] = &arguments[..]
        {
            return Ok(Value::Constant(same.clone()));
        }
        let joins = node.op_type == "Concat";
        if joins {
            // The others give no more than they are given: this one is asked before anything is allocated.
            let all = arguments.iter().flatten();
            let bytes = |sum: usize, one: &Rc<TensorData>| sum.saturating_add(one.as_bytes().len());
            self.charge(name, &node.op_type, all.fold(0, bytes))?;
        }
        let expression = Expression {
            name,
            node,
            operator_set: self.operator_set,
            arguments,
        };
        let data = expression.compute()?;
        if !joins {
            self.charge(name, &node.op_type, data.as_bytes().len())?;
        }
        Ok(Value::Constant(Rc::new(data)))
    }

    fn charge(&self, name: &str, operator: &str, bytes: usize) -> Result<(), Error> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                let expected = format!("no more than {COMPUTED} times what is stored for it");
                Err(refuse(name, operator, &expected, "more"))
            }
        }
    }
}

fn last_extent(declared: &ValueInfoProto) -> Option<usize> {
    let shape = declared
        .r#type
        .as_ref()?
        .tensor_type
        .as_ref()?
        .shape
        .as_ref()?;
    usize::try_from(shape.dim.last()?.dim_value?).ok()
}

fn refuse(tensor: &str, operator: &str, expected: &str, found: &str) -> Error {
    Error::Operation {
        tensor: tensor.into(),
        operator: operator.into(),
        expected: expected.into(),
        found: found.into(),
    }
}
