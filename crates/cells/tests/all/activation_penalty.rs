//! Activation penalties: what they count, and what is no part of them.

use backdraft_cells::prelude::*;
use backdraft_cells::{activation_penalty, temporal_activation_penalty};
use burn::tensor::Tensor;

use crate::support::{self, assert_close, backends};

/// Two rows of two features; of the second row the last step is padding, and NaN.
#[test]
fn penalties_count_what_is_there() {
    for backend in &backends() {
        let values = [
            [[1.0, 2.0], [3.0, -1.0], [0.0, 2.0]],
            [[-2.0, 1.0], [1.0, 1.0], [f64::NAN, f64::NAN]],
        ];
        let outputs = backend.tensor::<3>(values.concat().as_flattened(), [2, 3, 2]);
        let lengths = Lengths::new([3, 2]);
        let number = |penalty: Tensor<1>| penalty.into_scalar::<f64>();

        // 1 + 4 + 9 + 1 + 0 + 4 and 4 + 1 + 1 + 1, over 5 steps of 2.
        let size = activation_penalty(outputs.clone(), Some(&lengths)).unwrap();
        assert_close(
            "AR",
            &[number(size.clone())],
            &[26.0 / 10.0],
            backend.tolerance,
        );
        // (2, -3), (-3, 3) and (3, 0), over 3 changes of 2.
        let change = temporal_activation_penalty(outputs.clone(), Some(&lengths)).unwrap();
        let expected = (4.0 + 9.0 + 9.0 + 9.0 + 9.0) / 6.0;
        assert_close(
            "TAR",
            &[number(change.clone())],
            &[expected],
            backend.tolerance,
        );

        let gradients = (size + change).backward();
        let gradient = support::values(&outputs.grad(&gradients).unwrap());
        assert_eq!(gradient[10..], [0.0, 0.0]);
        // 2 h / 10 - 2 (h_1 - h_0) / 6, of the first number.
        let expected = [2.0 / 10.0 - 4.0 / 6.0];
        assert_close("gradient", &gradient[..1], &expected, backend.tolerance);

        let one = outputs.clone().slice_dim(1, 0..1);
        let none = Some(Lengths::new([0, 0]));
        for penalty in [
            temporal_activation_penalty(one.clone(), None),
            temporal_activation_penalty(outputs.clone(), none.as_ref()),
            activation_penalty(one.clone(), none.as_ref()),
        ] {
            assert_eq!(number(penalty.unwrap()), 0.0);
        }
        // Nothing is padding: 1 + 4 + 4 + 1, over 2 steps of 2.
        let whole = activation_penalty(one, None).unwrap();
        assert_close("AR", &[number(whole)], &[10.0 / 4.0], backend.tolerance);
        assert!(activation_penalty(outputs, Some(&Lengths::new([3]))).is_err());
    }
}
