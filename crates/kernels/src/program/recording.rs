//! Equations, recorded: what they computed with, in the order in which they did.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, Div, Mul, Sub};
use std::rc::Rc;
use std::sync::Arc;

use super::Expression;
use super::plan::Plan;

/// The sizes of what a step reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shapes {
    /// Numbers a row of the projected sequence.
    pub projected: usize,
    /// Units of each tensor of the state.
    pub state: Vec<usize>,
    /// `[out, in]` of each matrix.
    pub matrices: Vec<[usize; 2]>,
    /// Numbers of each vector.
    pub vectors: Vec<usize>,
}

impl Shapes {
    /// Numbers in all matrices and vectors.
    pub(crate) fn parameters(&self) -> usize {
        let matrices: usize = self.matrices.iter().map(|[out, input]| out * input).sum();
        matrices + self.vectors.iter().sum::<usize>()
    }

    /// Units of all tensors of the state.
    pub(crate) fn units(&self) -> usize {
        self.state.iter().sum()
    }
}

/// What recorded equations are given.
#[derive(Debug)]
pub struct Given {
    /// What does not depend on the state.
    pub projected: Symbol,
    /// The state before the step.
    pub state: Vec<Symbol>,
    /// The matrices.
    pub matrices: Vec<Matrix>,
    /// The vectors, each one row that stands for all.
    pub vectors: Vec<Symbol>,
}

/// A matrix of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    index: usize,
    shape: [usize; 2],
}

/// The equations of a step, recorded; cheap to clone.
#[derive(Clone)]
pub struct Program(pub(crate) Arc<Plan>);

impl Program {
    /// Records what `equations` compute of what they are given: the next state, the first tensor
    /// of which is the output.
    ///
    /// # Panics
    ///
    /// When sizes do not fit each other, or the next state is not of the shape of the last.
    pub fn record(shapes: Shapes, equations: impl FnOnce(Given) -> Vec<Symbol>) -> Self {
        let tape = Tape::default();
        let symbol = |op, width| tape.push(op, width);
        let given = Given {
            projected: symbol(Op::Projected, shapes.projected),
            state: numbered(&shapes.state)
                .map(|(index, width)| symbol(Op::State(index), width))
                .collect(),
            matrices: shapes
                .matrices
                .iter()
                .enumerate()
                .map(|(index, &shape)| Matrix { index, shape })
                .collect(),
            vectors: numbered(&shapes.vectors)
                .map(|(index, width)| symbol(Op::Vector(index), width))
                .collect(),
        };
        let next = equations(given);
        let widths: Vec<usize> = next.iter().map(|symbol| symbol.width).collect();
        assert_eq!(widths, shapes.state, "units of the next state");
        let next = next.iter().map(|symbol| symbol.index).collect();
        let nodes = tape.0.take();
        Self(Arc::new(Plan::new(shapes, nodes, next)))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "Program({} values)", self.0.nodes.len())
    }
}

fn numbered(widths: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    widths.iter().copied().enumerate()
}

/// Of which value, by its index in the recording.
pub(crate) type Index = usize;

/// How a value comes about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Projected,
    State(usize),
    Vector(usize),
    Narrow { of: Index, start: usize },
    Concat(Vec<Index>),
    Linear { matrix: usize, of: Index },
    Unary(Unary, Index),
    Binary(Binary, Index, Index),
    Normalize { of: Index, epsilon: f32 },
}

/// Element by element, of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Sigmoid,
    Tanh,
    Relu,
    Exp,
    Log,
    Affine { scale: f32, shift: f32 },
    Clamp { low: f32, high: f32 },
}

/// Element by element, of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
}

impl Op {
    /// What it computes with.
    pub fn operands(&self) -> Vec<Index> {
        match self {
            Self::Projected | Self::State(_) | Self::Vector(_) => Vec::new(),
            Self::Concat(parts) => parts.clone(),
            Self::Binary(_, a, b) => vec![*a, *b],
            Self::Narrow { of, .. }
            | Self::Linear { of, .. }
            | Self::Unary(_, of)
            | Self::Normalize { of, .. } => vec![*of],
        }
    }
}

/// A value of a recording.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub op: Op,
    pub width: usize,
}

#[derive(Debug, Clone, Default)]
struct Tape(Rc<RefCell<Vec<Node>>>);

impl Tape {
    /// The value of `op`: the same as before if it was computed before.
    fn push(&self, op: Op, width: usize) -> Symbol {
        let mut nodes = self.0.borrow_mut();
        let node = Node { op, width };
        let index = match nodes.iter().position(|known| *known == node) {
            Some(index) => index,
            None => {
                nodes.push(node);
                nodes.len() - 1
            }
        };
        Symbol {
            tape: self.clone(),
            index,
            width,
        }
    }
}

/// A value that stands for what it will be.
#[derive(Clone)]
pub struct Symbol {
    tape: Tape,
    index: Index,
    width: usize,
}

impl fmt::Debug for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "Symbol({}: {} wide)", self.index, self.width)
    }
}

impl Symbol {
    fn unary(self, unary: Unary) -> Self {
        self.tape.push(Op::Unary(unary, self.index), self.width)
    }

    fn binary(self, binary: Binary, other: Self) -> Self {
        assert_eq!(self.width, other.width, "widths of the two sides");
        self.tape
            .push(Op::Binary(binary, self.index, other.index), self.width)
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident)+) => {$(
        impl $trait for Symbol {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.binary(Binary::$trait, other)
            }
        }
    )+};
}
operator!(Add add Sub sub Mul mul Div div);

impl Expression for Symbol {
    type Matrix = Matrix;

    fn width(&self) -> usize {
        self.width
    }

    fn linear(&self, weight: &Matrix) -> Self {
        let [out, input] = weight.shape;
        assert_eq!(self.width, input, "columns of the matrix");
        let matrix = weight.index;
        let of = self.index;
        self.tape.push(Op::Linear { matrix, of }, out)
    }

    fn narrow(&self, start: usize, width: usize) -> Self {
        assert!(start + width <= self.width, "a part of the row");
        if width == self.width {
            return self.clone();
        }
        let (mut of, mut start) = (self.index, start);
        if let Op::Narrow {
            of: whole,
            start: first,
        } = self.tape.0.borrow()[of].op
        {
            (of, start) = (whole, first + start);
        }
        self.tape.push(Op::Narrow { of, start }, width)
    }

    fn concat(parts: &[Self]) -> Self {
        let indices = parts.iter().map(|part| part.index).collect();
        let width = parts.iter().map(|part| part.width).sum();
        parts[0].tape.push(Op::Concat(indices), width)
    }

    fn sigmoid(self) -> Self {
        self.unary(Unary::Sigmoid)
    }

    fn tanh(self) -> Self {
        self.unary(Unary::Tanh)
    }

    fn relu(self) -> Self {
        self.unary(Unary::Relu)
    }

    fn exp(self) -> Self {
        self.unary(Unary::Exp)
    }

    fn log(self) -> Self {
        self.unary(Unary::Log)
    }

    fn affine(self, scale: f64, shift: f64) -> Self {
        let (scale, shift) = (scale as f32, shift as f32);
        self.unary(Unary::Affine { scale, shift })
    }

    fn clamp(self, low: f64, high: f64) -> Self {
        let (low, high) = (low as f32, high as f32);
        self.unary(Unary::Clamp { low, high })
    }

    fn maximum(self, other: Self) -> Self {
        self.binary(Binary::Maximum, other)
    }

    fn normalize(self, epsilon: f64) -> Self {
        let epsilon = epsilon as f32;
        let of = self.index;
        self.tape.push(Op::Normalize { of, epsilon }, self.width)
    }
}
