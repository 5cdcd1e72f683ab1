//! Elements of arrays, put in another order.
//!
//! ```text
//! picked    element i, j, ..  =  element  first + i stride_0 + j stride_1 + ..  of what there was
//! joined    the arrays one after the other along an axis
//! ```
//!
//! Elements are only moved, so these know the size of one and not its type.

use burn::tensor::TensorData;

/// The number of elements of a shape. `None` if no memory holds as many, were each extent at least 1: places in such
/// an array cannot be counted even where it is empty.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let product = |all: usize, &extent: &usize| all.checked_mul(extent.max(1));
    let places = shape.iter().try_fold(1, product)?;
    // Of the largest elements there are.
    isize::try_from(places.checked_mul(8)?).ok()?;
    Some(shape.iter().product())
}

/// An array of `shape`, of elements of `data` by where they lie in memory.
pub(super) fn picked(
    data: &TensorData,
    shape: &[usize],
    first: usize,
    strides: &[isize],
) -> TensorData {
    let size = data.dtype().size();
    let bytes = data.as_bytes();
    // Elements of the last axis that lie side by side go over as one piece.
    let (piece, outer) = match (shape.split_last(), strides.last()) {
        (Some((&last, outer)), Some(1)) => (last, outer),
        _ => (1, shape),
    };
    let pieces: usize = outer.iter().product();
    let mut found = Vec::with_capacity(pieces * piece * size);
    let mut index = vec![0; outer.len()];
    let mut at = first as isize;
    for _ in 0..pieces {
        found.extend_from_slice(&bytes[at as usize * size..][..piece * size]);
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < outer[axis] {
                break;
            }
            at -= strides[axis] * outer[axis] as isize;
            index[axis] = 0;
        }
    }
    TensorData::from_bytes_vec(found, shape.to_vec(), data.dtype())
}

/// How far apart in memory the neighbours along each axis are.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// Arrays of one type, and of one shape but for the extent of `axis`.
pub(super) fn joined(arrays: &[&TensorData], axis: usize) -> TensorData {
    let (dtype, mut shape) = (arrays[0].dtype(), arrays[0].shape().to_vec());
    let outer: usize = shape[..axis].iter().product();
    let inner: usize = shape[axis + 1..].iter().product();
    let own = |array: &TensorData| array.shape().as_slice()[axis];
    shape[axis] = arrays.iter().map(|array| own(array)).sum();
    let mut found = Vec::with_capacity(outer * inner * shape[axis] * dtype.size());
    for row in 0..outer {
        for array in arrays {
            let bytes = own(array) * inner * dtype.size();
            found.extend_from_slice(&array.as_bytes()[row * bytes..][..bytes]);
        }
    }
    TensorData::from_bytes_vec(found, shape, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_turned_cut_and_joined() {
        let data = TensorData::new((0..24).collect::<Vec<i32>>(), [2, 3, 4]);
        let values = |data: &TensorData| data.iter::<i32>().collect::<Vec<_>>();
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        // The last axis first.
        let turned = picked(&data, &[4, 2, 3], 0, &[1, 12, 4]);
        assert_eq!(
            values(&turned)[..8],
            [0, 4, 8, 12, 16, 20, 1, 5],
            "{turned:?}"
        );
        // Rows 1 and 2, and in them 3 and 1: backwards in steps of 2.
        let cut = picked(&data, &[2, 2, 2], 4 + 3, &[12, 4, -2]);
        assert_eq!(values(&cut), [7, 5, 11, 9, 19, 17, 23, 21]);
        let rows = picked(&data, &[2, 1, 4], 8, &[12, 4, 1]);
        assert_eq!(values(&rows), [8, 9, 10, 11, 20, 21, 22, 23]);
        let both = joined(&[&rows, &data], 1);
        assert_eq!(both.shape().to_vec(), [2, 4, 4]);
        assert_eq!(values(&both)[..6], [8, 9, 10, 11, 0, 1]);
        assert_eq!(values(&both)[16..18], [20, 21]);
        // Nothing at all, and more than there can be.
        assert_eq!(count(&[2, 0, 4]), Some(0));
        assert_eq!(count(&[]), Some(1));
        assert_eq!(count(&[0, 1 << 40, 1 << 40]), None);
        assert_eq!(count(&[1 << 60]), None);
        assert_eq!(picked(&data, &[2, 0, 4], 0, &[12, 4, 1]).num_elements(), 0);
        let one = TensorData::new(vec![7], [0; 0]);
        assert_eq!(values(&picked(&one, &[], 0, &[])), [7]);
    }
}
