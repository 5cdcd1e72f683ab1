//! Tensors of this backend: allocating them, and what Burn does with them.

use burn::backend::TensorMetadata;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, Slice};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::{BufferArg, CubeElement};

use crate::recurrence::Walk;

/// The type of a tensor's elements, as kernels take it.
pub(super) fn element(tensor: &CubeTensor) -> ElemType {
    dtype_to_storage_type(tensor.dtype)
}

/// A tensor as a kernel's argument.
pub(super) fn argument(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

/// Memory of the type and on the device of `like`, with anything in it.
pub(super) fn empty<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::from(shape), like.dtype)
}

pub(super) fn zeros<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_zeros(Shape::from(shape), &like.device, like.dtype.into())
}

/// The same numbers, one after the other.
pub(super) fn contiguous(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// The same numbers in memory that nobody else looks at: the tensor's own where that can be.
pub(super) fn owned(tensor: CubeTensor) -> CubeTensor {
    let tensor = into_contiguous(tensor);
    match tensor.can_mut() {
        true => tensor,
        false => tensor.copy(),
    }
}

/// The matrix at `index` of `[.., rows, columns]`.
pub(super) fn matrix(tensor: &CubeTensor, index: usize) -> CubeTensor {
    let shape = tensor.shape();
    let slices = [index..index + 1, 0..shape[1], 0..shape[2]].map(Slice::from);
    let slice = CubeBackend::float_slice(tensor.clone(), &slices);
    reshape(slice, [shape[1], shape[2]])
}

pub(super) fn reshape<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::from(shape))
}

pub(super) fn transpose(tensor: CubeTensor) -> CubeTensor {
    CubeBackend::float_swap_dims(tensor, 0, 1)
}

pub(super) fn matmul(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    contiguous(CubeBackend::float_matmul(left, right))
}

/// The sum over the first dimension of a matrix: `[columns]`.
pub(super) fn sum_rows(tensor: CubeTensor) -> CubeTensor {
    let columns = tensor.shape()[1];
    reshape(CubeBackend::float_sum_dim(tensor, 0), [columns])
}

/// On the device, if not all rows have all steps: the valid steps of each row, then the rows in
/// the order of their lengths, longest first.
pub(super) fn rows(walk: &Walk, like: &CubeTensor) -> Option<CubeTensor> {
    let lengths = walk.lengths.as_ref()?;
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
    let values: Vec<u32> = lengths
        .iter()
        .chain(&order)
        .map(|&value| value as u32)
        .collect();
    let handle = like.client.create_from_slice(u32::as_bytes(&values));
    let shape = Shape::from([values.len()]);
    let (client, device) = (like.client.clone(), like.device.clone());
    Some(CubeTensor::new_contiguous(
        client,
        device,
        shape,
        handle,
        DType::U32,
    ))
}
