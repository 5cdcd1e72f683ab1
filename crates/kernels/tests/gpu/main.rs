//! The recurrence on a GPU, against the same recurrence on the CPU: outputs, final states and
//! every gradient, by both schedules; what stands in the padding; how much is launched.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backdraft_kernels::gpu::{LaunchSchedule, set_schedule};
use backdraft_kernels::{Direction, Inputs, Nonlinearity, Projection, Recurrence, Walk, run};
use burn::tensor::{DType, Device, Tensor, TensorData};
use cubecl::logging::{LaunchObservation, LaunchObserver};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const CELLS: [Recurrence; 5] = [
    Recurrence::Elman(Nonlinearity::Tanh),
    Recurrence::Elman(Nonlinearity::Relu),
    Recurrence::Elman(Nonlinearity::Sigmoid),
    Recurrence::Lstm,
    Recurrence::Gru,
];
const SCHEDULES: [LaunchSchedule; 2] = [LaunchSchedule::PerStep, LaunchSchedule::WholeSequence];
/// A schedule is set for the whole process, and launches are counted in it.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wgpu() -> Device {
    Device::wgpu(Default::default())
}

/// Which results a loss is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Used {
    Both,
    Outputs,
    State,
}

#[derive(Debug, Clone)]
struct Case {
    recurrence: Recurrence,
    /// T, B, H.
    sizes: [usize; 3],
    direction: Direction,
    lengths: Option<Vec<usize>>,
    used: Used,
    /// What `projected` holds where a row is not there.
    padding: f32,
    /// How far the numbers go.
    scale: f32,
    /// What the GPU computes on.
    dtype: DType,
}

impl Case {
    fn new(recurrence: Recurrence, sizes: [usize; 3], direction: Direction) -> Self {
        Self {
            recurrence,
            sizes,
            direction,
            lengths: None,
            used: Used::Both,
            padding: 0.0,
            scale: 1.0,
            dtype: DType::F32,
        }
    }

    /// Rows of mixed lengths, none and all steps among them.
    fn ragged(self) -> Self {
        let [time, batch, _] = self.sizes;
        let lengths = (0..batch)
            .map(|row| (row * 7 + time) % (time + 1))
            .collect();
        Self {
            lengths: Some(lengths),
            ..self
        }
    }

    fn padded(&self, index: usize) -> bool {
        let [_, batch, hidden] = self.sizes;
        let width = self.recurrence.gates() * hidden;
        let (t, row) = (index / width / batch, index / width % batch);
        self.lengths
            .as_ref()
            .is_some_and(|lengths| t >= lengths[row])
    }
}

/// Numbers between -scale and scale, the same for the same seed.
fn random(seed: u64, count: usize, scale: f32) -> Vec<f32> {
    let mut generator = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|_| generator.random_range(-scale..scale))
        .collect()
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().iter::<f32>().collect()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    tensor_of(values, shape, device, DType::F32)
}

fn tensor_of<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

/// What a case gives on a device, by name: outputs, state, and the gradients of all inputs.
fn results(
    case: &Case,
    device: Device,
    dtype: DType,
    padding: f32,
) -> Vec<(&'static str, Vec<f32>)> {
    let [time, batch, hidden] = case.sizes;
    let (packed, states) = (case.recurrence.gates() * hidden, case.recurrence.states());
    let device = device.autodiff();
    let mut projected = random(1, time * batch * packed, 2.0 * case.scale);
    for (index, value) in projected.iter_mut().enumerate() {
        if case.padded(index) {
            *value = padding;
        }
    }
    fn leaf<const D: usize>(
        values: Vec<f32>,
        shape: [usize; D],
        on: (&Device, DType),
    ) -> Tensor<D> {
        tensor_of(values, shape, on.0, on.1).require_grad()
    }
    let on = (&device, dtype);
    let weight = random(2, packed * hidden, 1.0 / (hidden as f32).sqrt());
    let projected = leaf(projected, [time, batch, packed], on);
    let weight = leaf(weight, [packed, hidden], on);
    let bias = |seed| leaf(random(seed, packed, 0.5), [packed], on);
    let (input_bias, recurrent_bias) = (bias(3), bias(4));
    let shape = [states, batch, hidden];
    let initial = leaf(random(5, shape.iter().product(), 1.0), shape, on);

    let outputs = run(
        case.recurrence,
        Walk {
            direction: case.direction,
            lengths: case.lengths.clone().map(Arc::from),
        },
        Inputs {
            // Nobody else holds the product, so it may be computed on in place.
            projection: Projection::Values(projected.clone() * 1.0),
            weight: weight.clone(),
            input_bias: input_bias.clone(),
            recurrent_bias: recurrent_bias.clone(),
            initial: initial.clone(),
        },
    );
    let weights = random(6, time * batch * hidden, 1.0);
    let of_outputs =
        outputs.outputs.clone() * tensor_of(weights, [time, batch, hidden], &device, dtype);
    let weights = random(7, states * batch * hidden, 1.0);
    let of_state = outputs.state.clone() * tensor_of(weights, shape, &device, dtype);
    let loss = match case.used {
        Used::Both => of_outputs.sum() + of_state.sum(),
        Used::Outputs => of_outputs.sum(),
        Used::State => of_state.sum(),
    };
    let gradients = loss.backward();
    fn of<const D: usize>(leaf: &Tensor<D>, gradients: &burn::tensor::Gradients) -> Vec<f32> {
        values(&leaf.grad(gradients).expect("each input has a gradient"))
    }
    vec![
        ("outputs", values(&outputs.outputs)),
        ("state", values(&outputs.state)),
        ("gradient of projected", of(&projected, &gradients)),
        ("gradient of weight", of(&weight, &gradients)),
        ("gradient of input bias", of(&input_bias, &gradients)),
        (
            "gradient of recurrent bias",
            of(&recurrent_bias, &gradients),
        ),
        ("gradient of initial", of(&initial, &gradients)),
    ]
}

/// Fails where the GPU's results differ from the CPU's, of which no padding is read.
fn compare(case: &Case, schedule: LaunchSchedule) {
    set_schedule(schedule);
    let found = results(case, wgpu(), case.dtype, case.padding);
    set_schedule(LaunchSchedule::Automatic);
    let expected = results(case, Device::flex(), DType::F32, 0.0);
    let tolerance = match case.dtype {
        DType::F32 => 1e-5,
        _ => 5e-3,
    };
    for ((what, found), (_, expected)) in found.iter().zip(&expected) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let scale = expected
            .iter()
            .fold(1.0f32, |scale, value| scale.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(
                (found - expected).abs() <= tolerance * scale,
                "{schedule:?}, {case:?}: {what}: value {index}: found {found}, expected {expected}"
            );
        }
    }
}

fn compare_all(schedule: LaunchSchedule) {
    let _alone = alone();
    use Direction::{Forward, Reverse};
    for recurrence in CELLS {
        let case = |sizes, direction| Case::new(recurrence, sizes, direction);
        let used = |used, case| Case { used, ..case };
        compare(&case([5, 17, 33], Reverse).ragged(), schedule);
        // But for one equation, all Elman cells are the same.
        if let Recurrence::Elman(Nonlinearity::Relu | Nonlinearity::Sigmoid) = recurrence {
            continue;
        }
        compare(&case([1, 1, 1], Forward), schedule);
        compare(&case([5, 17, 33], Forward).ragged(), schedule);
        // More units than one group of 64 has. Step by step that says nothing new, and each other size has
        // products of matrices of its own to compile; there, `large_sizes_agree_with_the_cpu`.
        let sizes = match schedule {
            LaunchSchedule::WholeSequence => [2, 5, 65],
            _ => [5, 17, 33],
        };
        compare(&case(sizes, Reverse), schedule);
        compare(&used(Used::Outputs, case(sizes, Forward)), schedule);
        compare(&used(Used::State, case(sizes, Reverse).ragged()), schedule);
    }
}

#[test]
fn per_step_agrees_with_the_cpu() {
    compare_all(LaunchSchedule::PerStep);
}

#[test]
fn whole_sequence_agrees_with_the_cpu() {
    compare_all(LaunchSchedule::WholeSequence);
}

/// From 128 rows on a group of units owns several.
#[test]
fn many_rows_agree_with_the_cpu() {
    let _alone = alone();
    for recurrence in [Recurrence::Lstm, Recurrence::Gru] {
        for (rows, direction) in [(130, Direction::Reverse), (257, Direction::Forward)] {
            let case = Case::new(recurrence, [3, rows, 2], direction).ragged();
            compare(&case, LaunchSchedule::WholeSequence);
        }
    }
}

#[test]
fn large_sizes_agree_with_the_cpu() {
    let _alone = alone();
    for schedule in SCHEDULES {
        let case = Case::new(Recurrence::Lstm, [3, 2, 300], Direction::Reverse).ragged();
        compare(&case, schedule);
    }
}

#[test]
fn padding_is_never_read() {
    let _alone = alone();
    for schedule in SCHEDULES {
        for recurrence in CELLS {
            for direction in [Direction::Forward, Direction::Reverse] {
                let case = Case::new(recurrence, [5, 17, 33], direction).ragged();
                let padding = f32::NAN;
                compare(&Case { padding, ..case }, schedule);
            }
        }
    }
}

/// Sums so large that an exponential of them overflows.
#[test]
fn saturated_gates_agree_with_the_cpu() {
    let _alone = alone();
    for schedule in SCHEDULES {
        for recurrence in CELLS {
            let case = Case::new(recurrence, [5, 17, 33], Direction::Forward);
            compare(
                &Case {
                    scale: 1000.0,
                    ..case
                },
                schedule,
            );
        }
    }
}

#[test]
fn half_precision_agrees_with_the_cpu() {
    let _alone = alone();
    if !wgpu().supports_dtype(DType::F16) {
        return;
    }
    for schedule in SCHEDULES {
        let case = Case::new(Recurrence::Gru, [5, 17, 33], Direction::Reverse).ragged();
        compare(
            &Case {
                dtype: DType::F16,
                ..case
            },
            schedule,
        );
    }
}

/// Small numbers keep their digits, and large ones do not overflow.
#[test]
fn nonlinearities_are_accurate() {
    let _alone = alone();
    let device = wgpu();
    let sizes: Vec<f32> = (-60..35).map(|power| 1.3f32.powi(power)).collect();
    let numbers: Vec<f32> = sizes.iter().flat_map(|&size| [size, -size]).collect();
    let count = numbers.len();
    for phi in [Nonlinearity::Tanh, Nonlinearity::Sigmoid] {
        let exact = |x: f64| match phi {
            Nonlinearity::Tanh => x.tanh(),
            _ => 1.0 / (1.0 + (-x).exp()),
        };
        let zeros = || tensor(vec![0.0], [1], &device);
        let outputs = run(
            Recurrence::Elman(phi),
            Walk::default(),
            Inputs {
                projection: Projection::Values(tensor(numbers.clone(), [1, count, 1], &device)),
                weight: tensor(vec![0.0], [1, 1], &device),
                input_bias: zeros(),
                recurrent_bias: zeros(),
                initial: Tensor::zeros([1, count, 1], (&device, DType::F32)),
            },
        );
        for (x, found) in numbers.iter().zip(values(&outputs.outputs)) {
            let expected = exact(f64::from(*x));
            let error = (f64::from(found) - expected).abs();
            assert!(
                error <= 1e-6 * expected.abs() + 1e-30,
                "{phi:?} of {x}: found {found}, expected {expected}"
            );
        }
    }
}

/// A number that is none, in one step of one row, is in all that follows in that row, and nowhere
/// else.
#[test]
fn nan_stays_nan() {
    let _alone = alone();
    let [time, batch, hidden] = [4, 3, 5];
    for schedule in SCHEDULES {
        set_schedule(schedule);
        for recurrence in CELLS {
            let packed = recurrence.gates() * hidden;
            let states = recurrence.states();
            let device = wgpu();
            let mut projected = random(1, time * batch * packed, 1.0);
            let (step, row) = (1, 2);
            let start = (step * batch + row) * packed;
            projected[start..start + packed].fill(f32::NAN);
            let zeros = || tensor(vec![0.0; packed], [packed], &device);
            let outputs = run(
                recurrence,
                Walk::default(),
                Inputs {
                    projection: Projection::Values(tensor(
                        projected,
                        [time, batch, packed],
                        &device,
                    )),
                    weight: tensor(random(2, packed * hidden, 0.4), [packed, hidden], &device),
                    input_bias: zeros(),
                    recurrent_bias: zeros(),
                    initial: Tensor::zeros([states, batch, hidden], (&device, DType::F32)),
                },
            );
            for (index, value) in values(&outputs.outputs).into_iter().enumerate() {
                let (t, r) = (index / hidden / batch, index / hidden % batch);
                let expected = r == row && t >= step;
                assert_eq!(
                    value.is_nan(),
                    expected,
                    "{schedule:?}, {recurrence:?}, step {t}, row {r}: {value}"
                );
            }
        }
    }
    set_schedule(LaunchSchedule::Automatic);
}

/// Steps of a sequence whose launches are counted: enough that a launch a step would show.
const TIME: usize = 32;

struct Counter(AtomicUsize);

impl LaunchObserver for Counter {
    fn launched(&self, _: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A step of training an LSTM with its projection and a loss, after one that finds out which
/// kernels are best.
fn launches(schedule: LaunchSchedule, lengths: Option<Arc<[usize]>>) -> usize {
    let [time, batch, features, hidden] = [TIME, 16, 32, 64];
    set_schedule(schedule);
    let device = wgpu().autodiff();
    let leaf = |seed, rows, columns| {
        tensor(random(seed, rows * columns, 0.2), [rows, columns], &device).require_grad()
    };
    let (input, recurrent) = (leaf(1, 4 * hidden, features), leaf(2, 4 * hidden, hidden));
    let bias = |seed| tensor(random(seed, 4 * hidden, 0.2), [4 * hidden], &device).require_grad();
    let (input_bias, recurrent_bias) = (bias(3), bias(4));
    let x = random(5, time * batch * features, 1.0);
    let x = tensor(x, [time, batch, features], &device);
    let step = || {
        let outputs = run(
            Recurrence::Lstm,
            Walk {
                direction: Direction::Forward,
                lengths: lengths.clone(),
            },
            Inputs {
                projection: Projection::Product {
                    input: x.clone(),
                    weight: input.clone(),
                },
                weight: recurrent.clone(),
                input_bias: input_bias.clone(),
                recurrent_bias: recurrent_bias.clone(),
                initial: Tensor::zeros([2, batch, hidden], (&device, DType::F32)),
            },
        );
        let gradients = (outputs.outputs.clone() * outputs.outputs)
            .mean()
            .backward();
        let gradient = |leaf: &Tensor<2>| values(&leaf.grad(&gradients).expect("a gradient"));
        let biases = [&input_bias, &recurrent_bias]
            .map(|leaf| values(&leaf.grad(&gradients).expect("a gradient")));
        (gradient(&input), gradient(&recurrent), biases)
    };
    step();
    step();
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let watch = LaunchObservation::new(counter.clone());
    step();
    drop(watch);
    set_schedule(LaunchSchedule::Automatic);
    counter.0.load(Ordering::Relaxed)
}

#[test]
fn a_training_step_launches_little() {
    let _alone = alone();
    let ragged: Arc<[usize]> = (0..16).map(|row| TIME * row / 16).collect();
    for lengths in [None, Some(ragged)] {
        let per_step = launches(LaunchSchedule::PerStep, lengths.clone());
        println!("per step: {per_step}");
        assert!(per_step <= 4 * TIME + 40, "{per_step} launches per step");
        let whole = launches(LaunchSchedule::WholeSequence, lengths.clone());
        println!("whole sequence: {whole}");
        assert!(whole <= 60, "{whole} launches for the whole sequence");
        let automatic = launches(LaunchSchedule::Automatic, lengths);
        println!("automatic: {automatic}");
        assert!([per_step, whole].contains(&automatic));
    }
}
