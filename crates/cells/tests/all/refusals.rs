//! What does not fit is refused, with the layer, what it expected and what it got.

use backdraft_cells::prelude::*;
use backdraft_cells::{ErrorKind, Memory, Size, State};
use burn::tensor::{DType, Device, Tensor};

use crate::support;

fn device() -> Device {
    support::backends()[0].device.clone()
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &device())
}

#[test]
fn an_input_of_the_wrong_width_names_the_layer() {
    let layer = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(8, 16)), 2);
    let layer = layer.init(&device()).unwrap();
    let error = layer.forward(zeros([2, 5, 7])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Deep(2 x Bidirectional: Lstm(8 -> 16)): input [batch, time, features]: \
         expected [any, any, 8], found [2, 5, 7]"
    );
}

#[test]
fn a_state_of_the_wrong_shape_is_named() {
    let layer = DeepConfig::new(RecurrentConfig::new(LstmConfig::new(8, 16)), 2);
    let layer = layer.init(&device()).unwrap();
    let mut state = layer.initial_state(2);
    state[1].cell = zeros([3, 16]);
    let error = layer
        .forward(LayerInput::new(zeros([2, 5, 8])).with_state(state))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer 2 of Deep: Lstm(16 -> 16): initial state `cell` [batch, units]: \
         expected [2, 16], found [3, 16]"
    );
    let state = vec![layer.initial_state(2).remove(0)];
    let error = layer
        .forward(LayerInput::new(zeros([2, 5, 8])).with_state(state))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Deep(2 x Lstm(8 -> 16)): initial states: expected 2, found 1"
    );
}

#[test]
fn lengths_that_do_not_fit_are_named() {
    let layer = RecurrentConfig::new(GruConfig::new(4, 4))
        .init(&device())
        .unwrap();
    let refuse = |lengths: &[usize]| {
        let lengths = Lengths::new(lengths);
        layer
            .forward(LayerInput::new(zeros([2, 5, 4])).with_lengths(&lengths))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse(&[5, 6]),
        "Gru(4 -> 4): length of row 1: expected at most 5, the steps of the batch, found 6"
    );
    assert_eq!(
        refuse(&[5]),
        "Gru(4 -> 4): lengths, one for each row of the batch: expected 2, found 1"
    );
}

/// The kind of an error has the values in it.
#[test]
fn an_error_can_be_matched_on() {
    let config = DeepConfig::new(RecurrentConfig::new(GruConfig::new(4, 6)), 2);
    let layer = config.clone().init(&device()).unwrap();
    let kind = |input| layer.forward(input).unwrap_err().kind().clone();
    let input = || LayerInput::new(zeros([2, 5, 4]));

    let ErrorKind::Shape {
        expected, found, ..
    } = kind(LayerInput::new(zeros([2, 5, 3])))
    else {
        panic!("not a shape");
    };
    assert_eq!(expected, [Size::Any, Size::Any, Size::Is(4)]);
    assert_eq!(found, [2, 5, 3]);

    let lengths = Lengths::new([5, 7]);
    let (row, time, found) = (1, 5, 7);
    let expected = ErrorKind::Length { row, time, found };
    assert_eq!(kind(input().with_lengths(&lengths)), expected);

    let lengths = Lengths::new([5]);
    let found = kind(input().with_lengths(&lengths));
    assert!(
        matches!(
            found,
            ErrorKind::Count {
                expected: 2,
                found: 1,
                ..
            }
        ),
        "{found:?}"
    );

    let double = State::map(layer.initial_state(2), &mut |state| state.cast(DType::F64));
    let found = kind(input().with_state(double));
    let types = (DType::F32, DType::F64);
    assert!(
        matches!(found, ErrorKind::ElementType { expected, found, .. } if (expected, found) == types),
        "{found:?}"
    );
    let found = kind(LayerInput::new(zeros([2, 5, 4]).cast(DType::F64)));
    assert!(matches!(found, ErrorKind::ElementType { .. }), "{found:?}");

    let error = config
        .clone()
        .with_dropout(1.5)
        .init(&device())
        .unwrap_err();
    let ErrorKind::Range { what, found, .. } = error.kind() else {
        panic!("not a range: {error}");
    };
    assert_eq!((what.as_str(), *found), ("dropout", 1.5));

    let lstm = AnyCellConfig::from(LstmConfig::new(4, 6))
        .init(&device())
        .unwrap();
    let gru = AnyCellConfig::from(GruConfig::new(4, 6))
        .init(&device())
        .unwrap();
    let of_gru = Recurrent::new(gru, Direction::Forward).initial_state(2);
    let error = Recurrent::new(lstm, Direction::Forward)
        .forward(input_of(of_gru))
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Count { .. }), "{error}");
}

fn input_of<S>(state: S) -> LayerInput<'static, S> {
    LayerInput::new(zeros([2, 5, 4])).with_state(state)
}

#[test]
fn a_stack_of_one_layer_has_nothing_to_drop_between() {
    let stack = |layers| {
        DeepConfig::new(RecurrentConfig::new(GruConfig::new(4, 4)), layers).with_dropout(0.5)
    };
    assert_eq!(
        refusal(stack(1)),
        "Deep: dropout: expected 0 in a stack of one layer, since it is between layers, found 0.5"
    );
    stack(2).init(&device()).unwrap();
}

#[test]
fn impossible_configurations_are_refused() {
    let device = device();
    assert!(LstmConfig::new(0, 4).init(&device).is_err());
    assert!(GruConfig::new(4, 0).init(&device).is_err());
    let stack = |layers| DeepConfig::new(RecurrentConfig::new(ElmanConfig::new(3, 4)), layers);
    assert!(stack(0).init(&device).is_err());
    assert!(stack(2).with_dropout(1.0).init(&device).is_err());
    assert!(stack(2).with_dropout(f64::NAN).init(&device).is_err());
    assert!(
        stack(1)
            .with_connection(Connection::Residual)
            .init(&device)
            .is_err()
    );
    assert!(
        stack(2)
            .with_connection(Connection::Residual)
            .init(&device)
            .is_ok()
    );
    let below = ElmanConfig::new(3, 4).init(&device).unwrap();
    let above = ElmanConfig::new(5, 4).init(&device).unwrap();
    let layers = [below, above].map(|cell| Recurrent::new(cell, Direction::Forward));
    let error = Deep::new(layers.to_vec(), 0.0, Connection::Plain).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer 2 of Deep: Elman(5 -> 4): input size: \
         expected 4, the output size of the layer below, found 5"
    );
    assert!(
        LstmConfig::new(3, 4)
            .with_memory(Memory::ForgetBias(f64::NAN))
            .init(&device)
            .is_err()
    );
    let no_bias = GatesConfig::new().with_bias(false);
    let config = LstmConfig::new(3, 4)
        .with_gates(no_bias)
        .with_memory(Memory::ForgetBias(1.0));
    assert!(config.init(&device).is_err());
}

fn refusal<K: SequenceConfig>(config: K) -> String {
    match config.init(&device()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("not refused: {config:?}"),
    }
}

#[test]
fn impossible_options_of_cells_are_refused() {
    let lstm = || LstmConfig::new(3, 4);
    assert_eq!(
        refusal(
            lstm()
                .with_coupled(true)
                .with_memory(Memory::ForgetBias(1.0))
        ),
        "Lstm: memory: expected a forget gate of its own, found ForgetBias(1.0) and coupled gates"
    );
    assert_eq!(
        refusal(lstm().with_proj_size(Some(0))),
        "Lstm: proj size: expected at least 1, found 0"
    );
    for clip in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("expected a finite number above 0, found {clip}");
        let refusals = [
            (
                refusal(lstm().with_cell_clip(Some(clip))),
                "Lstm: cell clip",
            ),
            (
                refusal(lstm().with_gate_clip(Some(clip))),
                "Lstm: gate clip",
            ),
            (
                refusal(GruConfig::new(3, 4).with_gate_clip(Some(clip))),
                "Gru: gate clip",
            ),
            (
                refusal(ElmanConfig::new(3, 4).with_gate_clip(Some(clip))),
                "Elman: gate clip",
            ),
            (
                refusal(IndRnnConfig::new(3, 4).with_bound(Some(clip))),
                "IndRnn: bound",
            ),
            (
                refusal(LayerNormLstmConfig::new(3, 4).with_epsilon(clip)),
                "LayerNormLstm: epsilon",
            ),
            (
                refusal(LayerNormGruConfig::new(3, 4).with_epsilon(clip)),
                "LayerNormGru: epsilon",
            ),
        ];
        for (found, what) in refusals {
            assert_eq!(found, format!("{what}: {expected}"));
        }
    }
    let nan = Activation::Elu { alpha: f64::NAN };
    assert_eq!(
        refusal(lstm().with_activations(LstmActivations::new().with_output(nan))),
        "Lstm: activation of the output: expected finite numbers, found Elu { alpha: NaN }"
    );
    refusal(GruConfig::new(3, 4).with_activations(GruActivations::new().with_gate(nan)));
    refusal(ElmanConfig::new(3, 4).with_activation(nan));
    refusal(HighOrderElmanConfig::new(3, 4, 2).with_activation(nan));
    refusal(JordanConfig::new(3, 4, 2).with_output_activation(nan));
    refusal(ElmanJordanConfig::new(3, 4, 2).with_activation(nan));
    refusal(IndRnnConfig::new(3, 4).with_activation(nan));
    refusal(IndRnnConfig::new(3, 4).with_steps(0));
    refusal(HighOrderElmanConfig::new(3, 4, 0));
    refusal(JordanConfig::new(3, 4, 0));
    refusal(ElmanJordanConfig::new(3, 0, 2));
    refusal(JanetConfig::new(3, 4).with_beta(f64::NAN));
    assert_eq!(
        refusal(SLstmConfig::new(3, 4).with_heads(3)),
        "SLstm: heads: expected a divisor of 4, the hidden size, found 3"
    );
    refusal(SLstmConfig::new(3, 4).with_heads(0));
}

#[test]
fn zoneout_refuses_what_it_cannot_keep() {
    let zoneout = |hidden, cell| ZoneoutConfig::new(LstmConfig::new(3, 4), hidden, cell);
    assert_eq!(
        refusal(zoneout(1.0, 0.1)),
        "Zoneout: hidden: expected a probability of at least 0 and below 1, found 1"
    );
    refusal(zoneout(0.1, -0.1));
    refusal(zoneout(f64::NAN, 0.1));
    assert_eq!(
        refusal(ZoneoutConfig::new(GruConfig::new(3, 4), 0.1, 0.1)),
        "Zoneout: Gru(3 -> 4): cell: expected 0, as this cell has no memory beside its output, found 0.1"
    );
    assert_eq!(
        refusal(ZoneoutConfig::new(LstmConfig::new(3, 0), 0.1, 0.1)),
        "Zoneout: Lstm: hidden size: expected at least 1, found 0"
    );
    let lstm = LstmConfig::new(3, 4).init(&device()).unwrap();
    let error = Zoneout::new(lstm, 3.0, 0.1).unwrap_err();
    assert!(
        error.to_string().starts_with("Zoneout: hidden: expected"),
        "{error}"
    );
    let layer = RecurrentConfig::new(zoneout(0.1, 0.1)).init(&device());
    assert_eq!(layer.unwrap().describe(), "Zoneout: Lstm(3 -> 4)");
}
