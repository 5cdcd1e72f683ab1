//! Tensors of Burn's Flex backend.

use burn::backend::flex::{Flex, FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Bytes, DType, Shape};

use super::additive::host::additive_backend;
use super::cross_entropy::host::cross_entropy_backend;
use super::host::{Host, recurrent_backend};
use super::program::host::program_backend;
use crate::operation::{
    Kept, LeftOfInput, OutputGradients, ReadInput, ReadProjected, RecurrenceRun, Wanted,
};
use crate::recurrence::{Recurrence, Walk};

recurrent_backend!(Flex);
program_backend!(Flex);
additive_backend!(Flex);
cross_entropy_backend!(Flex);

/// A tensor that has its memory for itself, all of it and in order.
pub(super) struct Owned(FlexTensor);

impl AsMut<[f32]> for Owned {
    fn as_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }
}

impl Host for Flex {
    type Owned = Owned;

    fn is_contiguous(tensor: &FlexTensor) -> bool {
        tensor.is_contiguous()
    }

    fn contiguous(tensor: FlexTensor) -> FlexTensor {
        match tensor.is_contiguous() {
            true => tensor,
            false => tensor.to_contiguous(),
        }
    }

    fn values(tensor: &FlexTensor) -> &[f32] {
        tensor.as_slice().expect("contiguous f32")
    }

    fn own(tensor: FlexTensor) -> Owned {
        let mut tensor = Self::contiguous(tensor);
        let shape = tensor.layout().shape().clone();
        let whole = tensor.layout().contiguous_offsets() == Some((0, shape.num_elements()));
        let alone = tensor.try_storage_mut::<f32>();
        match alone.is_some_and(|all| whole && all.len() == shape.num_elements()) {
            true => Owned(tensor),
            false => {
                let copy = Bytes::from_elems(Self::values(&tensor).to_vec());
                Owned(FlexTensor::new(copy, Layout::contiguous(shape), DType::F32))
            }
        }
    }

    fn give_back<const D: usize>(Owned(tensor): Owned, _: [usize; D]) -> FlexTensor {
        tensor
    }

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
        let layout = Layout::contiguous(Shape::from(shape));
        FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
    }
}
