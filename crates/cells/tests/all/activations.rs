//! Each activation against its formula, in plain numbers.

use backdraft_cells::Activation::{self, *};
use burn::tensor::Tensor;

use crate::support::{assert_close, backends, values};

type Formula = fn(f64) -> f64;

/// On both sides of every corner, on the corners, and far out.
const X: [f64; 13] = [
    -40.0, -3.0, -1.25, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 3.0, 40.0,
];

#[test]
fn each_activation_is_its_formula() {
    let (alpha, beta) = (0.25, 0.75);
    let cases: [(Activation, Formula); 14] = [
        (Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Tanh, f64::tanh),
        (Relu, |x| x.max(0.0)),
        (Identity, |x| x),
        (Affine { alpha, beta }, |x| 0.25 * x + 0.75),
        (LeakyRelu { alpha }, |x| if x >= 0.0 { x } else { 0.25 * x }),
        (
            ThresholdedRelu { alpha },
            |x| if x >= 0.25 { x } else { 0.0 },
        ),
        (ThresholdedRelu { alpha: -1.0 }, |x| {
            if x >= -1.0 { x } else { 0.0 }
        }),
        (ScaledTanh { alpha, beta }, |x| 0.25 * (0.75 * x).tanh()),
        (HardSigmoid { alpha, beta }, |x| {
            (0.25 * x + 0.75).clamp(0.0, 1.0)
        }),
        (
            Elu { alpha },
            |x| if x >= 0.0 { x } else { 0.25 * x.exp_m1() },
        ),
        (Softsign, |x| x / (1.0 + x.abs())),
        (Softplus, |x| if x > 30.0 { x } else { x.exp().ln_1p() }),
        (
            Activation::from(backdraft_kernels::Nonlinearity::Relu),
            |x| x.max(0.0),
        ),
    ];
    for backend in backends() {
        for (activation, formula) in &cases {
            let found = values(&activation.apply(backend.tensor(&X, [1, X.len()])));
            let expected = X.map(formula);
            let what = format!("{}: {activation:?}", backend.name);
            assert_close(&what, &found, &expected, backend.tolerance);
        }
    }
}

/// The step of a thresholded ReLU is steep, but no gradient comes back through it, however near to
/// the threshold; and the number next to the threshold is on its side.
#[test]
fn the_step_of_a_threshold_has_no_gradient() {
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let below = f64::from_bits(0.3f64.to_bits() - 1);
        let x: Tensor<2> = backend.tensor(&[below, 0.3, 0.3 + 1e-12, 2.0, -2.0], [1, 5]);
        let y = ThresholdedRelu { alpha: 0.3 }.apply(x.clone());
        assert_eq!(values(&y), [0.0, 0.3, 0.3 + 1e-12, 2.0, 0.0]);
        let gradient = x.grad(&y.sum().backward()).unwrap();
        assert_eq!(values(&gradient), [0.0, 1.0, 1.0, 1.0, 0.0]);
    }
}

/// Far out each is what its formula tends to, and its gradient is a number.
#[test]
fn infinity_goes_to_the_limit() {
    const INF: f64 = f64::INFINITY;

    let (alpha, beta) = (0.25, 0.75);
    let limits = [
        (Sigmoid, [0.0, 1.0]),
        (Tanh, [-1.0, 1.0]),
        (Relu, [0.0, INF]),
        (LeakyRelu { alpha }, [-INF, INF]),
        (LeakyRelu { alpha: 0.0 }, [0.0, INF]),
        (ThresholdedRelu { alpha }, [0.0, INF]),
        (ThresholdedRelu { alpha: -1.0 }, [0.0, INF]),
        (ScaledTanh { alpha, beta }, [-0.25, 0.25]),
        (HardSigmoid { alpha, beta }, [0.0, 1.0]),
        (Elu { alpha }, [-0.25, INF]),
        (Softsign, [-1.0, 1.0]),
        (Softplus, [0.0, INF]),
    ];
    for backend in backends() {
        for (activation, expected) in &limits {
            let x: Tensor<2> = backend.tensor(&[-INF, INF], [1, 2]);
            let y = activation.apply(x.clone());
            let what = format!("{}: {activation:?}", backend.name);
            for (found, expected) in values(&y).iter().zip(expected) {
                let near = (found - expected).abs() < 1e-6;
                assert!(found == expected || near, "{what}: {found} for {expected}");
            }
            let gradient = values(&x.grad(&y.sum().backward()).unwrap());
            assert!(
                gradient.iter().all(|g| g.is_finite()),
                "{what}: {gradient:?}"
            );
        }
    }
}
