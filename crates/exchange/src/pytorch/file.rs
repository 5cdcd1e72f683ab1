//! Files of tensors, none of which is trusted.
//!
//! ```text
//! safetensors   see `safetensors_file`
//! zip           an archive of data.pkl and one entry a storage     torch.save since 1.6
//! legacy        five pickles, then the storages                    torch.save before
//! ```
//!
//! A pickle is a program. Burn's reader runs none of it: it follows the opcodes that build plain
//! values, knows the calls that make tensors, and keeps any other call as a name. Weights need
//! none, so here such a name is the end.
//!
//! What a header claims, a reader may allocate. The readers check it against the file; what they
//! let through is kept away from them here: compressed archives, whose content may be a thousand
//! times the file, and tar archives, whose entries may be sparse.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use burn_store::bridge;
use burn_store::burn_pack::Tensor;
use burn_store::pytorch_reader::{PickleValue, PytorchError, PytorchReader};
use zip::{CompressionMethod, ZipArchive};

use super::safetensors_file;
use crate::Error;

/// The tensors of a file by name, not yet read.
pub(super) fn open(path: &Path) -> Result<BTreeMap<String, Tensor>, Error> {
    let unreadable = |error| Error::Unreadable {
        path: path.to_path_buf(),
        error,
    };
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(64).read_to_end(&mut head).map_err(unreadable)?;
    if head.starts_with(b"PK\x03\x04") {
        uncompressed(path).map_err(|reason| refused(path, reason))?;
        pickled(path)
    } else if is_legacy(&head) {
        pickled(path)
    } else if head.get(8) == Some(&b'{') {
        safetensors_file::open(path)
    } else {
        let reason = "expected a .safetensors file, or a state dict that torch.save wrote";
        Err(refused(path, reason))
    }
}

pub(super) fn refused(path: &Path, reason: impl Into<String>) -> Error {
    Error::Refused {
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// The magic number that a legacy file's first pickle holds, behind some bytes that depend on the
/// protocol.
fn is_legacy(head: &[u8]) -> bool {
    let magic = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    head.windows(magic.len()).any(|window| window == magic)
}

/// Refuses an archive that holds more than the file, or anything compressed.
fn uncompressed(path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
    let mut sum = 0u64;
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| error.to_string())?;
        let stored = entry.compression() == CompressionMethod::Stored;
        if !stored || entry.size() != entry.compressed_size() {
            return Err(format!(
                "entry {index} of the archive is compressed, which torch.save does not do"
            ));
        }
        sum = sum.saturating_add(entry.size());
    }
    match sum <= length {
        true => Ok(()),
        false => Err(format!(
            "the archive claims {sum} bytes in a file of {length}"
        )),
    }
}

fn pickled(path: &Path) -> Result<BTreeMap<String, Tensor>, Error> {
    let error = |error: PytorchError| match error {
        PytorchError::Io(error) if error.raw_os_error().is_some() => Error::Unreadable {
            path: path.to_path_buf(),
            error,
        },
        other => refused(path, other.to_string()),
    };
    let value = PytorchReader::read_pickle_data(path, None).map_err(error)?;
    if let Some(name) = foreign(&value) {
        let reason = format!(
            "it holds an object made by `{name}`, which weights do not need; nothing was run; \
             torch.save(module.state_dict(), ..) writes none"
        );
        return Err(refused(path, reason));
    }
    let tensors = PytorchReader::new(path).map_err(error)?.into_tensors();
    let tensors = tensors.into_iter();
    Ok(tensors
        .map(|(name, tensor)| (name, bridge::from_pytorch(tensor)))
        .collect())
}

/// Calls and classes that mean data: PyTorch's own, and what optimisers and schedules keep beside
/// the weights.
const DATA: &[&str] = &[
    "_codecs.encode",
    "collections.Counter",
    "collections.defaultdict",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "torch.Size",
    "torch.Tensor",
    "torch.TypedStorage",
    "torch.UntypedStorage",
    "torch.device",
    "torch.bfloat16",
    "torch.bool",
    "torch.float16",
    "torch.float32",
    "torch.float64",
    "torch.int16",
    "torch.int32",
    "torch.int64",
    "torch.int8",
    "torch.uint8",
];

/// The name of the first thing in a pickle that is no data.
fn foreign(value: &PickleValue) -> Option<&str> {
    match value {
        PickleValue::Unsupported(name) => {
            // A name without a dot is a type of Python's own, such as an int of many digits.
            let data = !name.contains('.') || DATA.contains(&name.as_str());
            (!data).then_some(name)
        }
        PickleValue::List(values) => values.iter().find_map(foreign),
        PickleValue::Dict(values) => values.values().find_map(foreign),
        _ => None,
    }
}
