//! What is rarely asked for: losses on one state or one step alone, rows of length 0, what is no number, rows alone.

use backdraft_cells::prelude::*;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::support::{self, Backend, assert_close, backends, values};

const BATCH: usize = 4;
const TIME: usize = 7;
const INPUT: usize = 3;

fn device() -> Device {
    backends()[0].device.clone()
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &device())
}

/// Cells with kernels that somebody wrote, with kernels made of equations, with a scan and without a kernel.
fn cells() -> [AnyCellConfig; 7] {
    [
        ElmanConfig::new(INPUT, 5).into(),
        LstmConfig::new(INPUT, 5).into(),
        GruConfig::new(INPUT, 5).into(),
        SLstmConfig::new(INPUT, 6).with_heads(2).into(),
        LayerNormLstmConfig::new(INPUT, 5).into(),
        MinGruConfig::new(INPUT, 5).into(),
        LruConfig::new(INPUT, 5, 4).into(),
    ]
}

fn layers(backend: &Backend) -> impl Iterator<Item = Bidirectional<AnyCell>> {
    cells().into_iter().map(|cell| {
        let layer = BidirectionalConfig::new(cell).init(&backend.autodiff());
        backend.fill(layer.unwrap(), 3)
    })
}

/// The gradient of each parameter and of the input; zeros where a loss does not depend on one.
fn gradients(
    layer: &Bidirectional<AnyCell>,
    input: &Tensor<3>,
    lengths: &Lengths,
    loss: impl Fn(LayerOutput<<Bidirectional<AnyCell> as Layer>::State>) -> Tensor<1>,
) -> Vec<Vec<f64>> {
    struct Collect<'a>(&'a Gradients, Vec<Vec<f64>>);
    impl Collect<'_> {
        fn of<const D: usize>(&mut self, tensor: &Tensor<D>) {
            let gradient = tensor.grad(self.0).map(|gradient| values(&gradient));
            self.1
                .push(gradient.unwrap_or(vec![0.0; tensor.shape().num_elements()]));
        }
    }
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.of(&param.val());
        }
    }
    let run = layer.forward(LayerInput::new(input.clone()).with_lengths(lengths));
    let gradients = loss(run.unwrap()).backward();
    let mut collect = Collect(&gradients, Vec::new());
    layer.visit(&mut collect);
    collect.of(input);
    collect.1
}

/// One tensor of the final state alone, of one direction, with nothing of the outputs; and one step of the outputs.
#[test]
fn a_loss_may_look_at_one_state_or_one_step_alone() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        let lengths = Lengths::new([7, 0, 3, 1]);
        let input = backend.random::<3>(1, [BATCH, TIME, INPUT]);
        for layer in layers(backend) {
            let unrolled = layer.clone().unrolled();
            let tensors = layer.initial_state(1).tensors().len();
            let compare = |what: &str, loss: &dyn Fn(LayerOutput<_>) -> Tensor<1>| {
                let found = gradients(&layer, &input, &lengths, loss);
                let expected = gradients(&unrolled, &input, &lengths, loss);
                assert!(
                    expected.concat().iter().any(|gradient| *gradient != 0.0),
                    "{what}"
                );
                for (found, expected) in found.iter().zip(&expected) {
                    let what = format!("{}: {}: {what}", backend.name, layer.describe());
                    assert_close(&what, found, expected, backend.tolerance);
                }
            };
            for index in 0..tensors {
                compare(&format!("state {index} alone"), &|run| {
                    run.state.tensors()[index].clone().powi_scalar(2).sum()
                });
            }
            for t in [0, 2, TIME - 1] {
                compare(&format!("step {t} alone"), &|run| {
                    run.outputs.slice_dim(1, t..t + 1).powi_scalar(2).sum()
                });
            }
        }
    }
}

/// What is no number in one row stays there, and what is none in the padding is never seen.
#[test]
fn a_row_that_is_no_number_spoils_no_other() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        let lengths = Lengths::new([7, 7, 3, 5]);
        let plain = values(&backend.random::<3>(1, [BATCH, TIME, INPUT]));
        let tensor = |given: Vec<f64>| backend.tensor::<3>(&given, [BATCH, TIME, INPUT]);
        let (mut padded, mut spoiled) = (plain.clone(), plain.clone());
        let at = |row: usize, t: usize| (row * TIME + t) * INPUT;
        padded[at(2, 3)..at(3, 0)].fill(f64::NAN);
        padded[at(3, 5)..].fill(f64::INFINITY);
        spoiled[at(1, 2)] = f64::NAN;
        for layer in layers(backend) {
            let run = |given: &[f64]| {
                let input = tensor(given.to_vec());
                let given = LayerInput::new(input.clone()).with_lengths(&lengths);
                let outputs = layer.forward(given).unwrap().outputs;
                let gradients = outputs.clone().sum().backward();
                let mut all = support::gradients(&layer, &gradients);
                all.push(values(&outputs));
                all
            };
            let what = format!("{}: {}", backend.name, layer.describe());
            let expected = run(&plain);
            for (found, expected) in run(&padded).iter().zip(&expected) {
                assert_close(&what, found, expected, backend.tolerance);
            }
            let (found, expected) = (run(&spoiled).pop().unwrap(), &expected[expected.len() - 1]);
            let row = found.len() / BATCH;
            for other in [0, 2, 3] {
                let other = other * row..(other + 1) * row;
                assert_close(
                    &what,
                    &found[other.clone()],
                    &expected[other],
                    backend.tolerance,
                );
            }
            assert!(
                found[row..2 * row].iter().any(|value| value.is_nan()),
                "{what}"
            );
        }
    }
}

/// A row alone is what it is in a batch, up to the order in which sums are taken.
#[test]
fn a_row_alone_is_the_row_in_its_batch() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        let input = backend.random::<3>(1, [19, TIME, INPUT]).inner();
        for layer in layers(backend) {
            let layer = layer.valid();
            let together = layer.forward(input.clone()).unwrap().outputs;
            for row in [0, 7, 18] {
                let alone = input.clone().slice_dim(0, row..row + 1);
                let alone = values(&layer.forward(alone).unwrap().outputs);
                let expected = values(&together.clone().slice_dim(0, row..row + 1));
                let what = format!("{}: {}: row {row}", backend.name, layer.describe());
                assert_close(&what, &alone, &expected, backend.tolerance);
            }
        }
    }
}

/// A view of a larger tensor, not laid out step after step, is the same sequence.
#[test]
fn a_view_is_what_it_shows() {
    for backend in backends().iter().filter(|backend| !backend.slow) {
        let large = values(&backend.random::<3>(1, [TIME + 2, BATCH, INPUT + 1]));
        let large = TensorData::new(large, [TIME + 2, BATCH, INPUT + 1]);
        let large = Tensor::<3>::from_data(large, (&backend.device, backend.dtype));
        let view = large
            .slice([1..TIME + 1, 0..BATCH, 1..INPUT + 1])
            .swap_dims(0, 1);
        let copy = TensorData::new(values(&view), view.dims());
        let copy = Tensor::<3>::from_data(copy, (&backend.device, backend.dtype));
        for layer in layers(backend) {
            let layer = layer.valid();
            let run = |input: &Tensor<3>| values(&layer.forward(input.clone()).unwrap().outputs);
            assert_eq!(
                run(&view),
                run(&copy),
                "{}: {}",
                backend.name,
                layer.describe()
            );
        }
    }
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
