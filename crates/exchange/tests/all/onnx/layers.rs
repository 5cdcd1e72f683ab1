//! A node's layer, as one of this framework.

use backdraft_cells::{Layer, Lengths};
use backdraft_exchange::onnx::{Directed, Given, Layout, Model, Recurrence};
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::file;

#[test]
fn the_layer_of_a_node_can_be_trained() {
    let device = Device::flex().autodiff();
    let model = Model::read(file("recorded/gru_reset_after.onnx")).unwrap();
    let layer = model.layer("gru_reset_after", &device).unwrap();
    let x = Tensor::<3>::random([4, 3, 2], Distribution::Default, &device);
    let given = || Given {
        initial_h: Some(Tensor::zeros([2, 3, 3], &device)),
        ..Given::default()
    };
    let whole = layer.forward(x.clone(), given()).unwrap();
    let gradients = whole.y.clone().sum().backward();

    let Recurrence::Gru(Directed::Both(gru)) = layer.recurrence else {
        panic!("a GRU in both directions");
    };
    for cell in gru.directions().into_array().map(|layer| &layer.cell) {
        let gradient = cell.gates.recurrent_weight.val().grad(&gradients).unwrap();
        assert_eq!(gradient.dims(), [9, 3]);
        assert!(gradient.abs().max().into_scalar::<f64>() > 1e-3);
    }
    // Batch-first, forward and reverse side by side.
    let run = gru.forward(x.swap_dims(0, 1)).unwrap();
    let y = whole.y.permute([2, 0, 1, 3]).reshape([3, 4, 6]);
    assert_eq!((run.outputs - y).abs().max().into_scalar::<f64>(), 0.0);
}

#[test]
fn a_row_without_steps_keeps_its_state() {
    let device = Device::flex();
    let model = Model::read(file("recorded/lstm_bidirectional.onnx")).unwrap();
    let layer = model.layer("lstm_bidirectional", &device).unwrap();
    let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Default, &device);
    let (h, c) = (random([2, 3, 3]), random([2, 3, 3]));
    let given = Given {
        sequence_lens: Some(Lengths::new([4, 0, 2])),
        initial_h: Some(h.clone()),
        initial_c: Some(c.clone()),
    };
    let run = layer.forward(random([4, 3, 2]), given).unwrap();
    let row = |state: Tensor<3>| state.slice_dim(1, 1..2).to_data();
    assert_eq!(row(run.y_h), row(h));
    assert_eq!(row(run.y_c.unwrap()), row(c));
    let y = run.y.slice_dim(2, 1..2).abs().max();
    assert_eq!(y.into_scalar::<f64>(), 0.0);
}

#[test]
fn weights_of_16_bits_become_f32_and_f64_stays() {
    for (name, dtype) in [("lstm_half", DType::F32), ("lstm_double", DType::F64)] {
        let model = Model::read(file(&format!("recorded/{name}.onnx"))).unwrap();
        let layer = model.layer(name, &Device::flex()).unwrap();
        let Recurrence::Lstm(Directed::One(lstm)) = &layer.recurrence else {
            panic!("an LSTM in one direction");
        };
        assert_eq!(lstm.cell.gates.input_weight.dtype(), dtype);
        assert_eq!(layer.layout, Layout::TimeFirst);
        // What is fed may be of another type.
        let zeros = |shape| Tensor::<3>::zeros(shape, (&Device::flex(), DType::F32));
        let given = Given {
            initial_h: Some(zeros([1, 1, 3])),
            initial_c: Some(zeros([1, 1, 3])),
            ..Given::default()
        };
        let run = layer.forward(zeros([1, 1, 2]), given).unwrap();
        assert_eq!(run.y.dtype(), dtype);
    }
}
