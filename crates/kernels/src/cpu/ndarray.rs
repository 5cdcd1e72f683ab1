//! Tensors of Burn's NdArray backend, which Burn has deprecated: to be deleted with it.
#![allow(deprecated, reason = "people still run it")]

use burn::backend::TensorMetadata;
use burn::backend::ndarray::{NdArray, NdArrayTensor};
use burn::backend::tensor::FloatTensor;
use burn::tensor::TensorData;

use super::additive::host::additive_backend;
use super::cross_entropy::host::cross_entropy_backend;
use super::host::{Host, recurrent_backend};
use super::program::host::program_backend;
use crate::operation::{
    Kept, LeftOfInput, OutputGradients, ReadInput, ReadProjected, RecurrenceRun, Wanted,
};
use crate::recurrence::{Recurrence, Walk};

recurrent_backend!(NdArray);
program_backend!(NdArray);
additive_backend!(NdArray);
cross_entropy_backend!(NdArray);

/// What the tensor stores; that it is f32 was checked.
macro_rules! view {
    ($tensor:expr) => {
        match $tensor {
            NdArrayTensor::F32(storage) => storage.view(),
            other => unreachable!("f32 was checked, this is {:?}", other.dtype()),
        }
    };
}

impl Host for NdArray {
    type Owned = Vec<f32>;

    fn is_contiguous(tensor: &NdArrayTensor) -> bool {
        view!(tensor).to_slice().is_some()
    }

    fn contiguous(tensor: NdArrayTensor) -> NdArrayTensor {
        match Self::is_contiguous(&tensor) {
            true => tensor,
            false => {
                let values: Vec<f32> = view!(&tensor).iter().copied().collect();
                NdArrayTensor::from_data(TensorData::new(values, tensor.shape()))
            }
        }
    }

    fn values(tensor: &NdArrayTensor) -> &[f32] {
        view!(tensor).to_slice().expect("contiguous")
    }

    fn own(tensor: NdArrayTensor) -> Vec<f32> {
        Self::values(&Self::contiguous(tensor)).to_vec()
    }

    fn give_back<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> NdArrayTensor {
        Self::tensor(values, shape)
    }

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> NdArrayTensor {
        NdArrayTensor::from_data(TensorData::new(values, shape))
    }
}
