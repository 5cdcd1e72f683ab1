//! Tensors in files beside a model: where they may lie, and where not.

use std::fs;
use std::path::Path;

use backdraft_exchange::onnx::{Directed, Error, Model, OnnxLayer, Recurrence};
use burn::tensor::Device;
use tempfile::TempDir;

use super::message::{field, model, node, number, zeros};
use super::only_layer;

/// A tensor whose values lie elsewhere.
fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&size| number(1, size)).collect();
    let entries = entries.iter().flat_map(|(key, value)| {
        let entry = [field(1, key), field(2, value)].concat();
        field(13, entry)
    });
    let entries: Vec<u8> = entries.collect();
    [dims, number(2, 1), field(8, name), entries, number(14, 1)].concat()
}

/// A model of an RNN of two units in `folder/models`, of which W lies elsewhere.
fn rnn(folder: &Path, entries: &[(&str, &str)]) -> Result<OnnxLayer, Error> {
    let tensors = [external("w", &[1, 2, 1], entries), zeros("r", &[1, 2, 2])];
    let node = node("RNN", "n", &["x", "w", "r"], &[]);
    let path = folder.join("models/rnn.onnx");
    fs::write(&path, model(22, &[node], &tensors)).unwrap();
    only_layer(&Model::read(path).unwrap())
}

/// A folder with 12 bytes, 3 numbers, in each of `models/w.bin`, `models/deep/w.bin` and `outside.bin`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("models/deep")).unwrap();
    let bytes: Vec<u8> = [0.5f32, -1.5, 2.5]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    for name in ["models/w.bin", "models/deep/w.bin", "outside.bin"] {
        fs::write(folder.path().join(name), &bytes).unwrap();
    }
    folder
}

#[test]
fn values_are_read_from_where_they_lie() {
    let folder = folder();
    let weights = |entries: &[(&str, &str)]| {
        let layer = rnn(folder.path(), entries).unwrap();
        let Recurrence::Rnn(Directed::One(rnn)) = layer.recurrence else {
            panic!("an RNN in one direction");
        };
        let weights = rnn.cell.gates.input_weight.val().into_data();
        weights.iter::<f32>().collect::<Vec<_>>()
    };
    let file = ("location", "w.bin");
    assert_eq!(weights(&[file, ("length", "8")]), [0.5, -1.5]);
    assert_eq!(weights(&[file, ("offset", "4")]), [-1.5, 2.5]);
    let whole = [
        ("length", "8"),
        ("location", "./deep/w.bin"),
        ("offset", "4"),
    ];
    assert_eq!(weights(&whole), [-1.5, 2.5]);
}

#[test]
fn paths_lead_nowhere_but_below_the_model() {
    let folder = folder();
    let outside = folder.path().join("outside.bin");
    let below = "tensor `w`: expected its values in a file of the model's folder, or of one below it, found ";
    let refused = |location: &str, found: &str| {
        let told = rnn(folder.path(), &[("location", location), ("length", "8")]);
        assert_eq!(told.unwrap_err().to_string(), format!("{below}{found}"));
    };
    refused("../outside.bin", "external data in `../outside.bin`");
    refused("deep/../w.bin", "external data in `deep/../w.bin`");
    let absolute = outside.to_str().unwrap();
    refused(absolute, &format!("external data in `{absolute}`"));
    refused("", "external data in ``");
    refused("deep", "`deep`, which is none");
    let told = rnn(folder.path(), &[("length", "8")]).unwrap_err();
    assert_eq!(told.to_string(), format!("{below}external data in ``"));
    let told = rnn(folder.path(), &[("location", "none.bin")]).unwrap_err();
    assert!(matches!(told, Error::Read { .. }), "{told}");
}

#[cfg(unix)]
#[test]
fn symbolic_links_lead_nowhere_either() {
    use std::os::unix::fs::symlink;

    let folder = folder();
    let models = folder.path().join("models");
    symlink("../outside.bin", models.join("out.bin")).unwrap();
    symlink("..", models.join("up")).unwrap();
    symlink("deep/w.bin", models.join("in.bin")).unwrap();
    let read = |location: &str| rnn(folder.path(), &[("location", location), ("offset", "4")]);
    for location in ["out.bin", "up/outside.bin"] {
        let told = read(location).unwrap_err().to_string();
        let expected = format!("found `{location}`, where a symbolic link leads out of it");
        assert!(told.ends_with(&expected), "{told}");
    }
    read("in.bin").unwrap();
    // The model itself may be reached by one.
    let link = folder.path().join("link");
    symlink(&models, &link).unwrap();
    only_layer(&Model::read(link.join("rnn.onnx")).unwrap()).unwrap();
    assert!(only_layer(&Model::read(link.join("rnn.onnx")).unwrap()).is_ok());
}

#[test]
fn what_a_file_claims_is_held_against_the_other() {
    let folder = folder();
    let told = |entries: &[(&str, &str)]| {
        let entries = [&[("location", "w.bin")], entries].concat();
        rnn(folder.path(), &entries).unwrap_err().to_string()
    };
    let inside =
        "tensor `w`: expected its values inside of `w.bin`, which has 12 bytes, from 0 on, found ";
    assert_eq!(told(&[]), "tensor `w`: expected 8 bytes, found 12");
    let beyond = told(&[("offset", "8"), ("length", "8")]);
    assert_eq!(beyond, format!("{inside}8 bytes from 8 on"));
    let huge = u64::MAX.to_string();
    let around = told(&[("offset", &huge), ("length", "8")]);
    assert_eq!(around, format!("{inside}8 bytes from {huge} on"));
    let long = told(&[("length", &huge)]);
    assert_eq!(long, format!("{inside}{huge} bytes from 0 on"));
    let short = told(&[("length", "4")]);
    assert_eq!(short, "tensor `w`: expected 8 bytes, found 4");
    for wrong in ["-4", "4.0", "", "four"] {
        let expected =
            format!("tensor `w`: expected its values at a number of bytes, found offset `{wrong}`");
        assert_eq!(told(&[("offset", wrong), ("length", "8")]), expected);
    }
    // Of numbers that fit no memory: nothing is allocated for them.
    let tensors = [
        external("w", &[1 << 29, 1 << 30, 1], &[("location", "w.bin")]),
        zeros("r", &[1, 2, 2]),
    ];
    let node = node("RNN", "n", &["x", "w", "r"], &[]);
    let path = folder.path().join("models/rnn.onnx");
    fs::write(&path, model(22, &[node], &tensors)).unwrap();
    let model = Model::read(path).unwrap();
    let told = model.layer("n", &Device::flex()).unwrap_err().to_string();
    let expected = format!("tensor `w`: expected {} bytes, found 12", 1u64 << 61);
    assert_eq!(told, expected);
}
