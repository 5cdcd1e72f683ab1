//! The hyperbolic tangent of many numbers.
//!
//! Burn's takes one number after the other on the CPU, as of 0.22, which costs a translator a fifth of its training. As
//! recorded equations of a single step, a register of numbers is computed at once.

use backdraft_kernels::{
    Direction, Expression, Given, Path, Program, ProgramInputs, Shapes, Walk, run_program,
};
use burn::tensor::Tensor;

/// `tanh` of each number.
pub(crate) fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let (shape, device, dtype) = (x.dims(), x.device(), x.dtype());
    let width = shape[D - 1];
    let rows = shape.iter().product::<usize>() / width.max(1);
    if rows * width == 0 || !matches!(Program::path(&device, dtype), Path::Kernel(_)) {
        return x.tanh();
    }
    let shapes = Shapes {
        projected: width,
        state: vec![width],
        matrices: Vec::new(),
        vectors: Vec::new(),
    };
    let program = Program::record(shapes, |given: Given| vec![given.projected.tanh()]);
    let walk = Walk {
        direction: Direction::Forward,
        lengths: None,
    };
    let inputs = ProgramInputs {
        projected: x.reshape([1, rows, width]),
        matrices: Vec::new(),
        vectors: Vec::new(),
        // The equations do not read it.
        initial: vec![Tensor::zeros([rows, width], (&device, dtype))],
    };
    run_program(&program, walk, inputs).outputs.reshape(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, Distribution};

    #[test]
    fn values_and_gradients_are_those_of_burn() {
        let device = Device::default().autodiff();
        for dtype in [DType::F32, DType::F64] {
            for shape in [[1, 1, 1], [3, 5, 7], [2, 1, 64], [40, 3, 33]] {
                let x = Tensor::<3>::random(shape, Distribution::Normal(0.0, 2.0), &device);
                let x = x.cast(dtype).detach().require_grad();
                let both = [tanh(x.clone()), x.clone().tanh()].map(|y| {
                    let gradients = y.clone().powi_scalar(3).sum().backward();
                    [y.inner(), x.grad(&gradients).unwrap()]
                });
                let [ours, theirs] = both;
                for (ours, theirs) in ours.into_iter().zip(theirs) {
                    let most = (ours - theirs).abs().max().into_scalar::<f32>();
                    assert!(most < 2e-6, "{most} at {shape:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_has_a_tangent_too() {
        let x = Tensor::<2>::zeros([0, 3], &Device::default());
        assert_eq!(tanh(x).dims(), [0, 3]);
    }
}
