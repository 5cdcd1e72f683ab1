//! Cells as programs: equations of any shape, recorded once, run and differentiated over a whole
//! sequence as one operation.
//!
//! A kernel that is written by hand ([`Recurrence`](crate::Recurrence)) has its equations in
//! registers; a program has them as a list, each of which goes through a row of numbers in the
//! cache. That costs little beside the products, and nobody has to write a derivative: it is taken
//! of the list ([`reverse`]). What is computed where, and what is kept, is decided when it is
//! recorded ([`plan`]).

mod expression;
mod gradient;
mod operation;
mod plan;
mod recording;
mod reverse;
mod run;

pub use expression::Expression;
pub(crate) use operation::{ProgramBackend, ProgramLeft, ProgramRead, ProgramRun};
pub(crate) use plan::{Area, Plan, Stage};
pub(crate) use recording::{Binary, Index, Op, Unary};
pub use recording::{Given, Matrix, Program, Shapes, Symbol};
pub(crate) use reverse::{GradientArea, GradientPlace, Mode};
pub use run::{ProgramInputs, ProgramOutputs, run_program};
