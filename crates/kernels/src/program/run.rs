//! What the caller of a program hands over, and what comes back.

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Tensor};

use super::{Program, ProgramBackend, ProgramRead};
use crate::{Path, Walk};

/// What a run of a program reads. `T` steps, `B` rows.
#[derive(Debug, Clone)]
pub struct ProgramInputs {
    /// `[T, B, projected]`.
    pub projected: Tensor<3>,
    /// `[out, in]` each.
    pub matrices: Vec<Tensor<2>>,
    /// One row each.
    pub vectors: Vec<Tensor<1>>,
    /// The state before the first step: `[B, units]` each.
    pub initial: Vec<Tensor<2>>,
}

/// What a run of a program gives.
#[derive(Debug, Clone)]
pub struct ProgramOutputs {
    /// The first tensor of the state after each step: `[T, B, units]`; zero at steps that are not
    /// valid.
    pub outputs: Tensor<3>,
    /// The state after each row's last step: `[B, units]` each.
    pub state: Vec<Tensor<2>>,
}

impl Program {
    /// The way of a program whose tensors are of this device and type: programs run on the CPU, in
    /// f32.
    pub fn path(device: &Device, dtype: DType) -> Path {
        Path::of_cpu_alone(device, dtype, "recorded equations")
    }
}

/// Runs recorded equations over a whole sequence, as one operation and one node of the graph.
///
/// # Panics
///
/// When shapes are others than those that were recorded, or the device is none that
/// [`Program::path`] has a kernel for.
pub fn run_program(program: &Program, walk: Walk, inputs: ProgramInputs) -> ProgramOutputs {
    check(program, &walk, &inputs);
    let ProgramInputs {
        projected,
        matrices,
        vectors,
        initial,
    } = inputs;
    let flat = matrices.into_iter().map(|matrix| matrix.flatten(0, 1));
    let flat: Vec<Tensor<1>> = flat.chain(vectors).collect();
    let parameters = match flat.is_empty() {
        // Not every backend has empty tensors.
        true => Tensor::zeros([1], (&projected.device(), projected.dtype())),
        false => Tensor::cat(flat, 0),
    };
    let read = ProgramRead {
        projected: projected.into_dispatch(),
        parameters: parameters.into_dispatch(),
        initial: Tensor::cat(initial, 1).into_dispatch(),
    };
    let run = <Dispatch as ProgramBackend>::program(program.clone(), walk, read);
    let state = Tensor::<2>::from_dispatch(run.state);
    let mut start = 0;
    let states = program.0.shapes.state.iter().map(|&width| {
        start += width;
        state.clone().slice_dim(1, start - width..start)
    });
    ProgramOutputs {
        state: states.collect(),
        outputs: Tensor::from_dispatch(run.outputs),
    }
}

fn check(program: &Program, walk: &Walk, inputs: &ProgramInputs) {
    let shapes = &program.0.shapes;
    let [time, batch, projected] = inputs.projected.dims();
    assert!(
        time > 0 && batch > 0,
        "an empty sequence: [{time}, {batch}]"
    );
    assert_eq!(projected, shapes.projected, "numbers of the projection");
    let matrices: Vec<_> = inputs.matrices.iter().map(Tensor::dims).collect();
    assert_eq!(matrices, shapes.matrices, "shapes of the matrices");
    let vectors: Vec<_> = inputs.vectors.iter().map(|v| v.dims()[0]).collect();
    assert_eq!(vectors, shapes.vectors, "numbers of the vectors");
    let initial: Vec<_> = inputs.initial.iter().map(Tensor::dims).collect();
    let expected: Vec<_> = shapes.state.iter().map(|&units| [batch, units]).collect();
    assert_eq!(initial, expected, "shapes of the initial state");
    walk.check(time, batch);
}
