//! A layer that is computed again against the layer itself, and against the same pieces by plain autodiff.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, CellBase, Error, ErrorKind, Projected, Watcher};
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

use crate::support::layers::{Found, compare, found, leaves};
use crate::support::{Backend, assert_close, backends, state_values, values};

/// A cell of one's own, without a kernel and without equations: `h_t = tanh(W x_t + d h_{t-1})`.
#[derive(Module, Debug)]
struct Leaky {
    weight: Param<Tensor<2>>,
    decay: Param<Tensor<1>>,
}

impl Leaky {
    fn new(device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([3, 4], device)),
            decay: Param::from_tensor(Tensor::ones([4], device)),
        }
    }
}

impl CellBase for Leaky {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.weight.dims()[0]
    }

    fn output_size(&self) -> usize {
        self.weight.dims()[1]
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        let [time, batch, features] = input.dims();
        let product = input
            .reshape([time * batch, features])
            .matmul(self.weight.val());
        product.reshape([time, batch, self.output_size()]).into()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        let weight = self.weight.val();
        Tensor::zeros(
            [batch, self.output_size()],
            (&weight.device(), weight.dtype()),
        )
    }
}

impl Cell for Leaky {
    fn step(&self, projected: Projected<2>, state: Tensor<2>) -> Tensor<2> {
        (projected.values + state * self.decay.val().unsqueeze()).tanh()
    }

    fn output(&self, state: &Tensor<2>) -> Tensor<2> {
        state.clone()
    }
}

/// Each backend in its most precise type, and in the type that its kernels are of.
fn places() -> Vec<Backend> {
    let single = backends()
        .into_iter()
        .filter(|backend| backend.is_precise());
    let single = single.map(|backend| Backend {
        dtype: DType::F32,
        tolerance: 5e-6,
        ..backend
    });
    single.chain(backends()).collect()
}

/// What a run gives: outputs, final state and all gradients.
fn of_run<L: Layer>(
    backend: &Backend,
    layer: &L,
    lengths: &[usize],
    time: usize,
    run: impl Fn(LayerInput<'_, L::State>) -> LayerOutput<L::State>,
) -> Found {
    let input = backend.random::<3>(1, [lengths.len(), time, layer.input_size()]);
    let zeros = layer.initial_state(lengths.len());
    let (state, initial) = leaves(backend, zeros, 30);
    let lengths = Lengths::new(lengths);
    let given = LayerInput::new(input.clone()).with_state(state);
    let run = run(given.with_lengths(&lengths));
    found(layer, &input, &initial, run.outputs, &run.state)
}

/// Equal to the bit, but for the gradients of parameters: those are sums over the steps, added up in another order.
#[track_caller]
fn equal(what: &str, found: &Found, expected: &Found, tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        let what = format!("{what}: {name}");
        let tolerance = match name.starts_with("d parameter") {
            true => tolerance,
            false => 0.0,
        };
        assert_close(&what, found, expected, tolerance);
    }
}

/// `layer` computed again in `pieces`, against itself.
#[track_caller]
fn check<L: Layer>(layer: L, lengths: &[usize], time: usize, pieces: impl Into<Option<usize>>) {
    let pieces = pieces.into();
    for backend in &places() {
        let layer = backend.fill(layer.clone(), 5);
        let what = format!(
            "{} {:?}: {} in {pieces:?} pieces of {time}",
            backend.name,
            backend.dtype,
            layer.describe()
        );
        let again = Recomputed::new(layer.clone(), pieces).unwrap();
        assert_eq!(again.paths(), layer.paths());
        let forward = |input: LayerInput<'_, L::State>| layer.forward(input).unwrap();
        let expected = of_run(backend, &layer, lengths, time, forward);
        let forward = |input: LayerInput<'_, L::State>| again.forward(input).unwrap();
        let found = of_run(backend, &again, lengths, time, forward);
        compare(&what, &found, &expected, backend.tolerance);
        // Of a second run nothing is left of the first.
        let second = of_run(backend, &again, lengths, time, forward);
        assert_eq!(second, found, "{what}, a second time");
    }
}

fn device() -> Device {
    backends()[0].autodiff()
}

fn built<K: SequenceConfig>(config: K) -> K::Built {
    config.init(&device()).unwrap()
}

#[test]
fn cells_of_all_kinds_have_the_gradients_that_they_have() {
    let lengths = [11, 4, 0];
    for direction in [Direction::Forward, Direction::Reverse] {
        macro_rules! check_cells {
            ($($config:expr),* $(,)?) => {
                $(
                    let layer = RecurrentConfig::new($config).with_direction(direction);
                    check(built(layer), &lengths, 11, None);
                )*
            };
        }
        check_cells!(
            LstmConfig::new(3, 4),
            GruConfig::new(3, 4),
            LruConfig::new(3, 4, 5),
            HighOrderElmanConfig::new(3, 4, 3),
            ZoneoutConfig::new(LstmConfig::new(3, 4), 0.0, 0.0),
            AnyCellConfig::from(SLstmConfig::new(3, 4)),
            LstmConfig::new(3, 4)
                .with_gates(GatesConfig::new().with_weight_norm(backdraft_cells::WeightNorm::Both)),
        );
        check(
            Recurrent::new(Leaky::new(&device()), direction),
            &lengths,
            11,
            4,
        );
        let unrolled = RecurrentConfig::new(GruConfig::new(3, 4)).with_direction(direction);
        check(built(unrolled).unrolled(), &lengths, 11, 3);
    }
}

#[test]
fn layers_of_all_kinds_have_the_gradients_that_they_have() {
    let lengths = [13, 1, 7, 12];
    let lstm = || RecurrentConfig::new(LstmConfig::new(3, 3));
    check(
        built(DeepConfig::new(lstm(), 3).with_connection(Connection::Residual)),
        &lengths,
        13,
        None,
    );
    check(
        built(BidirectionalConfig::new(GruConfig::new(3, 4))),
        &lengths,
        13,
        None,
    );
    let both = BidirectionalConfig::new(LstmConfig::new(3, 4)).with_merge(Merge::Product);
    check(built(DeepConfig::new(both, 2)), &lengths, 13, 5);
    check(built(DilatedConfig::new(lstm(), 3)), &lengths, 13, 4);
    check(
        built(HierarchicalConfig::new(lstm(), lstm(), 3)),
        &lengths,
        13,
        4,
    );
    // The option inside of what the option is around, and inside alone.
    check(
        built(DeepConfig::new(RecomputedConfig::new(lstm()), 2)),
        &lengths,
        13,
        2,
    );
    let learned = lstm().with_initial(Initial::Learned);
    let again = built(RecomputedConfig::new(learned));
    let run = again
        .forward(Tensor::<3>::ones([2, 9, 3], &device().inner()))
        .unwrap();
    let gradients = run.state.cell.sum().backward();
    let plain = again
        .layer
        .forward(Tensor::<3>::ones([2, 9, 3], &device().inner()))
        .unwrap();
    let expected = plain.state.cell.sum().backward();
    let [found, expected] =
        [gradients, expected].map(|gradients| crate::support::gradients(&again, &gradients));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(expected.iter().any(|slope| *slope != 0.0));
        assert_close("learned start", found, expected, 1e-6);
    }
}

#[test]
fn odd_sizes_and_numbers_of_pieces() {
    let layer = || built(RecurrentConfig::new(LstmConfig::new(1, 1)));
    for (lengths, time) in [(vec![1], 1), (vec![2, 2], 2), (vec![3], 5), (vec![0, 0], 3)] {
        for pieces in [None, Some(1), Some(2), Some(3), Some(100)] {
            check(layer(), &lengths, time, pieces);
        }
    }
    check(
        built(RecurrentConfig::new(GruConfig::new(7, 17))),
        &[37; 33],
        37,
        5,
    );
}

#[test]
fn thousands_of_steps() {
    check(
        built(RecurrentConfig::new(LstmConfig::new(2, 3))),
        &[5003],
        5003,
        None,
    );
}

/// Our kernels compute a step in the same way wherever a run begins. Products of matrices, in the other layers, are
/// rounded differently in other shapes.
#[test]
fn by_kernels_each_step_is_to_the_bit_what_it_is_in_the_layer() {
    fn check<K: SequenceConfig<Built: Layer>>(config: K) {
        let backend = places().swap_remove(0);
        assert_eq!(backend.dtype, DType::F32);
        let layer = backend.fill(built(config), 5);
        let again = Recomputed::new(layer.clone(), None).unwrap();
        let lengths = [70, 41, 1, 0, 69];
        let forward = |input: LayerInput<'_, _>| layer.forward(input).unwrap();
        let expected = of_run(&backend, &layer, &lengths, 70, forward);
        let forward = |input: LayerInput<'_, _>| again.forward(input).unwrap();
        let found = of_run(&backend, &again, &lengths, 70, forward);
        equal(&layer.describe(), &found, &expected, backend.tolerance);
    }
    check(RecurrentConfig::new(ElmanConfig::new(3, 4)));
    check(RecurrentConfig::new(GruConfig::new(5, 17)).with_direction(Direction::Reverse));
    check(DeepConfig::new(
        RecurrentConfig::new(LstmConfig::new(3, 32)),
        3,
    ));
    check(DeepConfig::new(
        BidirectionalConfig::new(LstmConfig::new(3, 16)),
        2,
    ));
}

/// By plain autodiff, pieces are the runs of a layer that hand on their states.
#[test]
fn it_is_to_the_bit_what_its_pieces_are() {
    fn check<K: SequenceConfig<Built: Layer>>(config: K) {
        for backend in &places() {
            let layer = backend.fill(built(config.clone()), 5);
            let again = Recomputed::new(layer.clone(), 3).unwrap();
            let lengths = [10, 6];
            let forward = |input: LayerInput<'_, _>| again.forward(input).unwrap();
            let found = of_run(backend, &again, &lengths, 10, forward);
            let expected = of_run(backend, &layer, &lengths, 10, |input| {
                let (mut state, mut outputs) = (input.state, Vec::new());
                for steps in [0..3, 3..6, 6..10] {
                    let lengths = input.lengths.unwrap().window(steps.start, steps.len());
                    let piece = LayerInput::new(input.inputs.clone().slice_dim(1, steps));
                    let piece = piece.with_state(state).with_lengths(&lengths);
                    let run = layer.forward(piece).unwrap();
                    state = Some(run.state);
                    outputs.push(run.outputs);
                }
                LayerOutput {
                    outputs: Tensor::cat(outputs, 1),
                    state: state.unwrap(),
                }
            });
            let what = format!("{} {:?}: {}", backend.name, backend.dtype, layer.describe());
            equal(&what, &found, &expected, backend.tolerance);
        }
    }
    check(DeepConfig::new(
        RecurrentConfig::new(LstmConfig::new(3, 8)),
        2,
    ));
    check(RecurrentConfig::new(HighOrderElmanConfig::new(3, 4, 2)));
}

/// What of a run is used decides what there are gradients of.
#[test]
fn a_loss_may_depend_on_a_part_of_a_run() {
    let again = built(RecomputedConfig::new(RecurrentConfig::new(
        LstmConfig::new(3, 4),
    )));
    let layer = again.layer.clone();
    let input = Tensor::<3>::ones([2, 9, 3], &device()).require_grad();
    macro_rules! check_loss {
        ($loss:expr) => {
            let [found, expected] = [
                $loss(again.forward(input.clone()).unwrap()),
                $loss(layer.forward(input.clone()).unwrap()),
            ]
            .map(|loss: Tensor<1>| values(&input.grad(&loss.backward()).unwrap()));
            assert!(expected.iter().any(|slope| *slope != 0.0));
            assert_eq!(found, expected);
        };
    }
    check_loss!(|run: LayerOutput<_>| run.outputs.sum());
    check_loss!(|run: LayerOutput<_>| run.outputs.slice_dim(1, 2..3).sum());
    check_loss!(|run: LayerOutput<backdraft_cells::LstmState>| run.state.hidden.sum());
    check_loss!(|run: LayerOutput<backdraft_cells::LstmState>| run.state.cell.sum());

    // Weights that are frozen, and an input that is a constant.
    let frozen = again.clone().freeze();
    let gradients = frozen
        .forward(input.clone())
        .unwrap()
        .outputs
        .sum()
        .backward();
    assert!(input.grad(&gradients).is_some());
    assert!(
        frozen
            .layer
            .cell
            .gates
            .recurrent_weight
            .grad(&gradients)
            .is_none()
    );
    let constant = Tensor::<3>::ones([2, 9, 3], &device().inner());
    let gradients = again
        .forward(constant.clone())
        .unwrap()
        .outputs
        .sum()
        .backward();
    assert!(
        again
            .layer
            .cell
            .gates
            .recurrent_weight
            .grad(&gradients)
            .is_some()
    );
    let run = frozen.forward(constant.clone()).unwrap();
    assert!(!run.outputs.is_tracked());
    // With the operations' own checkpointing, which is another type of tensors.
    let balanced = again.fork(&device().gradient_checkpointing());
    let gradients = balanced.forward(constant).unwrap().outputs.sum().backward();
    assert!(
        balanced
            .layer
            .cell
            .gates
            .recurrent_weight
            .grad(&gradients)
            .is_some()
    );
}

#[test]
fn without_gradients_it_is_the_layer() {
    let config = RecomputedConfig::new(BidirectionalConfig::new(GruConfig::new(3, 4)));
    let again = built(config).valid();
    let layer = again.layer.clone();
    let input = Tensor::<3>::ones([2, 9, 3], &device().inner());
    let [found, expected] = [again.forward(input.clone()), layer.forward(input.clone())];
    let [found, expected] = [found.unwrap(), expected.unwrap()];
    assert_eq!(values(&found.outputs), values(&expected.outputs));
    assert_eq!(state_values(&found.state), state_values(&expected.state));
    let [found, expected] = [again.trace(input.clone()), layer.trace(input)];
    let [found, expected] = [found.unwrap(), expected.unwrap()];
    assert_eq!(values(&found.outputs), values(&expected.outputs));
    assert_eq!(found.states.len(), 9);

    // No step, and no row.
    for [batch, time] in [[2, 0], [0, 5]] {
        let run = built(RecomputedConfig::new(RecurrentConfig::new(GruConfig::new(
            3, 4,
        ))))
        .forward(Tensor::<3>::ones([batch, time, 3], &device()))
        .unwrap();
        assert_eq!(run.outputs.dims(), [batch, time, 4]);
        assert_eq!(run.state.dims(), [batch, 4]);
    }
}

#[test]
fn a_record_of_the_layer_is_one_of_it() {
    let config = RecurrentConfig::new(GruConfig::new(3, 4));
    let (plain, again) = (built(config.clone()), built(RecomputedConfig::new(config)));
    let input = Tensor::<3>::ones([2, 9, 3], &device());
    let expected = values(&again.forward(input.clone()).unwrap().outputs);
    assert_ne!(
        values(&plain.forward(input.clone()).unwrap().outputs),
        expected
    );
    let plain = plain.load_record(again.into_record());
    assert_eq!(values(&plain.forward(input).unwrap().outputs), expected);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let lstm = || RecurrentConfig::new(LstmConfig::new(3, 4));
    let error = RecomputedConfig::new(lstm())
        .with_pieces(0)
        .init(&device())
        .unwrap_err();
    assert!(
        error.to_string().starts_with("Recomputed: pieces"),
        "{error}"
    );

    let input = Tensor::<3>::ones([2, 9, 3], &device());
    let both = HierarchicalConfig::new(BidirectionalConfig::new(LstmConfig::new(3, 4)), lstm(), 2);
    let both = built(RecomputedConfig::new(both));
    let refused = |error: Error| {
        assert!(
            matches!(error.kind(), ErrorKind::Unsupported { .. }),
            "{error:?}"
        );
        error.to_string()
    };
    let error = refused(both.forward(input.clone()).unwrap_err());
    assert!(
        error.contains("one that goes one way through time"),
        "{error}"
    );
    assert!(both.valid().forward(input.clone().inner()).is_ok());

    let watched = built(lstm()).watched(&Watcher::new());
    let watched = Recomputed::new(watched, None).unwrap();
    let error = refused(watched.forward(input).unwrap_err());
    assert!(error.contains("not watched"), "{error}");
}

#[test]
fn a_configuration_says_how_many_pieces() {
    let text = r#"{"layer": {"cell": {"input_size": 3, "hidden_size": 4}}, "pieces": 7}"#;
    let config: RecomputedConfig<RecurrentConfig<GruConfig>> = serde_json::from_str(text).unwrap();
    assert_eq!(built(config.with_input_size(5)).pieces(), Some(7));
    let config = RecomputedConfig::new(RecurrentConfig::new(GruConfig::new(3, 4)));
    let written = serde_json::to_string(&config.with_hidden_size(6)).unwrap();
    let config: RecomputedConfig<RecurrentConfig<GruConfig>> =
        serde_json::from_str(&written).unwrap();
    assert_eq!((config.pieces, config.input_size()), (None, 3));
    assert_eq!(built(config).describe(), "Recomputed(Gru(3 -> 6))");
}
