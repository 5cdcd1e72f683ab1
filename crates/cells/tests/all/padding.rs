//! Padding never changes a result: a padded batch gives exactly what its rows give alone, whatever
//! stands in the padding.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, Path, State};
use burn::module::Module;
use burn::tensor::Tensor;

use crate::support::{self, Backend, assert_close, backends, values};

const LENGTHS: [usize; 4] = [6, 1, 4, 0];
const TIME: usize = 7;
const INPUT: usize = 5;
/// As many units as features, so that residual connections reach down to the input.
const HIDDEN: usize = 5;

fn check<L: Layer>(backend: &Backend, layer: L) {
    let layer = backend.fill(layer, 3);
    let what = format!("{}: {}", backend.name, layer.describe());
    let rows = LENGTHS.len();
    let clean = backend.random::<3>(1, [rows, TIME, INPUT]);
    let mut seed = 10;
    let state = layer.initial_state(rows).map(&mut |zeros| {
        seed += 1;
        backend.random(seed, zeros.dims()).detach()
    });

    // The batch, with nonsense where there is no data.
    let lengths = Lengths::new(LENGTHS);
    let mut poisoned = values(&clean);
    for (index, value) in poisoned.iter_mut().enumerate() {
        let (row, step) = (index / (TIME * INPUT), index / INPUT % TIME);
        if step >= LENGTHS[row] {
            *value = [f64::NAN, f64::INFINITY, -1e30][index % 3];
        }
    }
    let batch = backend.tensor(&poisoned, clean.dims());
    let run = layer
        .forward(
            LayerInput::new(batch.clone())
                .with_state(state.clone())
                .with_lengths(&lengths),
        )
        .unwrap();
    let mut loss = run.outputs.clone().powi_scalar(2).sum();
    run.state.visit("", &mut |_, tensor| {
        loss = loss.clone() + tensor.clone().sum()
    });
    let gradients = loss.backward();
    let batch_gradient = values(&batch.grad(&gradients).unwrap());
    let weight_gradients = support::gradients(&layer, &gradients);

    // Each row alone, without padding.
    let mut summed: Vec<Vec<f64>> = weight_gradients
        .iter()
        .map(|g| vec![0.0; g.len()])
        .collect();
    for (row, &length) in LENGTHS.iter().enumerate() {
        let width = layer.output_size();
        let outputs = values(&run.outputs.clone().slice_dim(0, row..row + 1));
        let own = state
            .clone()
            .map(&mut |tensor| tensor.slice_dim(0, row..row + 1));
        let found = run
            .state
            .clone()
            .map(&mut |tensor| tensor.slice_dim(0, row..row + 1));
        let gradient = &batch_gradient[row * TIME * INPUT..][..TIME * INPUT];
        assert!(
            outputs[length * width..].iter().all(|v| *v == 0.0),
            "{what}: padded outputs"
        );
        assert!(
            gradient[length * INPUT..].iter().all(|v| *v == 0.0),
            "{what}: padded gradient"
        );
        if length == 0 {
            compare_states(&what, &found, &own, backend.tolerance);
            continue;
        }
        let alone = clean
            .clone()
            .slice([row..row + 1, 0..length])
            .detach()
            .require_grad();
        let run = layer
            .forward(LayerInput::new(alone.clone()).with_state(own))
            .unwrap();
        let expected = values(&run.outputs);
        assert_close(
            &what,
            &outputs[..length * width],
            &expected,
            backend.tolerance,
        );
        compare_states(&what, &found, &run.state, backend.tolerance);

        let mut loss = run.outputs.powi_scalar(2).sum();
        run.state.visit("", &mut |_, tensor| {
            loss = loss.clone() + tensor.clone().sum()
        });
        let gradients = loss.backward();
        let expected = values(&alone.grad(&gradients).unwrap());
        assert_close(
            &what,
            &gradient[..length * INPUT],
            &expected,
            backend.tolerance,
        );
        for (sum, own) in summed
            .iter_mut()
            .zip(support::gradients(&layer, &gradients))
        {
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
    }
    for (found, expected) in weight_gradients.iter().zip(&summed) {
        assert_close(
            &format!("{what}: weights"),
            found,
            expected,
            backend.tolerance,
        );
    }
}

fn compare_states<S: State>(what: &str, found: &S, expected: &S, tolerance: f64) {
    let collect = |state: &S| {
        let mut all = Vec::new();
        state.visit("", &mut |_, tensor| all.extend(values(tensor)));
        all
    };
    assert_close(
        &format!("{what}: state"),
        &collect(found),
        &collect(expected),
        tolerance,
    );
}

/// Something else around the layers with each way to merge.
fn around(merge: Merge) -> Connection {
    match merge {
        Merge::Concat => Connection::Plain,
        Merge::Sum | Merge::Mean => Connection::Residual,
        Merge::Product => Connection::Highway { bias: -1.0 },
    }
}

fn check_everywhere<K: SequenceConfig<Built: Cell>>(cell: K) {
    check_on(&backends(), cell);
}

/// Where each shape of cell takes seconds, one without a kernel stands for those like it: lengths are
/// the driver's, which is the same for all.
fn check_but_where_slow<K: SequenceConfig<Built: Cell>>(cell: K) {
    let mut backends = backends();
    backends.retain(|backend| !backend.slow);
    check_on(&backends, cell);
}

fn check_on<K: SequenceConfig<Built: Cell>>(backends: &[Backend], cell: K) {
    'backends: for backend in backends {
        let device = backend.autodiff();
        for direction in [Direction::Reverse, Direction::Forward] {
            let config = RecurrentConfig::new(cell.clone()).with_direction(direction);
            let layer = config.init(&device).unwrap();
            let has_kernel = matches!(layer.paths()[0].1, Path::Kernel(_));
            check(backend, layer);
            // What runs there is Burn's own operations, compiled for seconds a shape: once is enough.
            if backend.slow && !has_kernel {
                continue 'backends;
            }
        }
        let merges = [Merge::Concat, Merge::Sum, Merge::Mean, Merge::Product];
        for merge in merges.into_iter().take(if backend.slow { 1 } else { 4 }) {
            let config = BidirectionalConfig::new(cell.clone()).with_merge(merge);
            check(
                backend,
                DeepConfig::new(config, 2)
                    .with_connection(around(merge))
                    .init(&device)
                    .unwrap(),
            );
        }
    }
}

#[test]
fn of_elman_changes_nothing() {
    check_everywhere(ElmanConfig::new(INPUT, HIDDEN).with_activation(Activation::Sigmoid));
}

#[test]
fn of_lstm_changes_nothing() {
    check_everywhere(LstmConfig::new(INPUT, HIDDEN));
}

#[test]
fn of_gru_changes_nothing() {
    check_everywhere(GruConfig::new(INPUT, HIDDEN));
}

#[test]
fn of_gru_and_lstm_with_options_changes_nothing() {
    let gru = GruConfig::new(INPUT, HIDDEN);
    check_but_where_slow(gru.clone().with_reset(Reset::BeforeProduct));
    check_but_where_slow(gru.with_reset(Reset::None));
    check_everywhere(
        LstmConfig::new(INPUT, 3)
            .with_peepholes(true)
            .with_coupled(true)
            .with_proj_size(Some(HIDDEN))
            .with_cell_clip(Some(0.8))
            .with_gate_clip(Some(1.5)),
    );
}

#[test]
fn of_other_cells_changes_nothing() {
    check_but_where_slow(HighOrderElmanConfig::new(INPUT, HIDDEN, 3));
    check_everywhere(JordanConfig::new(INPUT, 3, HIDDEN));
    check_but_where_slow(ElmanJordanConfig::new(INPUT, 3, HIDDEN));
    check_but_where_slow(IndRnnConfig::new(INPUT, HIDDEN).with_steps(TIME));
    check_but_where_slow(JanetConfig::new(INPUT, HIDDEN));
    check_but_where_slow(MguConfig::new(INPUT, HIDDEN));
    check_but_where_slow(FourGateLstmConfig::new(INPUT, HIDDEN));
    check_but_where_slow(LayerNormLstmConfig::new(INPUT, HIDDEN));
    check_but_where_slow(LayerNormGruConfig::new(INPUT, HIDDEN));
    check_but_where_slow(SLstmConfig::new(INPUT, HIDDEN));
}

/// A row's masks are drawn with its batch, so that only without them a row can be run alone.
#[test]
fn of_zoneout_changes_nothing() {
    for backend in &backends() {
        for direction in [Direction::Forward, Direction::Reverse] {
            let cell = ZoneoutConfig::new(LstmConfig::new(INPUT, HIDDEN), 0.25, 0.5);
            let config = RecurrentConfig::new(cell).with_direction(direction);
            check(backend, config.init(&backend.autodiff()).unwrap().freeze());
        }
    }
}

#[test]
fn of_scanned_cells_changes_nothing() {
    check_everywhere(MinGruConfig::new(INPUT, HIDDEN).with_candidate(Candidate::Positive));
    check_but_where_slow(MinLstmConfig::new(INPUT, HIDDEN));
    check_but_where_slow(LruConfig::new(INPUT, HIDDEN, 3));
}

#[test]
fn of_conv_lstm_changes_nothing() {
    check_but_where_slow(ConvLstmConfig::new(INPUT, HIDDEN, [1, 5]));
}

#[test]
fn a_mask_is_true_where_there_is_data() {
    for backend in backends() {
        let mask: Tensor<2, burn::tensor::Int> =
            Lengths::new([3, 0, 1]).mask(3, &backend.device).int();
        let found: Vec<i64> = mask.to_data().iter().collect();
        assert_eq!(found, [1, 1, 1, 0, 0, 0, 1, 0, 0], "{}", backend.name);
    }
}
