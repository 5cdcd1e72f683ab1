//! Sequences without steps, and batches without rows: outputs without them, and the state handed through.

use backdraft_cells::State;
use backdraft_cells::prelude::*;
use burn::tensor::Tensor;

use crate::support::{self, Backend, values};

/// Runs `config` over no steps from a state of its own, and over no rows.
fn check<K: SequenceConfig<Built: Layer>>(backend: &Backend, config: K) {
    let layer = config.init(&backend.device).unwrap();
    let (name, size) = (layer.describe(), layer.input_size());
    let zeros = |batch, time| Tensor::<3>::zeros([batch, time, size], &backend.device);
    let state = layer.initial_state(2);
    let state = state.map(&mut |zeros| zeros.ones_like() * 0.25);
    let numbers = |state: &<K::Built as Layer>::State| {
        let mut numbers = Vec::new();
        state.visit("", &mut |_, tensor| numbers.push(values(tensor)));
        numbers
    };

    let lengths = Lengths::new([0, 0]);
    for lengths in [None, Some(&lengths)] {
        let input = LayerInput::new(zeros(2, 0))
            .with_state(state.clone())
            .with_lengths(lengths);
        let run = layer.forward(input.clone()).unwrap();
        assert_eq!(run.outputs.dims(), [2, 0, layer.output_size()], "{name}");
        assert_eq!(numbers(&run.state), numbers(&state), "{name}");
        let trace = layer.trace(input).unwrap();
        assert_eq!(trace.outputs.dims(), [2, 0, layer.output_size()], "{name}");
        assert!(trace.states.is_empty(), "{name}");
        assert_eq!(numbers(&trace.state), numbers(&state), "{name}");
    }
    let run = layer.forward(zeros(2, 0)).unwrap();
    assert_eq!(
        numbers(&run.state),
        numbers(&layer.initial_state(2)),
        "{name}"
    );

    let run = layer.forward(zeros(0, 3)).unwrap();
    assert_eq!(run.outputs.dims(), [0, 3, layer.output_size()], "{name}");
    // What comes next is refused as it always is.
    let input = LayerInput::new(zeros(3, 0)).with_state(state);
    assert!(layer.forward(input).is_err(), "{name}");
}

#[test]
fn a_sequence_without_steps_hands_its_state_through() {
    for backend in &support::backends() {
        let lstm = || LstmConfig::new(3, 4);
        let recurrent = |direction| RecurrentConfig::new(lstm()).with_direction(direction);
        check(backend, recurrent(Direction::Forward));
        check(backend, recurrent(Direction::Reverse));
        check(backend, RecurrentConfig::new(SLstmConfig::new(3, 4)));
        check(backend, RecurrentConfig::new(MinGruConfig::new(3, 4)));
        let residual = DeepConfig::new(recurrent(Direction::Forward), 2);
        check(
            backend,
            residual
                .with_connection(Connection::Residual)
                .with_dropout(0.5),
        );
        check(
            backend,
            DeepConfig::new(BidirectionalConfig::new(lstm()), 2),
        );
        check(
            backend,
            DilatedStackConfig::new(recurrent(Direction::Reverse), [1, 3]),
        );
        let gru = RecurrentConfig::new(GruConfig::new(4, 2));
        check(
            backend,
            HierarchicalConfig::new(recurrent(Direction::Forward), gru, 2),
        );
    }
}

/// A trained layer too, whose gradient is then zero.
#[test]
fn nothing_has_a_gradient_of_zero() {
    for backend in &support::backends() {
        let device = backend.autodiff();
        let layer = RecurrentConfig::new(GruConfig::new(3, 4))
            .init(&device)
            .unwrap();
        let state = Tensor::<2>::ones([2, 4], &device).require_grad();
        let input = LayerInput::new(Tensor::zeros([2, 0, 3], &device)).with_state(state.clone());
        let run = layer.forward(input).unwrap();
        let gradients = (run.state * 3.0).sum().backward();
        assert_eq!(values(&state.grad(&gradients).unwrap()), [3.0; 8]);
        assert!(
            layer
                .cell
                .gates
                .recurrent_weight
                .val()
                .grad(&gradients)
                .is_none()
        );
        assert_eq!(layer.cell.output_size(), 4);
    }
}
