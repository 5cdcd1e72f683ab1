//! Programs on any backend whose tensors lie in the memory of this process.

use burn::backend::TensorMetadata;

use super::super::Machine;
use super::super::host::{Host, arranged, new_sequence, order_of};
use super::super::rows::Order;
use super::{Gradients, Input, backward, forward};
use crate::operation::OutputGradients;
use crate::program::{Program, ProgramLeft, ProgramRead, ProgramRun};
use crate::recurrence::Walk;

/// What a run reads, in memory.
struct Remains<B: Host> {
    read: ProgramRead<B>,
    order: Order,
    time: usize,
    batch: usize,
}

impl<B: Host> Remains<B> {
    fn new(read: ProgramRead<B>) -> Self {
        let [time, batch, _] = read.projected.shape().dims();
        let order = order_of::<B>(&read.projected);
        let read = ProgramRead {
            projected: B::contiguous(arranged::<B>(read.projected, order)),
            parameters: B::contiguous(read.parameters),
            initial: B::contiguous(read.initial),
        };
        Self {
            read,
            order,
            time,
            batch,
        }
    }

    fn input(&self) -> Input<'_> {
        Input {
            projected: B::values(&self.read.projected),
            parameters: B::values(&self.read.parameters),
            initial: B::values(&self.read.initial),
            order: self.order,
            time: self.time,
            batch: self.batch,
        }
    }
}

pub(in super::super) fn program<B: Host>(
    program: &Program,
    walk: &Walk,
    read: ProgramRead<B>,
    keep: bool,
) -> ProgramRun<B> {
    let plan = &*program.0;
    let remains = Remains::new(read);
    let Remains {
        order, time, batch, ..
    } = remains;
    let run = forward(Machine::this(), plan, walk, remains.input(), keep);
    let output = plan.shapes.state[0];
    ProgramRun {
        outputs: new_sequence::<B>(run.outputs, order, [time, batch, output]),
        state: B::tensor(run.state, [batch, plan.shapes.units()]),
        kept: match keep {
            true => new_sequence::<B>(run.kept, order, [time, batch, plan.kept_width]),
            false => B::tensor(vec![0.0], [1, 1, 1]),
        },
    }
}

pub(in super::super) fn program_backward<B: Host>(
    program: &Program,
    walk: &Walk,
    left: ProgramLeft<B>,
    gradients: OutputGradients<B>,
) -> ProgramRead<B> {
    let plan = &*program.0;
    let parameters = left.read.parameters.shape();
    let remains = Remains::new(left.read);
    let Remains {
        order, time, batch, ..
    } = remains;
    let sequence = |tensor| B::contiguous(arranged::<B>(tensor, order));
    let kept = sequence(left.kept);
    let outputs = gradients.outputs.into_option().map(sequence);
    let state = gradients.state.into_option().map(B::contiguous);
    let gradients = Gradients {
        outputs: outputs.as_ref().map(B::values),
        state: state.as_ref().map(B::values),
    };
    let machine = Machine::this();
    let found = backward(
        machine,
        plan,
        walk,
        remains.input(),
        B::values(&kept),
        gradients,
    );
    let projected = [time, batch, plan.shapes.projected];
    ProgramRead {
        projected: new_sequence::<B>(found.projected, order, projected),
        parameters: B::tensor(found.parameters, [parameters[0]]),
        initial: B::tensor(found.initial, [batch, plan.shapes.units()]),
    }
}

/// Implements the extension for a backend that is a [`Host`].
macro_rules! program_backend {
    ($backend:ty) => {
        impl $crate::program::ProgramBackend for $backend {
            fn program(
                program: $crate::Program,
                walk: $crate::Walk,
                read: $crate::program::ProgramRead<Self>,
            ) -> $crate::program::ProgramRun<Self> {
                $crate::cpu::program::host::program::<Self>(&program, &walk, read, false)
            }

            fn program_kept(
                program: $crate::Program,
                walk: $crate::Walk,
                read: $crate::program::ProgramRead<Self>,
            ) -> $crate::program::ProgramRun<Self> {
                $crate::cpu::program::host::program::<Self>(&program, &walk, read, true)
            }

            fn program_backward(
                program: $crate::Program,
                walk: $crate::Walk,
                left: $crate::program::ProgramLeft<Self>,
                gradients: $crate::operation::OutputGradients<Self>,
            ) -> $crate::program::ProgramRead<Self> {
                $crate::cpu::program::host::program_backward::<Self>(
                    &program, &walk, left, gradients,
                )
            }
        }
    };
}
pub(in super::super) use program_backend;
