//! Masks: as lengths, and with padding at the front.

use backdraft_cells::Aligned;
use backdraft_cells::prelude::*;
use burn::tensor::{Bool, Tensor, TensorData};

use crate::support::{Backend, assert_close, backends, values};

const TIME: usize = 6;
/// Where each row begins, and its steps: whole, padded at the front, in the middle, at the end, empty.
const ROWS: [(usize, usize); 5] = [(0, 6), (4, 2), (1, 3), (0, 1), (0, 0)];

fn mask(backend: &Backend, rows: &[[bool; TIME]]) -> Tensor<2, Bool> {
    let shape = [rows.len(), TIME];
    Tensor::from_data(TensorData::new(rows.concat(), shape), &backend.autodiff())
}

fn rows() -> [[bool; TIME]; 5] {
    ROWS.map(|(start, length)| std::array::from_fn(|t| (start..start + length).contains(&t)))
}

/// Each row as if it were alone and without padding, its outputs where its steps were, and the gradients back there.
#[test]
fn padding_may_be_at_the_front() {
    for backend in &backends() {
        let config = BidirectionalConfig::new(LstmConfig::new(3, 4));
        let layer = backend.fill(config.init(&backend.autodiff()).unwrap(), 2);
        let input = backend.random::<3>(1, [5, TIME, 3]);
        let aligned = Aligned::new(input.clone(), mask(backend, &rows())).unwrap();
        assert_eq!(aligned.lengths.as_slice(), ROWS.map(|(_, length)| length));
        let given = LayerInput::new(aligned.sequence.clone()).with_lengths(&aligned.lengths);
        let outputs = aligned.restore(layer.forward(given).unwrap().outputs);
        let gradient = input.grad(&outputs.clone().powi_scalar(2).sum().backward());
        let (outputs, gradient) = (outputs.inner(), gradient.unwrap());

        for (row, (start, length)) in ROWS.into_iter().enumerate() {
            let part = |tensor: &Tensor<3>, steps: std::ops::Range<usize>| {
                values(&tensor.clone().slice([row..row + 1, steps]))
            };
            let what = format!("{}: row {row}", backend.name);
            for padding in [0..start, start + length..TIME] {
                if !padding.is_empty() {
                    let found = [part(&outputs, padding.clone()), part(&gradient, padding)];
                    assert!(found.concat().iter().all(|value| *value == 0.0), "{what}");
                }
            }
            if length > 0 {
                let steps = start..start + length;
                let alone = input.clone().inner().slice([row..row + 1, steps.clone()]);
                let alone = Tensor::from_inner(alone).require_grad();
                let expected = layer.forward(alone.clone()).unwrap().outputs;
                let found = part(&outputs, steps.clone());
                assert_close(&what, &found, &values(&expected), backend.tolerance);
                let expected = alone
                    .grad(&expected.powi_scalar(2).sum().backward())
                    .unwrap();
                assert_close(
                    &what,
                    &part(&gradient, steps),
                    &values(&expected),
                    backend.tolerance,
                );
            }
        }
    }
}

#[test]
fn a_mask_is_lengths_if_it_has_no_holes() {
    let backend = &backends()[0];
    let read = |rows: &[[bool; TIME]]| Lengths::from_mask(mask(backend, rows));
    let from_start = [
        [true; TIME],
        [true, true, false, false, false, false],
        [false; TIME],
    ];
    assert_eq!(read(&from_start).unwrap().as_slice(), [6, 2, 0]);
    assert_eq!(
        read(&[[true; TIME], [false, true, true, false, false, false]])
            .unwrap_err()
            .to_string(),
        "Lengths: first step with data in row 1 of the mask: expected 0, found 1"
    );
    let hole = [[true, true, false, true, false, false]];
    let expected =
        "Lengths: row 0 of the mask: expected data without holes, found a hole at step 2";
    assert_eq!(read(&hole).unwrap_err().to_string(), expected);
    let sequence = Tensor::<3>::zeros([1, TIME, 2], &backend.device);
    let error = Aligned::new(sequence.clone(), mask(backend, &hole)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let error = Aligned::new(sequence, mask(backend, &from_start)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Lengths: mask [batch, time]: expected [1, 6], found [3, 6]"
    );
}
