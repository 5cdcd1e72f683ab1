//! The sizes that a layer is measured at.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{BenchError, CellKind};

/// The sizes of a layer and of what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// `B`: rows.
    pub batch: usize,
    /// `T`: steps.
    pub time: usize,
    /// `I`: features of the input.
    pub input: usize,
    /// `H`: units.
    pub hidden: usize,
}

impl Shape {
    /// What is measured unless something else is asked for: from one row to many, from short to
    /// long, from a few units to many.
    pub const DEFAULT: [Self; 6] = [
        Self::of(32, 64, 128, 128),
        Self::of(32, 64, 512, 512),
        Self::of(64, 128, 256, 256),
        Self::of(1, 64, 128, 128),
        Self::of(16, 256, 64, 64),
        Self::of(128, 64, 1024, 1024),
    ];

    /// The largest size; beyond it is a mistake in typing rather than a layer.
    pub const LARGEST: usize = 1 << 20;

    const fn of(batch: usize, time: usize, input: usize, hidden: usize) -> Self {
        Self {
            batch,
            time,
            input,
            hidden,
        }
    }

    /// Symbols a run reads: rows times steps.
    pub fn symbols(self) -> usize {
        self.batch * self.time
    }

    /// Floating-point operations of the matrix products of a training step: forward, and twice as
    /// many backward, `3 2 T B (I + H) G H`.
    pub fn training_flops(self, cell: CellKind) -> f64 {
        let products = self.symbols() as f64 * (self.input + self.hidden) as f64;
        3.0 * 2.0 * products * (cell.gates() * self.hidden) as f64
    }
}

impl FromStr for Shape {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        let refuse = || BenchError::Invalid {
            what: "a shape",
            expected: format!(
                "batch,time,input,hidden, each from 1 to {}, such as 32,64,128,128",
                Self::LARGEST
            ),
            found: format!("`{text}`"),
        };
        let sizes: Vec<usize> = text
            .split(',')
            .map(|size| size.trim().parse().map_err(|_| refuse()))
            .collect::<Result<_, _>>()?;
        match sizes[..] {
            [batch, time, input, hidden]
                if sizes.iter().all(|size| (1..=Self::LARGEST).contains(size)) =>
            {
                Ok(Self::of(batch, time, input, hidden))
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            batch,
            time,
            input,
            hidden,
        } = self;
        write!(formatter, "{batch},{time},{input},{hidden}")
    }
}
