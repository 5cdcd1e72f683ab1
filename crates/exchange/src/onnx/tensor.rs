//! A tensor's message to its values.
//!
//! ```text
//! raw_data        the elements in order, little-endian
//! float_data ..   the same as a list, one kind for each element type
//! ```
//!
//! Dimensions are only believed when as many values are there, so nothing is allocated for what a
//! broken file claims.

use std::path::Path;

use burn::tensor::{Element, TensorData, bf16, f16};
use prost::Message;

use super::Error;
use super::protobuf::TensorProto;

/// Reads one tensor from its own file: a `TensorProto`, as ONNX's test data sets are stored.
///
/// Gives its name and its values, of type `f32`, `f64`, `f16`, `bf16` or `i32`.
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
    let values = values(&tensor)?;
    Ok((tensor.name, values))
}

pub(super) fn values(tensor: &TensorProto) -> Result<TensorData, Error> {
    let elsewhere = |found: String| {
        Err(Error::Elsewhere {
            tensor: tensor.name.clone(),
            found,
        })
    };
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        let mut entries = tensor.external_data.iter();
        let location = entries.find(|entry| entry.key == "location");
        let file = location.map_or("an unnamed file", |entry| &entry.value);
        return elsewhere(format!("external data in {file}"));
    }
    if tensor.segment.is_some() {
        return elsewhere("a segment of a larger tensor".into());
    }
    // The numbers of `TensorProto.DataType`.
    match tensor.data_type {
        1 => elements(tensor, &tensor.float_data, f32::from_le_bytes, |value| {
            *value
        }),
        6 => elements(tensor, &tensor.int32_data, i32::from_le_bytes, |value| {
            *value
        }),
        10 => elements(tensor, &tensor.int32_data, f16::from_le_bytes, |bits| {
            f16::from_bits(*bits as u16)
        }),
        11 => elements(tensor, &tensor.double_data, f64::from_le_bytes, |value| {
            *value
        }),
        16 => elements(tensor, &tensor.int32_data, bf16::from_le_bytes, |bits| {
            bf16::from_bits(*bits as u16)
        }),
        found => Err(Error::ElementType {
            tensor: tensor.name.clone(),
            expected: "FLOAT, DOUBLE, FLOAT16, BFLOAT16 or INT32".into(),
            found: format!("number {found} of TensorProto.DataType"),
        }),
    }
}

fn elements<E: Element, V, const BYTES: usize>(
    tensor: &TensorProto,
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
    let elements: Vec<E> = match &tensor.raw_data {
        Some(raw) => {
            let (chunks, rest) = raw.as_chunks::<BYTES>();
            if chunks.len() != count || !rest.is_empty() {
                let expected = count.saturating_mul(BYTES);
                return Err(length(expected, "bytes", raw.len()));
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
        .filter(|sizes| {
            let product = |all: usize, &size: &usize| all.checked_mul(size);
            sizes.iter().try_fold(1, product).is_some()
        })
        .ok_or_else(|| Error::Dimensions {
            tensor: tensor.name.clone(),
            found: tensor.dims.clone(),
        })
}
