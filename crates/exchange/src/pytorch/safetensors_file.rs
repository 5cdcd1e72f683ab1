//! Files of the safetensors format.
//!
//! ```text
//! u64 length of the header, little-endian | the header, JSON | the bytes of the tensors, without a gap
//! ```
//!
//! The header is parsed once, when the file is opened, and a tensor's bytes are read where the header says
//! they are, when they are asked for. Burn's reader parses the whole header again for each tensor, so that a
//! file of twice the tensors takes four times as long.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{BoolStore, Bytes, DType, TensorData};
use burn_store::bridge;
use burn_store::burn_pack::{Error as PackError, Tensor};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, Metadata};

use super::file::refused;
use crate::Error;

/// The longest header that the format's own reader takes.
const LONGEST_HEADER: u64 = 100_000_000;

/// The tensors of a file by name, not yet read.
pub(super) fn open(path: &Path) -> Result<BTreeMap<String, Tensor>, Error> {
    let unreadable = |error| Error::Unreadable {
        path: path.to_path_buf(),
        error,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let header = header(&mut file, length).map_err(unreadable)?;
    let (header, start) = header.map_err(|error| refused(path, error.to_string()))?;

    let file = Arc::new(Mutex::new(file));
    let mut tensors = BTreeMap::new();
    for (name, info) in header.tensors() {
        let dtype = dtype(info.dtype).ok_or_else(|| {
            let reason = format!("{name}: numbers of type {:?} are not supported", info.dtype);
            refused(path, reason)
        })?;
        let (from, to) = info.data_offsets;
        let (file, shape) = (file.clone(), info.shape.clone());
        let read = move || {
            let bytes = bytes(&file, start + from as u64, to - from)
                .map_err(|error| PackError::IoError(error.to_string()))?;
            TensorData::try_from_bytes(Bytes::from_bytes_vec(bytes), shape.clone(), dtype)
                .map_err(|error| PackError::TensorBytesSizeMismatch(error.to_string()))
        };
        let shape = info.shape.clone().into();
        let tensor = bridge::deferred(name.clone(), dtype, shape, None, read);
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// What the header says, held against the file's length, and where the bytes of the tensors begin.
fn header(file: &mut File, length: u64) -> io::Result<Result<(Metadata, u64), SafeTensorError>> {
    let mut size = [0; 8];
    file.read_exact(&mut size)?;
    let size = u64::from_le_bytes(size);
    if size > LONGEST_HEADER {
        return Ok(Err(SafeTensorError::HeaderTooLarge));
    }
    let start = size + 8;
    if start > length {
        return Ok(Err(SafeTensorError::InvalidHeaderLength));
    }
    let mut text = Vec::new();
    file.take(size).read_to_end(&mut text)?;
    let header: Metadata = match serde_json::from_slice(&text) {
        Ok(header) => header,
        Err(error) => return Ok(Err(SafeTensorError::InvalidHeaderDeserialization(error))),
    };
    if start.checked_add(header.data_len() as u64) != Some(length) {
        return Ok(Err(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(Ok((header, start)))
}

fn bytes(file: &Mutex<File>, from: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn dtype(stored: Dtype) -> Option<DType> {
    match stored {
        Dtype::F64 => Some(DType::F64),
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::BF16),
        Dtype::I64 => Some(DType::I64),
        Dtype::I32 => Some(DType::I32),
        Dtype::I16 => Some(DType::I16),
        Dtype::I8 => Some(DType::I8),
        Dtype::U64 => Some(DType::U64),
        Dtype::U32 => Some(DType::U32),
        Dtype::U8 => Some(DType::U8),
        Dtype::BOOL => Some(DType::Bool(BoolStore::Native)),
        _ => None,
    }
}
