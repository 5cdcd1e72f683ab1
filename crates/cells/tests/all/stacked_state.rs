//! States of all layers and directions in one tensor, as PyTorch has them.

use backdraft_cells::prelude::*;
use backdraft_cells::{ErrorKind, StackedState};
use burn::tensor::Tensor;

use crate::support::{self, values};

#[test]
fn states_are_stacked_layer_by_layer_and_forward_first() {
    for backend in &support::backends() {
        let config = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), 2);
        let layer = backend.fill(config.init(&backend.device).unwrap(), 2);
        let input = backend.random::<3>(1, [2, 5, 3]).inner();
        let state = layer.forward(input.clone()).unwrap().state;
        let [hidden, cell]: [Tensor<3>; 2] =
            layer.stacked(state.clone()).unwrap().try_into().unwrap();
        let cells = [
            &state[0].forward,
            &state[0].reverse,
            &state[1].forward,
            &state[1].reverse,
        ];
        for (index, expected) in cells.into_iter().enumerate() {
            let part = |tensor: &Tensor<3>| values(&tensor.clone().slice(index));
            assert_eq!(part(&hidden), values(&expected.hidden));
            assert_eq!(part(&cell), values(&expected.cell));
        }

        // And back: the run goes on as from the state itself.
        let stacked = layer.unstacked(vec![hidden, cell]).unwrap();
        let go_on = |state| {
            let run = layer.forward(LayerInput::new(input.clone()).with_state(state));
            values(&run.unwrap().outputs)
        };
        assert_eq!(go_on(stacked), go_on(state));
    }
}

#[test]
fn one_layer_in_one_direction_is_a_stack_too() {
    let device = &support::backends()[0].device;
    let gru = RecurrentConfig::new(GruConfig::new(3, 4))
        .init(device)
        .unwrap();
    let state = gru.initial_state(2) + 0.5;
    let [hidden] = gru.stacked(state.clone()).unwrap().try_into().unwrap();
    assert_eq!(hidden.dims(), [1, 2, 4]);
    let back = gru.unstacked(vec![hidden]).unwrap();
    assert_eq!(values(&back), values(&state));
}

#[test]
fn what_cannot_be_stacked_is_refused() {
    let device = &support::backends()[0].device;
    let lstm = || RecurrentConfig::new(LstmConfig::new(3, 4));
    let sizes = DeepConfig::new(lstm(), 2)
        .with_sizes([5])
        .init(device)
        .unwrap();
    let error = sizes.stacked(sizes.initial_state(2)).unwrap_err();
    assert!(
        error.to_string().contains("expected [2, 4], found [2, 5]"),
        "{error}"
    );

    let layer = DeepConfig::new(lstm(), 2).init(device).unwrap();
    let zeros = |shape: [usize; 3]| Tensor::<3>::zeros(shape, device);
    let error = layer.unstacked(vec![zeros([2, 3, 4])]).unwrap_err();
    let count = matches!(
        error.kind(),
        ErrorKind::Count {
            expected: 2,
            found: 1,
            ..
        }
    );
    assert!(count, "{error}");
    let error = layer
        .unstacked(vec![zeros([2, 3, 4]), zeros([4, 3, 4])])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected [2, 3, 4], found [4, 3, 4]"),
        "{error}"
    );
    assert!(
        layer
            .unstacked(vec![zeros([2, 3, 4]), zeros([2, 2, 4])])
            .is_err()
    );
}
