//! Cells as programs: equations of any shape, recorded once, run and differentiated over a whole
//! sequence as one operation.

mod expression;

pub use expression::Expression;
