//! Recurrent nodes of ONNX models.
//!
//! Each `RNN`, `LSTM` and `GRU` node of a model becomes a layer of this framework, which computes
//! what the node does and can be trained further. All of the operators is read: both directions,
//! layouts, lengths, initial states, peepholes, clipping, coupled gates, the place of the reset
//! gate and all activations, of operator set 7 on (in which these operators came to be as they
//! are; 14 added `layout`, 22 more types).
//!
//! ```no_run
//! use backdraft_exchange::onnx::{Directed, Given, Model, Recurrence};
//! use burn::tensor::{Device, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::read("model.onnx")?;
//! for node in model.nodes() {
//!     println!("{} is a {:?}", node.name, node.kind);
//! }
//! let device = Device::default();
//! let layer = model.layer("/lstm/LSTM", &device)?;
//!
//! // As the node would run, in ONNX's shapes ..
//! let outputs = layer.forward(Tensor::zeros([20, 3, 8], &device), Given::default())?;
//! assert_eq!(outputs.y.dims()[..2], [20, 1]);
//!
//! // .. or as a layer, to be used and trained as any other.
//! if let Recurrence::Lstm(Directed::One(lstm)) = layer.recurrence {
//!     println!("{lstm}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What PyTorch's `torch.onnx.export` writes of an `nn.LSTM` or an `nn.GRU` is read, by either of its exporters,
//! folded or not: a weight may be an expression of constants (`Slice`, `Concat`, `Unsqueeze` and their like), and
//! its values may lie in a file beside the model's or in a folder below. A module that is exported without a state
//! begins here with zeros for the batch of the run. Each of its layers is a node, of which `Y`,
//! `[time, directions, batch, hidden]`, becomes the next one's `X`, `[time, batch, directions · hidden]`. An `nn.RNN`
//! has a node only with `dynamo=False`, and an `nn.LSTM` with `proj_size` has none that computes what it does: its
//! `state_dict()` does ([`pytorch`](crate::pytorch)).
//!
//! Nodes in a model's own functions are not looked for.
//!
//! The operators' text decides. It bounds by `clip` "the input of activations", so that of LSTM's
//! third one too, which onnxruntime leaves as it is. Where it leaves something open: outputs at
//! padded steps are 0; a row of length 0 ends with the state it began with (onnxruntime gives 0).
//!
//! ONNX, "Operators", <https://onnx.ai/onnx/operators/>.

mod activations;
mod attributes;
mod cells;
mod constant;
mod error;
mod expression;
mod external;
mod inputs;
mod layer;
mod model;
mod operator;
mod protobuf;
mod rearrange;
mod tensor;
mod weights;
mod zeros;

pub use error::Error;
pub use layer::{Directed, Given, OnnxLayer, Outputs, Recurrence};
pub use model::{Kind, Model, Node};
pub use operator::Layout;
pub use tensor::read_tensor;
