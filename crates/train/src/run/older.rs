//! Weights as earlier versions named them: with the cell and the direction of the layers in the name.
//!
//! ```text
//! before    recurrent.Gru.Forward.layers.0.cell.gates.input_weight
//! now       recurrent.layers.0.cell.gates.input_weight
//! ```

use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use burn_pack::{Error, Reader, Tensor, Writer};

/// The weights in these bytes, by the names of today.
///
/// # Errors
///
/// When they are none.
pub(crate) fn weights(bytes: Bytes) -> Result<ModuleRecord, RecordError> {
    // Shared, so that looking at the names copies nothing.
    let bytes = bytes.shared();
    let renamed = renamed(bytes.clone())?;
    ModuleRecord::from_bytes(renamed.unwrap_or(bytes))
}

/// The same bytes with other names, where there are any of before.
fn renamed(bytes: Bytes) -> Result<Option<Bytes>, Error> {
    let reader = Reader::from_bytes(bytes)?;
    if reader
        .tensor_names()
        .into_iter()
        .all(|name| today(name).is_none())
    {
        return Ok(None);
    }
    let metadata = reader.metadata().clone();
    let scalars = reader.scalars().clone();
    let mut tensors = reader.into_tensors()?;
    for Tensor { name, .. } in &mut tensors {
        if let Some(today) = today(name) {
            *name = today;
        }
    }
    let mut writer = Writer::new(tensors);
    for (key, value) in &metadata {
        writer = writer.with_metadata(key, value);
    }
    for (key, value) in scalars {
        writer = writer.with_scalar(&key, value);
    }
    writer.into_bytes().map(Some)
}

/// What a tensor is called today, if it was called otherwise: a cell and a direction are left out.
fn today(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let is_cell = |part: &str| part.starts_with(|first: char| first.is_ascii_uppercase());
    let at = parts
        .windows(2)
        .position(|pair| is_cell(pair[0]) && matches!(pair[1], "Forward" | "Both"))?;
    Some([&parts[..at], &parts[at + 2..]].concat().join("."))
}

#[cfg(test)]
mod tests {
    use backdraft_models::{Encoder, LanguageModel};
    use burn::module::Module;
    use burn::tensor::Device;

    use super::*;
    use crate::LanguageSettings;

    fn model() -> LanguageModel<Encoder> {
        LanguageSettings::default()
            .model(9)
            .init(&Device::flex())
            .unwrap()
    }

    /// As the tensors of a record, by name.
    fn tensors(record: ModuleRecord) -> Vec<Tensor> {
        let bytes = record.into_bytes().unwrap();
        Reader::from_bytes(bytes).unwrap().into_tensors().unwrap()
    }

    #[test]
    fn names_of_before_are_understood() {
        let record = || model().into_record();
        let expected = tensors(record());
        let mut before = tensors(record());
        for tensor in &mut before {
            tensor.name = tensor.name.replace("recurrent.", "recurrent.Gru.Forward.");
        }
        assert!(before.iter().any(|tensor| tensor.name.contains(".Gru.")));
        let bytes = Writer::new(before).into_bytes().unwrap();
        let loaded = model().try_load_record(weights(bytes).unwrap()).unwrap();
        let found = tensors(loaded.into_record());
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.name, expected.name);
            assert_eq!(found.shape, expected.shape);
        }
    }

    #[test]
    fn what_is_no_weights_is_refused() {
        assert!(weights(Bytes::from_bytes_vec(b"no weights".to_vec())).is_err());
        assert!(weights(Bytes::from_bytes_vec(Vec::new())).is_err());
    }
}
