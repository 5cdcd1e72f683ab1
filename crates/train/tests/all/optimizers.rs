//! The optimisers take the steps that PyTorch's take.

use backdraft_train::{OptimizerKind, Training};
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

#[derive(Module, Debug)]
struct Weights {
    weight: Param<Tensor<1>>,
}

/// PyTorch 2.15:
///
/// ```python
/// def run(make, steps=6):
///     w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
///     optimizer = make([w])
///     for t in range(steps):
///         w.grad = torch.tensor([math.cos(t + i) for i in range(3)])
///         optimizer.step()
///     return w.tolist()
/// print(run(lambda p: torch.optim.Adam(p, lr=0.1)))
/// print(run(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.2)))
/// print(run(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)))
/// print(run(lambda p: torch.optim.SGD(p, lr=0.1)))
/// print(run(lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.95)))
/// print(run(lambda p: torch.optim.Adagrad(p, lr=0.1)))
/// ```
#[test]
fn steps_are_those_of_pytorch() {
    let usual = Training {
        lr: 0.1,
        ..Training::default()
    };
    let with = |optimizer| Training {
        optimizer,
        ..usual.clone()
    };
    let cases = [
        (usual.clone(), [0.307_488_05, -0.954_243_06, 2.350_313_7]),
        (
            Training {
                weight_decay: 0.2,
                ..usual.clone()
            },
            [0.269_246_67, -0.836_109_16, 2.096_695_2],
        ),
        (
            with(OptimizerKind::Sgd),
            [0.317_408_8, -0.715_064_1, 2.490_494_3],
        ),
        (
            Training {
                momentum: 0.0,
                ..with(OptimizerKind::Sgd)
            },
            [0.523_581_86, -0.972_435_1, 2.006_204_6],
        ),
        (
            Training {
                rms_decay: 0.95,
                ..with(OptimizerKind::RmsProp)
            },
            [0.392_381_6, -0.939_249_75, 2.515_507_7],
        ),
        (
            with(OptimizerKind::AdaGrad),
            [0.472_215_15, -0.985_788_8, 2.119_956_3],
        ),
    ];
    let device = Device::flex().autodiff();
    for (training, expected) in cases {
        let start = Tensor::from_floats([0.5, -1.0, 2.0], &device);
        let mut weights = Weights {
            weight: Param::from_tensor(start),
        };
        let mut optimizer = training.optimizer().unwrap();
        for step in 0..6 {
            let gradient = [0, 1, 2].map(|i| f64::from(step + i).cos() as f32);
            let gradient = Tensor::<1>::from_floats(gradient, &device.clone().inner());
            let mut gradients = GradientsParams::new();
            gradients.register(weights.weight.id, gradient);
            weights = optimizer.step(training.lr, weights, gradients);
        }
        let found: Vec<f32> = weights.weight.val().into_data().iter().collect();
        for (found, expected) in found.iter().zip(expected) {
            let close = (found - expected).abs() < 2e-6;
            assert!(close, "{:?}: {found}, not {expected}", training.optimizer);
        }
    }
}
