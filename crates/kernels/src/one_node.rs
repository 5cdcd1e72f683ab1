//! A function whose gradient the caller computes, as ONE node of the graph.
//!
//! ```text
//! forward     (y, s_T) = f(x, s_0, theta)             computed by the caller, without a graph
//! backward    dE/dx, dE/ds_0, dE/dtheta               computed by the caller from dE/dy and dE/ds_T
//! ```
//!
//! What autodiff would record inside `f` is not recorded. The caller may compute `f` a second time in the backward
//! pass, with a graph of its own: Burn allows a backward pass inside a backward pass, as the inner graph shares no node
//! with the outer one.
#![allow(
    deprecated,
    reason = "Burn has deprecated NdArray, and people still run it"
)]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, DispatchKindConversion};
use burn::tensor::{DispatchTensor, Tensor};

use crate::gradient::{Slots, output, taken};
use crate::operation::OutputGradients;

/// What the function of a node reads.
#[derive(Debug, Clone)]
pub struct NodeInputs {
    /// `x`.
    pub sequence: Tensor<3>,
    /// `s_0`.
    pub state: Tensor<2>,
    /// `theta`.
    pub parameters: Tensor<1>,
}

/// What the function of a node gives.
#[derive(Debug, Clone)]
pub struct NodeOutputs {
    /// `y`.
    pub outputs: Tensor<3>,
    /// `s_T`.
    pub state: Tensor<2>,
}

/// The gradients of what the function gave. At least one of them is there.
#[derive(Debug, Clone)]
pub struct OutputSlopes {
    /// `dE/dy`; nothing if the loss does not depend on the outputs.
    pub outputs: Option<Tensor<3>>,
    /// `dE/ds_T`; nothing if the loss does not depend on the state.
    pub state: Option<Tensor<2>>,
}

/// The gradients of what the function read. What no gradient is asked of, because it is not tracked, may be left out.
#[derive(Debug, Clone)]
pub struct InputSlopes {
    /// `dE/dx`.
    pub sequence: Option<Tensor<3>>,
    /// `dE/ds_0`.
    pub state: Option<Tensor<2>>,
    /// `dE/dtheta`.
    pub parameters: Option<Tensor<1>>,
}

/// What computes the gradients, until it is called.
type Slopes = Box<dyn FnOnce(OutputSlopes) -> InputSlopes + Send>;

/// The function. Its own value is seen by nobody; see [`crate::gradient`].
#[derive(Debug)]
struct Core;

struct CoreState<B: Backend> {
    slopes: Arc<Mutex<Option<Slopes>>>,
    slots: Slots<B>,
}

impl<B: Backend> Clone for CoreState<B> {
    fn clone(&self) -> Self {
        Self {
            slopes: self.slopes.clone(),
            slots: self.slots.clone(),
        }
    }
}

impl<B: Backend> fmt::Debug for CoreState<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreState").finish_non_exhaustive()
    }
}

impl<B: Backend> Backward<B, 3> for Core
where
    DispatchTensor: DispatchKindConversion<B>,
{
    type State = CoreState<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let CoreState { slopes, slots } = ops.state;
        let slopes = slopes.lock().unwrap_or_else(PoisonError::into_inner).take();
        let slopes = slopes.expect("a graph is gone through once");
        let given: OutputGradients<B> = taken(&slots);
        let found = slopes(OutputSlopes {
            outputs: given.outputs.into_option().map(Tensor::from_primitive::<B>),
            state: given.state.into_option().map(Tensor::from_primitive::<B>),
        });
        let found = [
            found.sequence.map(primitive::<B, 3>),
            found.state.map(primitive::<B, 2>),
            found.parameters.map(primitive::<B, 1>),
        ];
        for (parent, found) in ops.parents.into_iter().zip(found) {
            if let Some(parent) = parent {
                let found = found.expect("there is a gradient of what is tracked");
                gradients.register::<B>(parent.id, found);
            }
        }
    }
}

/// `values`, which were computed from `inputs` without a graph, as a node of the graph that depends on them.
///
/// `values` have no autodiff; all of `inputs` have, with the same strategy of Burn's own checkpointing. In the backward
/// pass, `slopes` is called once, at most. What it keeps is kept as long as the graph is.
///
/// ```
/// use backdraft_kernels::{InputSlopes, NodeInputs, NodeOutputs, one_node};
/// use burn::tensor::{Device, Tensor};
///
/// // y = 3 x, s_T = s_0, without parameters.
/// let device = Device::flex().autodiff();
/// let inputs = NodeInputs {
///     sequence: Tensor::ones([1, 4, 2], &device).require_grad(),
///     state: Tensor::ones([1, 5], &device),
///     parameters: Tensor::zeros([1], &device),
/// };
/// let values = NodeOutputs {
///     outputs: inputs.sequence.clone().inner() * 3.0,
///     state: inputs.state.clone().inner(),
/// };
/// let x = inputs.sequence.clone();
/// let run = one_node(inputs, values, |given| InputSlopes {
///     sequence: given.outputs.map(|slope| slope * 3.0),
///     state: None,
///     parameters: None,
/// });
/// let gradients = run.outputs.sum().backward();
/// assert_eq!(x.grad(&gradients).unwrap().to_data().to_vec::<f32>().unwrap(), [3.0; 8]);
/// ```
///
/// # Panics
///
/// When a tensor has autodiff or not against what is said above, or is of a backend that is neither Flex, NdArray nor
/// CubeCL. In the backward pass, when `slopes` leaves out the gradient of what is tracked.
pub fn one_node(
    inputs: NodeInputs,
    values: NodeOutputs,
    slopes: impl FnOnce(OutputSlopes) -> InputSlopes + Send + 'static,
) -> NodeOutputs {
    let slopes: Slopes = Box::new(slopes);
    macro_rules! on {
        ($backend:ty) => {
            if is_of::<Autodiff<$backend, NoCheckpointing>>(&inputs.parameters) {
                return attached::<$backend, NoCheckpointing>(inputs, values, slopes);
            }
            if is_of::<Autodiff<$backend, BalancedCheckpointing>>(&inputs.parameters) {
                return attached::<$backend, BalancedCheckpointing>(inputs, values, slopes);
            }
        };
    }
    #[cfg(feature = "flex")]
    on!(burn::backend::Flex);
    #[cfg(feature = "ndarray")]
    on!(burn::backend::NdArray);
    #[cfg(feature = "wgpu")]
    on!(burn::backend::Cube);
    panic!(
        "no node for tensors of {:?}, autodiff: {}",
        inputs.parameters.device(),
        inputs.parameters.is_autodiff()
    );
}

fn is_of<B: Backend>(tensor: &Tensor<1>) -> bool
where
    DispatchTensor: DispatchKindConversion<B>,
{
    tensor.clone().try_into_primitive::<B>().is_ok()
}

fn primitive<B: Backend, const D: usize>(tensor: Tensor<D>) -> FloatTensor<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    let primitive = tensor.try_into_primitive::<B>();
    primitive.unwrap_or_else(|error| panic!("a tensor of another backend: {error:?}"))
}

fn attached<B: Backend, C: CheckpointStrategy>(
    inputs: NodeInputs,
    values: NodeOutputs,
    slopes: Slopes,
) -> NodeOutputs
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B, C>>,
{
    let nodes = [
        primitive::<Autodiff<B, C>, 3>(inputs.sequence).node(),
        primitive::<Autodiff<B, C>, 2>(inputs.state).node(),
        primitive::<Autodiff<B, C>, 1>(inputs.parameters).node(),
    ];
    let values = [
        primitive::<B, 3>(values.outputs),
        primitive::<B, 2>(values.state),
    ];
    let slots = Slots::<B>::default();
    let core = match Core.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let state = CoreState {
                slopes: Arc::new(Mutex::new(Some(slopes))),
                slots: slots.clone(),
            };
            prep.finish(state, values[1].clone())
        }
        OpsKind::UnTracked(prep) => prep.finish(values[1].clone()),
    };
    let [outputs, state] =
        [0, 1].map(|slot| output::<B, C>(&core, (slot, slots.clone()), values[slot].clone()));
    NodeOutputs {
        outputs: Tensor::from_primitive::<Autodiff<B, C>>(outputs),
        state: Tensor::from_primitive::<Autodiff<B, C>>(state),
    }
}
