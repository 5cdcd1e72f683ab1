//! What the tests of this folder share: the compiled backends, tensors of few digits, gradients by
//! name, and the comparison of two lists of numbers.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod layers;

use std::sync::{Mutex, MutexGuard, PoisonError};

use backdraft_cells::{LayerOutput, State};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};

/// A backend, and the most precise type that it computes in.
pub struct Backend {
    pub name: &'static str,
    pub device: Device,
    pub dtype: DType,
    /// The bound for two ways of computing the same thing.
    pub tolerance: f64,
    /// Whether the first run of each kind of layer takes seconds, as where kernels are compiled
    /// for a software GPU: there, one of each kind is enough.
    pub slow: bool,
}

/// Every backend that is compiled in.
#[allow(deprecated, reason = "NdArray is tested while Burn keeps it")]
pub fn backends() -> Vec<Backend> {
    vec![
        #[cfg(feature = "flex")]
        Backend {
            name: "flex",
            device: Device::flex(),
            dtype: DType::F64,
            tolerance: 1e-11,
            slow: false,
        },
        // Its sigmoid of f64 is computed in f32.
        #[cfg(feature = "ndarray")]
        Backend {
            name: "ndarray",
            device: Device::ndarray(),
            dtype: DType::F64,
            tolerance: 1e-6,
            slow: false,
        },
        // No f64: software adapters claim it and compute nonsense.
        #[cfg(feature = "wgpu")]
        Backend {
            name: "wgpu",
            device: Device::wgpu(Default::default()),
            dtype: DType::F32,
            tolerance: 2e-5,
            slow: true,
        },
    ]
}

impl Backend {
    /// Whether a step of 1e-5 shows in what is computed.
    pub fn is_precise(&self) -> bool {
        self.tolerance < 1e-9
    }

    /// The same device, recording gradients.
    pub fn autodiff(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// A tensor of these values; a leaf of the graph if the device records gradients.
    pub fn tensor<const D: usize>(&self, values: &[f64], shape: [usize; D]) -> Tensor<D> {
        tensor(values, shape, &self.autodiff(), self.dtype).require_grad()
    }

    /// Values between -1 and 1, the same on each backend.
    pub fn random<const D: usize>(&self, seed: u64, shape: [usize; D]) -> Tensor<D> {
        self.tensor(&random(seed, shape.iter().product()), shape)
    }

    /// `module` with weights that are the same on each backend, in this backend's type.
    pub fn fill<M: Module>(&self, module: M, seed: u64) -> M {
        module.map(&mut Fill {
            seed,
            device: self.autodiff(),
            dtype: self.dtype,
        })
    }
}

pub fn tensor<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, dtype))
}

/// `count` numbers in (-1, 1), by a linear congruential generator.
pub fn random(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

struct Fill {
    seed: u64,
    device: Device,
    dtype: DType,
}

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.seed += 1;
        let shape = param.dims();
        let values = random(self.seed, shape.iter().product());
        let value = tensor(&values, shape, &self.device, self.dtype);
        Param::initialized(param.id, value.require_grad())
    }
}

/// Multiplies every weight of a module by a number.
pub struct Scale(pub f64);

impl ModuleMapper for Scale {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = (param.val().detach() * self.0).detach();
        Param::initialized(param.id, value.require_grad())
    }
}

pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// The gradient of each parameter of a module, in the module's order.
pub fn gradients<M: Module>(module: &M, gradients: &Gradients) -> Vec<Vec<f64>> {
    struct Collect<'a>(&'a Gradients, Vec<Vec<f64>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param
                .val()
                .grad(self.0)
                .expect("each parameter has a gradient");
            self.1.push(values(&gradient));
        }
    }
    let mut collect = Collect(gradients, Vec::new());
    module.visit(&mut collect);
    collect.1
}

/// Fails where two lists differ by more than `tolerance`, relative to their largest value or 1.
#[track_caller]
pub fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let scale = expected
        .iter()
        .fold(1.0f64, |scale, value| scale.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= tolerance * scale;
        assert!(
            close,
            "{what}: value {index}: found {found}, expected {expected}"
        );
    }
}

/// Adds `by` to one parameter.
pub struct Nudge {
    pub parameter: usize,
    pub by: Vec<f64>,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let hit = self.parameter == 0;
        self.parameter = self.parameter.wrapping_sub(1);
        if hit {
            param.map(|value| nudge(value, &self.by))
        } else {
            param
        }
    }
}

pub fn nudge<const D: usize>(tensor: Tensor<D>, by: &[f64]) -> Tensor<D> {
    let nudged: Vec<f64> = values(&tensor)
        .iter()
        .zip(by)
        .map(|(x, by)| x + by)
        .collect();
    self::tensor(&nudged, tensor.dims(), &tensor.device(), tensor.dtype())
}

/// Central differences of this step in f64 are good to about 1e-10.
const STEP: f64 = 1e-5;

/// Directions along which a gradient of so many values is held against differences, each of length 1: each
/// value by itself where there are few. Of more, a sample of them, which say where something is wrong, and
/// two random corners of the cube, in whose slope each value has its part.
pub fn directions(count: usize) -> Vec<Vec<f64>> {
    const FEW: usize = 6;
    const SAMPLED: usize = 3;
    let axis = |index| (0..count).map(|i| f64::from(i == index)).collect();
    let side = (count as f64).sqrt().recip();
    let corner = |seed| {
        let signs = random(seed, count);
        signs.iter().map(|sign| side.copysign(*sign)).collect()
    };
    if count <= FEW {
        return (0..count).map(axis).collect();
    }
    // One of each third, as gates lie one after the other.
    let third = count / SAMPLED;
    let sampled = (0..SAMPLED).map(|part| axis(part * third + (7 * count + part) % third));
    sampled.chain((0..2).map(corner)).collect()
}

/// Fails unless the gradient of each parameter of `module`, which must have one, is that of
/// central differences of `loss`, to 1e-6 of it. A loss that draws must draw the same each time.
pub fn check_gradients<M: Module>(what: &str, module: &M, loss: &dyn Fn(&M) -> Tensor<1>) {
    let found = gradients(module, &loss(module).backward());
    for (parameter, gradient) in found.iter().enumerate() {
        let largest = gradient.iter().fold(0.0f64, |max, g| max.max(g.abs()));
        assert!(largest > 0.0, "{what}: parameter {parameter}: no gradient");
        for (index, direction) in directions(gradient.len()).iter().enumerate() {
            let at = |step: f64| {
                let by = direction.iter().map(|d| step * d).collect();
                let mut nudge = Nudge { parameter, by };
                loss(&module.clone().map(&mut nudge)).into_scalar::<f64>()
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let slope: f64 = gradient.iter().zip(direction).map(|(g, d)| g * d).sum();
            let scale = slope.abs().max(largest * 1e-3);
            assert!(
                (slope - difference).abs() < 1e-6 * scale,
                "{what}: parameter {parameter}, direction {index}: autodiff {slope}, difference {difference}"
            );
        }
    }
}

/// A loss that weighs each output and each final state differently.
pub fn weighted_loss<S: State>(run: &LayerOutput<S>) -> Tensor<1> {
    let weigh = |tensor: Tensor<1>| {
        let weights = random(99, tensor.dims()[0]);
        let weights = self::tensor(&weights, tensor.dims(), &tensor.device(), tensor.dtype());
        (tensor * weights).sum()
    };
    let mut loss = weigh(run.outputs.clone().flatten(0, 2));
    run.state.visit("", &mut |_, state| {
        loss = loss.clone() + weigh(state.clone().flatten(0, 1));
    });
    loss
}

/// All numbers of a state.
pub fn state_values<S: State>(state: &S) -> Vec<f64> {
    let mut all = Vec::new();
    state.visit("", &mut |_, tensor| all.extend(values(tensor)));
    all
}

/// Held by every test of a file in which one seeds a device: the random numbers are the
/// process's, so a draw beside it is a draw from it.
pub fn alone() -> MutexGuard<'static, ()> {
    static RANDOM: Mutex<()> = Mutex::new(());
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}
