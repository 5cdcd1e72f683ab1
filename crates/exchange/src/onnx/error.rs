//! What can be wrong with a model file, or with what is handed to a layer of it.

use std::path::PathBuf;

use crate::NotFinite;

/// What was expected of a model file, a node or a tensor, and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are no ONNX message: cut off, of another format, with lengths beyond their end.
    #[error("not an ONNX message: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// A message without what makes it a model.
    #[error("an ONNX model: expected {expected}, found {found}")]
    Model {
        /// What a model has.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// No recurrent node of this name, or more than one.
    #[error("recurrent node `{name}`: expected one of this name, found {found} among {known:?}")]
    Node {
        /// What was asked for.
        name: String,
        /// How many nodes have that name.
        found: usize,
        /// The names of the model's recurrent nodes.
        known: Vec<String>,
    },
    /// A model without any recurrent node.
    #[error(
        "the model has no RNN, LSTM or GRU node, but {operators:?}; what PyTorch's exporter makes of an nn.RNN by \
         default are single operations, one step after the other: export it with dynamo=False, or load its \
         state_dict()"
    )]
    NoRecurrence {
        /// The operators that it has.
        operators: Vec<String>,
    },
    /// An operation on constants that cannot be done.
    #[error("tensor `{tensor}`, of {operator}: expected {expected}, found {found}")]
    Operation {
        /// The tensor that is computed.
        tensor: String,
        /// The operator.
        operator: String,
        /// What it needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An attribute that the operator does not have, or with an impossible value.
    #[error("node `{node}`: attribute `{attribute}`: expected {expected}, found {found}")]
    Attribute {
        /// The node.
        node: String,
        /// The attribute.
        attribute: String,
        /// What the operator allows.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An activation function that ONNX does not have.
    #[error("node `{node}`: unknown activation `{name}`; the operators have {known:?}")]
    Activation {
        /// The node.
        node: String,
        /// The function.
        name: String,
        /// The functions there are.
        known: &'static [&'static str],
    },
    /// An input of a node that is not stored in the model and was not handed in.
    #[error("node `{node}`: input `{input}`: expected {expected}, found {found}")]
    Input {
        /// The node.
        node: String,
        /// The operator's name for the input: `W`, `sequence_lens` ..
        input: String,
        /// What is needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A tensor of a shape that does not fit the node.
    #[error("node `{node}`: input `{input}`: expected shape {expected}, found {found:?}")]
    Shape {
        /// The node.
        node: String,
        /// The operator's name for the input.
        input: String,
        /// The shape that fits.
        expected: String,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// A tensor whose elements are of a type that is not read, or not fit for what it is used for.
    #[error("tensor `{tensor}`: element type: expected {expected}, found {found}")]
    ElementType {
        /// The tensor.
        tensor: String,
        /// What is read.
        expected: String,
        /// What it has.
        found: String,
    },
    /// A tensor with dimensions that no tensor has: negative, or more elements than can be counted.
    #[error("tensor `{tensor}`: impossible dimensions {found:?}")]
    Dimensions {
        /// The tensor.
        tensor: String,
        /// Its dimensions.
        found: Vec<i64>,
    },
    /// A tensor that does not hold as many values as its dimensions say.
    #[error("tensor `{tensor}`: expected {expected} {unit}, found {found}")]
    Length {
        /// The tensor.
        tensor: String,
        /// How many there should be.
        expected: usize,
        /// Of what: bytes of `raw_data`, or values.
        unit: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A tensor whose values lie where they are not read: in a file that is not below the model's folder, or
    /// beyond the end of one; or spread over several messages.
    #[error("tensor `{tensor}`: expected its values {expected}, found {found}")]
    Elsewhere {
        /// The tensor.
        tensor: String,
        /// Where they may be.
        expected: String,
        /// Where they are.
        found: String,
    },
    /// Weights that are no numbers.
    #[error("tensor {0}")]
    NotFinite(#[from] NotFinite),
    /// What the cells refuse.
    #[error(transparent)]
    Cells(#[from] backdraft_cells::Error),
}
