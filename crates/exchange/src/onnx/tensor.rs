//! A tensor's message to its values.
//!
//! ```text
//! raw_data        the elements in order, little-endian
//! float_data ..   the same as a list, one kind for each element type
//! external_data   where the bytes of raw_data lie in another file: `external.rs`
//! ```
//!
//! Dimensions are only believed when as many values are there, so nothing is allocated for what a
//! broken file claims.

use std::borrow::Cow;
use std::path::Path;

use burn::tensor::{Element, TensorData, bf16, f16};
use prost::Message;

use super::protobuf::TensorProto;
use super::rearrange::count;
use super::{Error, external};

/// Reads one tensor from its own file: a `TensorProto`, as ONNX's test data sets are stored.
///
/// Gives its name and its values, of type `f32`, `f64`, `f16`, `bf16`, `i32` or `i64`.
///
/// # Errors
///
/// When the file cannot be read, is no tensor, or holds a tensor that is broken or of another type.
pub fn read_tensor(path: impl AsRef<Path>) -> Result<(String, TensorData), Error> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| Error::Read {
        path: path.into(),
        source,
    })?;
    let tensor = TensorProto::decode(bytes.as_slice())?;
    let values = values(&tensor, None)?;
    Ok((tensor.name, values))
}

/// The values of a tensor of a model in `folder`.
pub(super) fn values(tensor: &TensorProto, folder: Option<&Path>) -> Result<TensorData, Error> {
    if tensor.segment.is_some() {
        return Err(Error::Elsewhere {
            tensor: tensor.name.clone(),
            expected: "whole".into(),
            found: "a segment of a larger tensor".into(),
        });
    }
    let place = (tensor, folder);
    // The numbers of `TensorProto.DataType`.
    match tensor.data_type {
        1 => elements(place, &tensor.float_data, f32::from_le_bytes, |value| {
            *value
        }),
        6 => elements(place, &tensor.int32_data, i32::from_le_bytes, |value| {
            *value
        }),
        7 => elements(place, &tensor.int64_data, i64::from_le_bytes, |value| {
            *value
        }),
        10 => elements(place, &tensor.int32_data, f16::from_le_bytes, |bits| {
            f16::from_bits(*bits as u16)
        }),
        11 => elements(place, &tensor.double_data, f64::from_le_bytes, |value| {
            *value
        }),
        16 => elements(place, &tensor.int32_data, bf16::from_le_bytes, |bits| {
            bf16::from_bits(*bits as u16)
        }),
        found => Err(Error::ElementType {
            tensor: tensor.name.clone(),
            expected: "FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT32 or INT64".into(),
            found: format!("number {found} of TensorProto.DataType"),
        }),
    }
}

fn elements<E: Element, V, const BYTES: usize>(
    (tensor, folder): (&TensorProto, Option<&Path>),
    list: &[V],
    from_bytes: fn([u8; BYTES]) -> E,
    from_value: fn(&V) -> E,
) -> Result<TensorData, Error> {
    let shape = dimensions(tensor)?;
    let count: usize = shape.iter().product();
    let length = |expected, unit, found| Error::Length {
        tensor: tensor.name.clone(),
        expected,
        unit,
        found,
    };
    let bytes = count.saturating_mul(BYTES);
    let outside = tensor.data_location != 0 || !tensor.external_data.is_empty();
    let raw = match &tensor.raw_data {
        _ if outside => Some(Cow::Owned(external::read(tensor, folder, bytes)?)),
        raw => raw.as_deref().map(Cow::Borrowed),
    };
    let elements: Vec<E> = match raw {
        Some(raw) => {
            let (chunks, rest) = raw.as_chunks::<BYTES>();
            if chunks.len() != count || !rest.is_empty() {
                return Err(length(bytes, "bytes", raw.len()));
            }
            chunks.iter().map(|bytes| from_bytes(*bytes)).collect()
        }
        None if list.len() != count => return Err(length(count, "values", list.len())),
        None => list.iter().map(from_value).collect(),
    };
    Ok(TensorData::new(elements, shape))
}

/// The dimensions, of which the product can be counted.
fn dimensions(tensor: &TensorProto) -> Result<Vec<usize>, Error> {
    let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
    let sizes: Option<Vec<usize>> = sizes.collect();
    sizes
        .filter(|sizes| count(sizes).is_some())
        .ok_or_else(|| Error::Dimensions {
            tensor: tensor.name.clone(),
            found: tensor.dims.clone(),
        })
}
