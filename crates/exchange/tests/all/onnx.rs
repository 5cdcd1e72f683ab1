//! Recurrent nodes of ONNX models against what others compute, and against broken files. On Flex, which
//! computes in the 64 bits that some of them ask for.

mod exported;
mod expressions;
mod external;
mod layers;
mod message;
mod node_tests;
mod recorded;
mod refusals;

use std::path::PathBuf;

use backdraft_exchange::onnx::{Error, Model, OnnxLayer};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// A file of this folder.
fn file(name: &str) -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/onnx");
    tests.join(name)
}

/// The only recurrent node of a model, with the weights that the model stores.
fn only_layer(model: &Model) -> Result<OnnxLayer, Error> {
    let nodes = model.nodes();
    assert_eq!(nodes.len(), 1);
    model.layer(&nodes[0].name, &Device::flex())
}

/// A tensor of the type that its values have.
fn tensor<const D: usize>(data: TensorData) -> Tensor<D> {
    let dtype: DType = data.dtype();
    Tensor::from_data(data, (&Device::flex(), dtype))
}

/// Fails where two lists differ by more than `tolerance`, relative to their largest value or 1.
#[track_caller]
fn assert_close<const D: usize>(
    what: &str,
    found: &Tensor<D>,
    shape: &[usize],
    expected: &[f64],
    tolerance: f64,
) {
    assert_eq!(found.dims().as_slice(), shape, "{what}: shape");
    let found: Vec<f64> = found.to_data().iter::<f64>().collect();
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let largest = |scale: f64, value: &f64| scale.max(value.abs());
    let scale = expected.iter().fold(1.0, largest);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * scale,
            "{what}: value {index}: found {found}, expected {expected}"
        );
    }
}
