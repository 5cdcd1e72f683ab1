//! The loss and its gradient against `torch.nn.CTCLoss`, as `pytorch.py` recorded it.

use backdraft_cells::Lengths;
use backdraft_models::CtcLoss;
use burn::tensor::{Tensor, TensorData, activation::log_softmax};
use serde::Deserialize;

use super::{close, scores};
use crate::support::devices;

#[derive(Deserialize)]
struct Recorded {
    time: usize,
    symbols: usize,
    lengths: Vec<usize>,
    targets: Vec<Vec<u32>>,
    /// None: infinite.
    losses: Vec<Option<f64>>,
    gradient: Vec<f64>,
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let recorded: Vec<Recorded> = serde_json::from_str(include_str!("pytorch.json")).unwrap();
    let losses = recorded.iter().flat_map(|case| &case.losses);
    assert_eq!(losses.filter(|loss| loss.is_none()).count(), 2);
    for device in devices() {
        let device = device.autodiff();
        for case in &recorded {
            let rows = 0..case.lengths.len();
            let logits = rows.flat_map(|row| scores(row, case.time, case.symbols));
            let logits: Vec<f32> = logits.map(|logit| logit as f32).collect();
            let shape = [case.lengths.len(), case.time, case.symbols];
            let logits = TensorData::new(logits, shape);
            let logits = Tensor::<3>::from_data(logits, &device).require_grad();
            let lengths = Lengths::new(case.lengths.clone());
            // As the script has it.
            let factors: Vec<f32> = (1..=shape[0]).map(|row| row as f32).collect();
            let factors = TensorData::new(factors, [shape[0]]);
            let factors = Tensor::<1>::from_data(factors, &device);
            for zero_infinity in [false, true] {
                let loss = CtcLoss::new().with_zero_infinity(zero_infinity);
                let log_p = log_softmax(logits.clone(), 2);
                let losses = loss.forward(log_p, &lengths, &case.targets).unwrap();
                let infinite = if zero_infinity { 0.0 } else { f64::INFINITY };
                for (found, expected) in losses.to_data().iter::<f64>().zip(&case.losses) {
                    match expected {
                        Some(expected) => close(found, *expected, 1e-5),
                        None => assert_eq!(found, infinite),
                    }
                }
                let gradients = (losses * factors.clone()).sum().backward();
                let gradient = logits.grad(&gradients).unwrap().to_data();
                assert_eq!(gradient.num_elements(), case.gradient.len());
                for (found, expected) in gradient.iter::<f64>().zip(&case.gradient) {
                    close(found, *expected, 1e-5);
                }
            }
        }
    }
}
