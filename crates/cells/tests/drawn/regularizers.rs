//! What holds a recurrence back in training: its gradients with the masks as they fell, its masks,
//! and that nothing of it is left in evaluation.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, MaskSpan, Memory, Path, WeightNorm};
use burn::module::Module;
use burn::nn::Initializer;
use burn::tensor::{DType, Device, Tensor};

use crate::support::{
    self, Backend, alone, assert_close, backends, check_gradients, state_values, values,
    weighted_loss,
};

const SEED: u64 = 11;
const P: f64 = 0.4;

/// Each regulariser, and all of them.
fn all() -> Vec<(&'static str, GatesConfig)> {
    let gates = GatesConfig::new;
    vec![
        (
            "weight norm",
            gates().with_weight_norm(WeightNorm::Recurrent),
        ),
        ("weight norms", gates().with_weight_norm(WeightNorm::Both)),
        ("drop connect", gates().with_drop_connect(P)),
        ("recurrent dropout", gates().with_recurrent_dropout(P)),
        ("candidate dropout", gates().with_candidate_dropout(P)),
        (
            "candidate dropout, a mask a run",
            candidate(MaskSpan::LayerOutput),
        ),
        (
            "all",
            candidate(MaskSpan::Step)
                .with_weight_norm(WeightNorm::Both)
                .with_drop_connect(P)
                .with_recurrent_dropout(P),
        ),
    ]
}

fn candidate(span: MaskSpan) -> GatesConfig {
    let gates = GatesConfig::new().with_candidate_dropout(P);
    gates.with_candidate_span(span)
}

fn device() -> Device {
    backends()[0].device.clone()
}

/// Outputs of a run with these random numbers.
fn outputs<L: Layer>(layer: &L, input: &Tensor<3>, seed: u64) -> Vec<f64> {
    input.device().seed(seed);
    values(&layer.forward(input.clone()).unwrap().outputs)
}

fn check_layer<L: Layer>(what: &str, backend: &Backend, layer: L) {
    let layer = backend.fill(layer, 7);
    let input = backend.random::<3>(1, [3, 4, 3]).detach();
    let lengths = Lengths::new([4, 0, 3]);
    let what = format!("{}: {what}: {}", backend.name, layer.describe());
    check_gradients(&what, &layer, &|layer: &L| {
        input.device().seed(SEED);
        weighted_loss(
            &layer
                .forward(LayerInput::new(input.clone()).with_lengths(&lengths))
                .unwrap(),
        )
    });
}

/// Of a layer with each regulariser, and of a stack with what works in stacks in its own way: with all of them,
/// and with masks that are drawn for a run and not for a step.
fn check_gradients_of<K: SequenceConfig<Built: Cell>>(cell: impl Fn(GatesConfig) -> K) {
    for (what, gates) in all() {
        check_gradients_with(what, &gates, &cell);
        if !(what == "all" || gates.candidate_span == MaskSpan::LayerOutput) {
            continue;
        }
        for backend in backends().iter().filter(|backend| backend.is_precise()) {
            if cell(gates.clone()).init(&backend.autodiff()).is_err() {
                continue;
            }
            let both = BidirectionalConfig::new(cell(gates.clone()));
            let deep = DeepConfig::new(both.with_initial(Initial::Learned), 2)
                .with_dropout(0.3)
                .with_variational(true);
            check_layer(what, backend, deep.init(&backend.autodiff()).unwrap());
        }
    }
}

/// A cell that has no place for a candidate's dropout refuses it, and has nothing to be checked.
fn check_gradients_with<K: SequenceConfig<Built: Cell>>(
    what: &str,
    gates: &GatesConfig,
    cell: &impl Fn(GatesConfig) -> K,
) {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let Ok(built) = cell(gates.clone()).init(&backend.autodiff()) else {
            assert!(gates.candidate_dropout > 0.0, "{what}");
            continue;
        };
        check_layer(what, backend, Recurrent::new(built, Direction::Reverse));
    }
}

#[test]
fn gradients_of_elman() {
    let _alone = alone();
    check_gradients_of(|gates| ElmanConfig::new(3, 3).with_gates(gates));
}

#[test]
fn gradients_of_lstm() {
    let _alone = alone();
    check_gradients_of(|gates| LstmConfig::new(3, 3).with_gates(gates));
}

#[test]
fn gradients_of_gru() {
    let _alone = alone();
    check_gradients_of(|gates| GruConfig::new(3, 3).with_gates(gates));
}

#[test]
fn gradients_of_janet() {
    let _alone = alone();
    check_gradients_of(|gates| JanetConfig::new(3, 3).with_gates(gates));
}

/// The cells whose gates are put to use in other ways: all that each takes, at once.
#[test]
fn gradients_of_the_other_gated_cells() {
    let _alone = alone();
    let (_, every) = all().pop().unwrap();
    let of_sums = GatesConfig::new()
        .with_weight_norm(WeightNorm::Both)
        .with_drop_connect(P)
        .with_recurrent_dropout(P);
    macro_rules! check {
        ($gates:ident, $config:expr) => {
            check_gradients_with(stringify!($gates), &$gates, &|gates| {
                $config.with_gates(gates)
            })
        };
    }
    check!(every, MguConfig::new(3, 3));
    check!(every, FourGateLstmConfig::new(3, 3));
    check!(every, LayerNormLstmConfig::new(3, 3));
    check!(every, LayerNormGruConfig::new(3, 3));
    check!(every, GruConfig::new(3, 3).with_reset(Reset::BeforeProduct));
    check!(of_sums, JordanConfig::new(3, 4, 2));
    check!(of_sums, ElmanJordanConfig::new(3, 4, 2));
    check!(of_sums, HighOrderElmanConfig::new(3, 3, 2));
}

/// Two windows with the state carried over and cut: each has masks of its own.
#[test]
fn gradients_under_truncated_backpropagation() {
    let _alone = alone();
    let (_, gates) = all().pop().unwrap();
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let config = RecurrentConfig::new(LstmConfig::new(3, 3).with_gates(gates.clone()));
        let deep = DeepConfig::new(config, 2)
            .init(&backend.autodiff())
            .unwrap();
        let layer = backend.fill(deep, 7);
        let input = backend.random::<3>(1, [2, 6, 3]).detach();
        let window = |layer: &Deep<Recurrent<Lstm>>, index: usize, state| {
            input.device().seed(SEED + index as u64);
            let input = input.clone().slice([0..2, 3 * index..3 * index + 3]);
            layer
                .forward(LayerInput::new(input).with_state(state))
                .unwrap()
        };
        let carried = window(&layer, 0, None).state.detach();
        check_gradients(backend.name, &layer, &|layer| {
            let first = window(layer, 0, None);
            let second = window(layer, 1, Some(carried.clone()));
            weighted_loss(&first) + weighted_loss(&second)
        });
        // As it is trained: the second window goes on from what the first left, cut off.
        let losses = || {
            let first = window(&layer, 0, None);
            let second = window(&layer, 1, Some(first.state.clone().detach()));
            [weighted_loss(&first), weighted_loss(&second)]
        };
        let [first, second] = losses();
        let together = support::gradients(&layer, &(first + second).backward());
        let [first, _] = losses();
        let first = support::gradients(&layer, &first.backward());
        let [_, second] = losses();
        let second = support::gradients(&layer, &second.backward());
        for ((sum, first), second) in together.iter().zip(first).zip(second) {
            let expected: Vec<f64> = first.iter().zip(second).map(|(a, b)| a + b).collect();
            assert_close(backend.name, sum, &expected, backend.tolerance);
        }
    }
}

/// The plain cell, once from the trained module's valid form, once from a frozen one.
#[test]
fn nothing_is_dropped_in_evaluation() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        let (gates, plain) = (candidate(MaskSpan::LayerOutput), GatesConfig::new());
        let gates = gates.with_drop_connect(P).with_recurrent_dropout(P);
        let deep = |gates: &GatesConfig, dropout| {
            let config = BidirectionalConfig::new(GruConfig::new(3, 4).with_gates(gates.clone()));
            let deep = DeepConfig::new(config, 2).with_dropout(dropout);
            let deep = deep.with_variational(dropout > 0.0).init(&device).unwrap();
            backend.fill(deep, 3)
        };
        let (regularized, plain) = (deep(&gates, 0.5), deep(&plain, 0.0));
        let input = backend.random::<3>(1, [2, 5, 3]).detach();
        let expected = outputs(&plain, &input, 1);
        assert_ne!(
            outputs(&regularized, &input, 1),
            expected,
            "{}",
            backend.name
        );

        let frozen = regularized.clone().freeze();
        assert_eq!(outputs(&frozen, &input, 1), expected, "{}", backend.name);
        let valid = regularized.valid();
        let inner = input.clone().inner();
        assert_eq!(outputs(&valid, &inner, 1), expected, "{}", backend.name);
        let again = valid.train();
        assert_ne!(outputs(&again, &input, 1), expected, "{}", backend.name);
    }
}

#[test]
fn a_seed_is_a_run() {
    let _alone = alone();
    for backend in &backends() {
        let mut drawn = all();
        drawn.retain(|(what, _)| !what.starts_with("weight"));
        if backend.slow {
            drawn.drain(..drawn.len() - 1);
        }
        for (what, gates) in drawn {
            let config = RecurrentConfig::new(LstmConfig::new(3, 8).with_gates(gates));
            let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 3);
            let input = backend.random::<3>(1, [2, 5, 3]).detach();
            let first = outputs(&layer, &input, 1);
            assert_eq!(first, outputs(&layer, &input, 1), "{what}");
            assert_ne!(first, outputs(&layer, &input, 2), "{what}");
        }
    }
}

/// Weights that are computed are weights: where there is a kernel, it runs them.
#[test]
fn kernels_run_dropped_and_normalised_weights() {
    let _alone = alone();
    let gates = GatesConfig::new()
        .with_drop_connect(P)
        .with_weight_norm(WeightNorm::Both);
    for backend in backends() {
        let backend = Backend {
            dtype: DType::F32,
            ..backend
        };
        macro_rules! check {
            ($config:expr) => {{
                let config = RecurrentConfig::new($config.with_gates(gates.clone()));
                let config = config.with_direction(Direction::Reverse);
                let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 9);
                assert!(matches!(layer.paths()[0].1, Path::Kernel(_)));
                let input = backend.random::<3>(1, [5, 6, 7]).detach();
                let lengths = Lengths::new([6, 0, 3, 1, 6]);
                let run = |layer: &_| {
                    input.device().seed(SEED);
                    let given = LayerInput::new(input.clone()).with_lengths(&lengths);
                    let run = Layer::forward(layer, given).unwrap();
                    let gradients = weighted_loss(&run).backward();
                    let mut found = support::gradients(layer, &gradients);
                    found.push(values(&run.outputs));
                    found.push(state_values(&run.state));
                    found
                };
                let (found, expected) = (run(&layer), run(&layer.clone().unrolled()));
                for (found, expected) in found.iter().zip(&expected) {
                    assert_close(backend.name, found, expected, 2e-5);
                }
            }};
        }
        check!(LstmConfig::new(7, 19));
        check!(GruConfig::new(7, 19));
        check!(ElmanConfig::new(7, 19));
    }
}

#[test]
fn what_has_no_place_is_refused() {
    let _alone = alone();
    let device = device();
    let refuse = |gates: GatesConfig| {
        let elman = ElmanConfig::new(3, 4).with_gates(gates);
        elman.init(&device).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(GatesConfig::new().with_candidate_dropout(0.5)),
        "Elman: candidate dropout: expected 0, since this cell has no place for it, found 0.5"
    );
    assert_eq!(
        refuse(GatesConfig::new().with_drop_connect(1.0)),
        "Elman: drop connect: expected at least 0 and below 1, found 1"
    );
    assert!(refuse(GatesConfig::new().with_recurrent_dropout(f64::NAN)).contains("NaN"));
    assert_eq!(
        refuse(GatesConfig::new().with_candidate_span(MaskSpan::LayerOutput)),
        "Elman: span of a candidate's mask: expected a candidate dropout above 0, found 0"
    );
    let zeros = GatesConfig::new()
        .with_weight_norm(WeightNorm::Recurrent)
        .with_recurrent_initialization(Initializer::Zeros.into());
    assert_eq!(
        refuse(zeros),
        "Elman: weight norm: expected rows that have a direction, found row 0 of zeros"
    );
    // A cell of one's own says what it has a place for.
    let gates = GatesConfig::new().with_drop_connect(0.5);
    let error = gates.init("Own", [1, 2, 3], &device).unwrap_err();
    assert!(error.to_string().contains("no place"), "{error}");
    let deep = DeepConfig::new(RecurrentConfig::new(GruConfig::new(3, 4)), 2);
    let error = deep.with_variational(true).init(&device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Deep: variational dropout: expected a dropout above 0 to draw its masks with, found 0"
    );
}

#[test]
fn regularised_configurations_go_through_json() {
    let _alone = alone();
    let (_, gates) = all().pop().unwrap();
    let lstm = LstmConfig::new(3, 4).with_gates(gates);
    let lstm = lstm.with_memory(Memory::Chrono { longest: 20 });
    let config = RecurrentConfig::new(lstm).with_initial(Initial::Random { std: 0.1 });
    let config = DeepConfig::new(config, 2)
        .with_dropout(0.5)
        .with_variational(true);
    let text = serde_json::to_string(&config).unwrap();
    let back: DeepConfig<RecurrentConfig<LstmConfig>> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{back:?}"), format!("{config:?}"));
}
