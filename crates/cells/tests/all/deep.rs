//! Layers on top of each other: their sizes, what is between them and around them.

use backdraft_cells::prelude::*;
use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};

use crate::support::{self, values};

fn device() -> Device {
    support::backends()[0].device.clone()
}

#[test]
fn the_layers_of_a_stack_may_differ_in_size() {
    let stack = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), 3);
    let stack = stack.with_sizes([5, 2]).init(&device()).unwrap();
    let sizes: Vec<_> = stack
        .layers
        .iter()
        .map(|layer| [layer.input_size(), layer.output_size()])
        .collect();
    assert_eq!(sizes, [[3, 8], [8, 10], [10, 4]]);
    assert_eq!(
        stack.describe(),
        "Deep(Bidirectional: Lstm(3 -> 4), Bidirectional: Lstm(8 -> 5), Bidirectional: Lstm(10 -> 2))"
    );
}

/// A highway whose gate is shut lets the layer's input pass, one that is open its output.
#[test]
fn a_highway_goes_between_input_and_output() {
    let device = device();
    let layer = GruConfig::new(3, 3).init(&device).unwrap();
    let layer = Recurrent::new(layer, Direction::Forward);
    let input = Tensor::random([2, 5, 3], Distribution::Default, &device);
    let expected = layer.forward(input.clone()).unwrap().outputs;
    for (bias, expected) in [(-50.0, &input), (50.0, &expected)] {
        let connection = Connection::Highway { bias };
        let stack = Deep::new(vec![layer.clone()], 0.0, connection).unwrap();
        let found = stack.forward(input.clone()).unwrap().outputs;
        support::assert_close("highway", &values(&found), &values(expected), 1e-6);
    }
}

#[test]
fn dropout_is_between_layers_and_only_in_training() {
    let device = device();
    let stack = |layers| {
        DeepConfig::new(RecurrentConfig::new(GruConfig::new(4, 32)), layers).with_dropout(0.5)
    };
    let input = Tensor::random([2, 6, 4], Distribution::Default, &device);
    let twice = |layer: &Deep<Recurrent<Gru>>, input: &Tensor<3>| {
        let run = || values(&layer.forward(input.clone()).unwrap().outputs);
        run() == run()
    };
    let deep = stack(2).init(&device.clone().autodiff()).unwrap();
    assert!(twice(&deep.valid(), &input), "evaluation must not drop");
    let input = Tensor::from_inner(input);
    assert!(!twice(&deep, &input), "training must drop");
}
