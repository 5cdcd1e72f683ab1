//! Padded stacks on a GPU and on NdArray, one forward and one in reverse and one both ways, against the plain loop
//! on Flex: outputs, final states, and the gradient of everything that is an input.

use backdraft_cells::ErrorKind;
use backdraft_cells::prelude::*;
use burn::tensor::{DType, Tensor};

#[path = "../support/mod.rs"]
mod support;

use support::{
    Backend, Scale, assert_close, backends, gradients, state_values, values, weighted_loss,
};

const BATCH: usize = 5;
const TIME: usize = 7;
const INPUT: usize = 3;

/// In f32, relative to the largest value of what is compared.
const TOLERANCE: f64 = 2e-5;

/// Every result of a layer on a backend, by name.
fn results<L: Layer>(backend: &Backend, layer: L) -> Vec<(String, Vec<f64>)> {
    let f32 = Backend {
        dtype: DType::F32,
        device: backend.device.clone(),
        ..*backend
    };
    let layer = f32.fill(layer, 3).map(&mut Scale(0.4));
    let input = f32.random::<3>(4, [BATCH, TIME, INPUT]);
    let lengths = Lengths::new([7, 1, 0, 4, 6]);
    let run = layer
        .forward(LayerInput::new(input.clone()).with_lengths(&lengths))
        .unwrap();
    let gradients_of = weighted_loss(&run).backward();
    let mut found = vec![
        ("outputs".to_string(), values(&run.outputs)),
        ("final state".to_string(), state_values(&run.state)),
        (
            "gradient of the input".to_string(),
            values(&input.grad(&gradients_of).unwrap()),
        ),
    ];
    for (index, gradient) in gradients(&layer, &gradients_of).into_iter().enumerate() {
        found.push((format!("gradient of parameter {index}"), gradient));
    }
    found
}

fn compare<L: Layer, K: SequenceConfig<Built = L>>(config: K) {
    let (flex, others): (Vec<_>, Vec<_>) = backends()
        .into_iter()
        .partition(|backend| backend.name == "flex");
    assert!(others.iter().any(|backend| backend.name == "wgpu"));
    let built = |backend: &Backend| config.init(&backend.autodiff()).unwrap();
    let plain = built(&flex[0]).unrolled();
    let stack = plain.describe();
    let expected = results(&flex[0], plain);
    for other in &others {
        for ((what, found), (_, expected)) in results(other, built(other)).iter().zip(&expected) {
            let what = format!("{stack} on {}: {what}", other.name);
            assert_close(&what, found, expected, TOLERANCE);
        }
    }
}

#[test]
fn a_padded_stack_forward_equals_the_plain_loop() {
    let below = RecurrentConfig::new(LstmConfig::new(INPUT, 9));
    compare(DeepConfig::new(below, 2));
}

#[test]
fn a_padded_stack_in_reverse_equals_the_plain_loop() {
    let below = RecurrentConfig::new(GruConfig::new(INPUT, 9));
    compare(DeepConfig::new(below.with_direction(Direction::Reverse), 2));
}

#[test]
fn a_padded_stack_that_is_computed_again_equals_the_plain_loop() {
    let below = RecurrentConfig::new(LstmConfig::new(INPUT, 9));
    compare(RecomputedConfig::new(DeepConfig::new(below, 2)));
}

#[test]
fn a_padded_stack_both_ways_equals_the_plain_loop() {
    compare(DeepConfig::new(
        BidirectionalConfig::new(ElmanConfig::new(INPUT, 9)),
        2,
    ));
}

/// With steps and without any, which a GPU has no memory for; a state too.
#[test]
fn a_tensor_of_another_device_is_refused() {
    let all = backends();
    for own in &all {
        let layer = RecurrentConfig::new(GruConfig::new(INPUT, 4)).init(&own.device);
        let layer = layer.unwrap();
        for (other, time) in all.iter().flat_map(|other| [(other, 0), (other, 3)]) {
            let zeros = |backend: &Backend| Tensor::<3>::zeros([2, time, INPUT], &backend.device);
            let state = RecurrentConfig::new(GruConfig::new(INPUT, 4)).init(&other.device);
            let state = state.unwrap().initial_state(2) + 0.5;
            let runs = [
                layer.forward(zeros(other)),
                layer.forward(LayerInput::new(zeros(own)).with_state(state)),
            ];
            for run in runs {
                let what = format!("{time} steps of {} on {}", other.name, own.name);
                match run {
                    Ok(run) => {
                        assert_eq!(own.name, other.name, "{what}");
                        assert_eq!(run.outputs.dims(), [2, time, 4], "{what}");
                        assert_eq!(values(&run.outputs).len(), 2 * time * 4, "{what}");
                    }
                    Err(error) => {
                        assert_ne!(own.name, other.name, "{what}: {error}");
                        assert!(
                            matches!(error.kind(), ErrorKind::Device { .. }),
                            "{what}: {error}"
                        );
                    }
                }
            }
        }
    }
}
