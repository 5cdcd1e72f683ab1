//! Every kernel equals the unrolled path: outputs, final states, and the gradient of everything
//! that is an input, over random shapes, lengths and directions.

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, GatesConfig, Path};
use burn::tensor::{DType, Tensor};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::{self, Backend, backends, random, values};

/// In f32, relative to the largest value of what is compared.
const TOLERANCE: f64 = 1e-5;

#[derive(Debug, Clone)]
struct Case {
    cell: usize,
    batch: usize,
    time: usize,
    input: usize,
    hidden: usize,
    /// A row's share of the time steps, in percent; without any, nothing is padding.
    lengths: Option<Vec<usize>>,
    direction: Direction,
    bias: bool,
    /// Which of the outputs and the final state the loss looks at.
    loss: (bool, bool),
    seed: u64,
}

/// Sizes from 1 to odd numbers past each size in which a kernel works: 6 or 8 rows, 16 units, 64
/// columns, 512 rows of weights.
fn cases(cells: usize, most_hidden: usize) -> impl Strategy<Value = Case> {
    let sizes = (
        0..cells,
        1..=19usize,
        1..=13usize,
        1..=21usize,
        1..=most_hidden,
    );
    let rest = (
        prop_oneof![Just(Direction::Forward), Just(Direction::Reverse)],
        any::<bool>(),
        prop_oneof![Just((true, true)), Just((true, false)), Just((false, true))],
        any::<u64>(),
    );
    (sizes, rest).prop_flat_map(|(sizes, (direction, bias, loss, seed))| {
        let (cell, batch, time, input, hidden) = sizes;
        let lengths = prop::option::of(prop::collection::vec(0..=100usize, batch));
        lengths.prop_map(move |shares| Case {
            cell,
            batch,
            time,
            input,
            hidden,
            lengths: shares.map(|shares| shares.iter().map(|s| (s * time).div_ceil(100)).collect()),
            direction,
            bias,
            loss,
            seed,
        })
    })
}

/// Everything that comes out of a layer and its backward: names and values.
type Found = Vec<(String, Vec<f64>)>;

fn run<L: Layer>(backend: &Backend, layer: &L, case: &Case) -> Found {
    let f32 = Backend {
        dtype: DType::F32,
        device: backend.device.clone(),
        ..*backend
    };
    let layer = f32.fill(layer.clone(), case.seed);
    // Weights of about 1 / sqrt(H), as real ones are, so that nothing saturates.
    let scale = 1.0 / (case.hidden as f64).sqrt();
    let layer = layer.map(&mut support::Scale(scale));
    let input = f32.random::<3>(case.seed + 100, [case.batch, case.time, case.input]);
    let mut seed = case.seed + 200;
    let mut leaves = Vec::new();
    let zeros = layer.initial_state(case.batch);
    let mut names = Vec::new();
    zeros.visit("", &mut |name, _| names.push(name.to_string()));
    let state = zeros.map(&mut |zeros| {
        seed += 1;
        let mut values = random(seed, zeros.shape().num_elements());
        // What is divided by is never near zero: it is a sum of what was let in.
        if names[leaves.len()] == "normalizer" {
            values.iter_mut().for_each(|value| *value += 2.0);
        }
        leaves.push(f32.tensor::<2>(&values, zeros.dims()));
        leaves[leaves.len() - 1].clone()
    });
    let lengths = case.lengths.clone().map(Lengths::new);
    let run = layer
        .forward(
            LayerInput::new(input.clone())
                .with_state(state)
                .with_lengths(lengths.as_ref()),
        )
        .unwrap();

    let mut found: Found = vec![("outputs".into(), values(&run.outputs))];
    // A different weight for each number, so that no error hides in a sum.
    let mut seed = case.seed + 300;
    let mut weigh = |count: usize, shape: &[usize]| {
        seed += 1;
        (random(seed, count), shape.to_vec())
    };
    let (weights, _) = weigh(run.outputs.shape().num_elements(), &[]);
    let weights = support::tensor(&weights, run.outputs.dims(), &f32.autodiff(), DType::F32);
    let mut loss = (run.outputs * weights).sum() * if case.loss.0 { 1.0 } else { 0.0 };
    run.state.visit("", &mut |name, tensor| {
        found.push((format!("final {name}"), values(tensor)));
        if case.loss.1 {
            let (weights, _) = weigh(tensor.shape().num_elements(), &[]);
            let weights = support::tensor(&weights, tensor.dims(), &f32.autodiff(), DType::F32);
            loss = loss.clone() + (tensor.clone() * weights).sum();
        }
    });

    let gradients = loss.backward();
    let of = |tensor: &Tensor<2>| tensor.grad(&gradients).map(|gradient| values(&gradient));
    found.push(("d input".into(), values(&input.grad(&gradients).unwrap())));
    for (index, leaf) in leaves.iter().enumerate() {
        found.push((format!("d initial {index}"), of(leaf).unwrap()));
    }
    for (index, gradient) in support::gradients(&layer, &gradients)
        .into_iter()
        .enumerate()
    {
        found.push((format!("d parameter {index}"), gradient));
    }
    found
}

/// The kernel of a cell against its unrolled path.
fn compare_cell<K: SequenceConfig<Built: Cell>>(backend: &Backend, case: &Case, cell: K) {
    let config = RecurrentConfig::new(cell).with_direction(case.direction);
    let layer = config.init(&backend.autodiff()).unwrap();
    let all_kernels = |(_, path): &(_, Path)| matches!(path, Path::Kernel(_));
    let paths = layer.paths();
    assert!(paths.iter().all(all_kernels), "{paths:?}");
    let reference = layer.clone().unrolled();
    assert!(matches!(reference.paths()[0].1, Path::Unrolled(_)));
    let (found, expected) = (run(backend, &layer, case), run(backend, &reference, case));
    assert_eq!(found.len(), expected.len());
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        let largest = expected
            .iter()
            .fold(0.0f64, |max, value| max.max(value.abs()));
        let worst = found
            .iter()
            .zip(expected)
            .map(|(found, expected)| match (found - expected).abs() {
                error if error.is_nan() => f64::INFINITY,
                error => error,
            })
            .fold(0.0, f64::max);
        assert!(
            worst <= TOLERANCE * largest.max(1e-3),
            "{}: {}: {name}: {worst:e} off, of {largest:e}: {case:?}",
            backend.name,
            layer.describe()
        );
    }
}

/// The cells whose kernels are written by hand.
fn compare(backend: &Backend, case: &Case) {
    let gates = GatesConfig::new().with_bias(case.bias);
    let (input, hidden) = (case.input, case.hidden);
    let elman = |phi| {
        let config = ElmanConfig::new(input, hidden).with_activation(phi);
        config.with_gates(gates.clone())
    };
    match case.cell {
        0 => compare_cell(backend, case, elman(Activation::Tanh)),
        1 => compare_cell(backend, case, elman(Activation::Relu)),
        2 => compare_cell(backend, case, elman(Activation::Sigmoid)),
        3 => {
            let lstm = LstmConfig::new(input, hidden).with_gates(gates);
            compare_cell(backend, case, lstm);
        }
        _ => compare_cell(
            backend,
            case,
            GruConfig::new(input, hidden).with_gates(gates),
        ),
    }
}

/// The number of cells in [`compare_equations`].
const EQUATIONS: usize = 21;

/// The cells that are written as equations; on a GPU, they have no kernel.
fn compare_equations(backend: &Backend, case: &Case) {
    let gates = GatesConfig::new().with_bias(case.bias);
    let (input, hidden) = (case.input, case.hidden);
    let lstm = || LstmConfig::new(input, hidden).with_gates(gates.clone());
    let gru = || GruConfig::new(input, hidden).with_gates(gates.clone());
    macro_rules! compare {
        ($config:expr) => {
            compare_cell(backend, case, $config)
        };
    }
    let relu = GruActivations::new().with_candidate(Activation::Relu);
    let output = hidden.div_ceil(2);
    match case.cell {
        0 => compare!(lstm().with_peepholes(true)),
        1 => compare!(lstm().with_coupled(true)),
        2 => compare!(lstm().with_proj_size(Some(output))),
        3 => compare!(lstm().with_cell_clip(Some(0.3)).with_gate_clip(Some(0.9))),
        4 => compare!(
            lstm()
                .with_peepholes(true)
                .with_coupled(true)
                .with_proj_size(Some(output))
        ),
        5 => compare!(FourGateLstmConfig::new(input, hidden).with_gates(gates)),
        6 => compare!(gru().with_reset(Reset::BeforeProduct)),
        7 => compare!(gru().with_reset(Reset::None).with_activations(relu)),
        8 => compare!(gru().with_gate_clip(Some(0.9))),
        9 => compare!(HighOrderElmanConfig::new(input, hidden, 3).with_gates(gates)),
        10 => compare!(
            ElmanConfig::new(input, hidden)
                .with_activation(Activation::Softplus)
                .with_gates(gates)
        ),
        11 => compare!(JordanConfig::new(input, hidden, output).with_gates(gates)),
        12 => compare!(ElmanJordanConfig::new(input, hidden, output).with_gates(gates)),
        // Of one or two normalised numbers, the gradient is nothing but rounding errors.
        13 => compare!(
            LayerNormLstmConfig::new(input, hidden)
                .with_epsilon(0.1)
                .with_gates(gates)
        ),
        14 => compare!(
            LayerNormGruConfig::new(input, hidden)
                .with_epsilon(0.1)
                .with_gates(gates)
        ),
        15 => compare!(IndRnnConfig::new(input, hidden).with_bias(case.bias)),
        16 => compare!(JanetConfig::new(input, hidden).with_gates(gates)),
        17 => compare!(MguConfig::new(input, hidden).with_gates(gates)),
        18 => compare!(SLstmConfig::new(input, hidden).with_gates(gates)),
        19 => compare!(
            SLstmConfig::new(input, 2 * hidden)
                .with_heads(2)
                .with_forget(ForgetGate::Exponential)
                .with_gates(gates)
        ),
        20 => compare!(lstm().with_activations(LstmActivations {
            gate: Activation::HardSigmoid {
                alpha: 0.2,
                beta: 0.5
            },
            candidate: Activation::Softsign,
            output: Activation::Elu { alpha: 1.0 },
        })),
        other => unreachable!("cell {other}"),
    }
}

/// The same cases on each run: a failure can be looked at again.
fn check(
    count: u32,
    (cells, most_hidden): (usize, usize),
    backends: &[Backend],
    compare: fn(&Backend, &Case),
) {
    for backend in backends {
        // A software GPU compiles and tunes anew for nearly each shape.
        let count = if backend.slow {
            count.div_ceil(12)
        } else {
            count
        };
        let config = Config {
            cases: count,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let most_hidden = if backend.slow {
            most_hidden.min(70)
        } else {
            most_hidden
        };
        let result = runner.run(&cases(cells, most_hidden), |case| {
            compare(backend, &case);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{}: {error}", backend.name);
        }
    }
}

#[test]
fn kernels_equal_the_unrolled_path() {
    check(150, (5, 37), &backends(), compare);
}

#[test]
fn kernels_of_more_units_equal_the_unrolled_path() {
    check(30, (5, 195), &backends(), compare);
}

/// The backends on which recorded equations have a kernel.
fn on_cpu() -> Vec<Backend> {
    let all = backends().into_iter();
    all.filter(|backend| !backend.slow).collect()
}

#[test]
fn equations_equal_the_unrolled_path() {
    check(
        12 * EQUATIONS as u32,
        (EQUATIONS, 37),
        &on_cpu(),
        compare_equations,
    );
}

#[test]
fn equations_of_more_units_equal_the_unrolled_path() {
    check(
        3 * EQUATIONS as u32,
        (EQUATIONS, 195),
        &on_cpu(),
        compare_equations,
    );
}

/// Each of them at one step of one unit and through hundreds; and those with the most state, through
/// thousands: what a step keeps for the way back is laid out by the state, whatever its equations.
#[test]
fn equations_of_any_length_equal_the_unrolled_path() {
    for backend in on_cpu() {
        for cell in 0..EQUATIONS {
            // With this seed, no gradient of a single number is what two large ones leave.
            let one = Case {
                seed: 6,
                ..case(cell, [1, 1, 1])
            };
            compare_equations(&backend, &one);
            compare_equations(&backend, &case(cell, [2, 200, 4]));
        }
        for cell in [4, 19] {
            compare_equations(&backend, &case(cell, [2, 1200, 4]));
        }
    }
}

fn case(cell: usize, [batch, time, hidden]: [usize; 3]) -> Case {
    Case {
        cell,
        batch,
        time,
        input: 3,
        hidden,
        lengths: None,
        direction: Direction::Forward,
        bias: true,
        loss: (true, true),
        seed: 5,
    }
}

/// Few rows of a large cell: the units are what the threads split.
#[test]
fn kernels_of_one_row_equal_the_unrolled_path() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        for cell in [0, 3, 4] {
            compare(backend, &case(cell, [1, 3, 530]));
            let lengths = Some(vec![2, 4, 0]);
            compare(
                backend,
                &Case {
                    lengths,
                    ..case(cell, [3, 4, 601])
                },
            );
        }
    }
}

/// One step, and thousands.
#[test]
fn kernels_of_any_length_equal_the_unrolled_path() {
    for backend in backends() {
        for cell in 0..5 {
            compare(&backend, &case(cell, [1, 1, 1]));
            // But for one equation, all Elman cells are the same.
            if !backend.slow && [0, 3, 4].contains(&cell) {
                compare(&backend, &case(cell, [2, 2500, 4]));
            }
        }
    }
}
