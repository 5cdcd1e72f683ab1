//! What does not fit is refused, with the layer, what it expected and what it got.

use backdraft_cells::prelude::*;
use backdraft_cells::{ErrorKind, Memory, Size, State};
use burn::module::Module;
use burn::nn::Initializer;
use burn::tensor::{DType, Device, Distribution, Tensor};

use crate::support::{self, values};

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

/// Weights that are learned read an input that is not, and the gradient of an input goes through weights that are not.
#[test]
fn gradients_may_be_recorded_on_one_side_alone() {
    let config = RecurrentConfig::new(GruConfig::new(4, 6));
    let layer = config.init(&device()).unwrap();
    let input = zeros::<3>([2, 5, 4]) + 0.5;
    let expected = values(&layer.forward(input.clone()).unwrap().outputs);
    let recorded = Tensor::from_inner(input.clone()).require_grad();
    let outputs = layer.forward(recorded.clone()).unwrap().outputs;
    assert_eq!(values(&outputs), expected);
    let gradient = recorded.grad(&outputs.sum().backward()).unwrap();
    assert!(values(&gradient).iter().all(|gradient| *gradient != 0.0));

    let layer = layer.train();
    let outputs = layer.forward(input).unwrap().outputs;
    assert_eq!(values(&outputs), expected);
    let weight = layer.cell.gates.recurrent_weight.val();
    assert!(weight.grad(&outputs.sum().backward()).is_some());
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

/// PyTorch's bound is that of the units, also for what is projected.
#[test]
fn a_projection_starts_as_pytorchs() {
    let config = LstmConfig::new(3, 64).with_proj_size(Some(2));
    let lstm = config.with_peepholes(true).init(&device()).unwrap();
    assert_eq!(lstm.output_size(), 2);
    assert_eq!(lstm.gates.recurrent_weight.dims(), [256, 2]);
    for weight in [
        lstm.gates.recurrent_weight.val(),
        lstm.projection.unwrap().val(),
        lstm.peepholes.unwrap().val(),
    ] {
        let largest = values(&weight).iter().fold(0.0f64, |a, b| a.max(b.abs()));
        assert!((0.11..=0.125).contains(&largest), "{largest}");
    }
}

/// Uniform between 0 and the bound, as in the paper.
#[test]
fn an_independent_unit_starts_within_its_bound() {
    let config = IndRnnConfig::new(3, 500).with_steps(4);
    let bound = 2f64.powf(0.25);
    assert_eq!(config.bound, Some(bound));
    let weight = values(&config.init(&device()).unwrap().recurrent_weight.val());
    assert!(weight.iter().all(|u| (0.0..=bound + 1e-6).contains(u)));
    let mean = weight.iter().sum::<f64>() / 500.0;
    assert!((mean / bound - 0.5).abs() < 0.06, "{mean}");
}

/// With only the first step's small input gate, 0 would be divided by 0 in f32.
#[test]
fn a_closed_s_lstm_gives_numbers() {
    let mut cell = SLstmConfig::new(1, 1).init(&device()).unwrap();
    let bias = Tensor::from_floats([-200.0, 0.0, 0.5, 100.0], &device());
    cell.bias = Some(burn::module::Param::from_tensor(bias));
    let layer = Recurrent::new(cell, Direction::Forward);
    let outputs = layer.forward(zeros([1, 1, 1])).unwrap().outputs;
    support::assert_close("tanh(z)", &values(&outputs), &[0.5f64.tanh()], 1e-5);
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

/// Burn's own orthogonal initialiser panics on a bias.
#[test]
fn an_orthogonal_start_is_for_weights_alone() {
    let device = device();
    let orthogonal = Initialization::from(Initializer::Orthogonal { gain: 1.0 });
    let gates = GatesConfig::new().with_bias_initialization(orthogonal.clone());
    let error = LstmConfig::new(3, 4)
        .with_gates(gates)
        .init(&device)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Lstm: bias initialization: expected one that is defined for a vector, \
         found Orthogonal { gain: 1.0 }"
    );

    let gates = GatesConfig::new().with_recurrent_initialization(orthogonal);
    let lstm = LstmConfig::new(3, 4)
        .with_gates(gates)
        .init(&device)
        .unwrap();
    for gate in lstm.gates.recurrent_weight.val().chunk(4, 0) {
        let product = gate.clone().matmul(gate.transpose());
        let identity = Tensor::<2>::eye(4, &device);
        support::assert_close("each gate", &values(&product), &values(&identity), 1e-5);
    }
}

#[test]
fn each_kind_of_weight_has_its_own_initialiser() {
    let device = device();
    let gates = GatesConfig::new()
        .with_input_initialization(Initializer::Constant { value: 2.0 }.into())
        .with_recurrent_initialization(Initialization::Identity { gain: 0.5 })
        .with_bias_initialization(Initializer::Zeros.into());
    let config = LstmConfig::new(3, 2)
        .with_gates(gates)
        .with_memory(Memory::ForgetBias(1.0));
    let gates = config.init(&device).unwrap().gates;
    assert_eq!(values(&gates.input_weight.val()), [2.0; 24]);
    assert_eq!(
        values(&gates.recurrent_weight.val())[..4],
        [0.5, 0.0, 0.0, 0.5]
    );
    let forget = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(values(&gates.input_bias.unwrap().val()), forget);
    assert_eq!(values(&gates.recurrent_bias.unwrap().val()), [0.0; 8]);

    let identity =
        GatesConfig::new().with_input_initialization(Initialization::Identity { gain: 1.0 });
    assert!(
        LstmConfig::new(3, 2)
            .with_gates(identity)
            .init(&device)
            .is_err()
    );
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

#[test]
fn configurations_go_through_json() {
    let config = DeepConfig::new(
        BidirectionalConfig::new(LstmConfig::new(3, 4).with_memory(Memory::ForgetBias(1.0)))
            .with_merge(Merge::Mean),
        2,
    )
    .with_dropout(0.25)
    .with_connection(Connection::Highway { bias: -2.0 })
    .with_sizes([5]);
    let text = serde_json::to_string(&config).unwrap();
    let back: DeepConfig<BidirectionalConfig<LstmConfig>> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{config:?}"));

    let activations = LstmActivations::new().with_gate(Activation::HardSigmoid {
        alpha: 0.2,
        beta: 0.5,
    });
    let lstm = LstmConfig::new(3, 4)
        .with_peepholes(true)
        .with_proj_size(Some(2))
        .with_gate_clip(Some(3.0))
        .with_activations(activations);
    let config = RecurrentConfig::new(ZoneoutConfig::new(lstm, 0.1, 0.2));
    let text = serde_json::to_string(&config).unwrap();
    let back: RecurrentConfig<ZoneoutConfig<LstmConfig>> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{config:?}"));
}
