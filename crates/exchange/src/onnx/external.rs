//! Tensors whose values lie in a file beside the model.
//!
//! ```text
//! location    the file: a relative path, from the model's folder
//! offset      where the values begin in it, in bytes; 0 if it does not say
//! length      how many bytes they are; up to the end of the file if it does not say
//! ```
//!
//! The path leads nowhere but into the model's folder and below it: what is absolute, goes up by `..` or leaves by a
//! symbolic link is refused. The file is asked for its length before anything is allocated. Its `checksum` is not
//! looked at: whoever can change the one file can change the other.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::Error;
use super::protobuf::TensorProto;

/// The bytes of a tensor that has `bytes` of them.
pub(super) fn read(
    tensor: &TensorProto,
    folder: Option<&Path>,
    bytes: usize,
) -> Result<Vec<u8>, Error> {
    let entry = |key: &str| {
        let mut entries = tensor.external_data.iter();
        let entry = entries.find(|entry| entry.key == key);
        entry.map(|entry| entry.value.as_str())
    };
    let refuse = |expected: &str, found: String| Error::Elsewhere {
        tensor: tensor.name.clone(),
        expected: expected.into(),
        found,
    };
    let location = entry("location").unwrap_or_default();
    let Some(folder) = folder else {
        let expected = "in the model itself, which was read from bytes, not from a file";
        return Err(refuse(expected, format!("external data in `{location}`")));
    };
    let below = "in a file of the model's folder, or of one below it";
    let relative = Path::new(location);
    let down = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !relative.components().all(down) {
        return Err(refuse(below, format!("external data in `{location}`")));
    }
    let joined = folder.join(relative);
    let unreadable = |source| Error::Read {
        path: joined.clone(),
        source,
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let path = joined.canonicalize().map_err(unreadable)?;
    if !path.starts_with(folder) {
        let found = format!("`{location}`, where a symbolic link leads out of it");
        return Err(refuse(below, found));
    }
    // Not to be opened otherwise: a pipe would keep us waiting.
    if !path.is_file() {
        return Err(refuse(below, format!("`{location}`, which is none")));
    }
    let mut file = File::open(&path).map_err(unreadable)?;
    let there = file.metadata().map_err(unreadable)?;
    let number = |key: &str| match entry(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => {
            let found = format!("{key} `{}`", entry(key).unwrap_or_default());
            Err(refuse("at a number of bytes", found))
        }
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = match number("length")? {
        Some(length) => length,
        None => there.len().saturating_sub(offset),
    };
    let end = offset.checked_add(length);
    if end.is_none_or(|end| end > there.len()) {
        let expected = format!(
            "inside of `{location}`, which has {} bytes, from 0 on",
            there.len()
        );
        let found = format!("{length} bytes from {offset} on");
        return Err(refuse(&expected, found));
    }
    if length != bytes as u64 {
        return Err(Error::Length {
            tensor: tensor.name.clone(),
            expected: bytes,
            unit: "bytes",
            found: usize::try_from(length).unwrap_or(usize::MAX),
        });
    }
    let mut values = vec![0; bytes];
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    file.read_exact(&mut values).map_err(unreadable)?;
    Ok(values)
}
