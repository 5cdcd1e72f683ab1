//! The state before the first step, where the caller gives none.
//!
//! ```text
//! zeros:     s_0 = 0
//! learned:   s_0 = theta               one row for all sequences, 0 in a new layer
//! random:    s_0 ~ N(0, sigma^2)       drawn anew for each run
//! ```
//!
//! The 0 is the cell's own [`CellBase::initial_state`](crate::CellBase::initial_state), which is zeros in every cell here.
//!
//! Learned: Forcada and Carrasco 1995, "Learning the initial state of a second-order recurrent
//! neural network during regular-language inference". Random: Zimmermann, Tietz and Grothmann
//! 2012, "Forecasting with recurrent neural networks: 12 tricks".

use burn::module::{Module, Param};
use burn::tensor::{Distribution, Tensor};
use serde::{Deserialize, Serialize};

use crate::{Cell, Error, State};

/// What a layer's runs start from. A state that the caller gives always wins.
#[doc(alias = "hx")]
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// From zeros.
    #[default]
    Zeros,
    /// From a parameter for each tensor of the state, the same for all rows.
    Learned,
    /// From noise of the device's random numbers, in training and in evaluation.
    Random {
        /// The standard deviation, above 0.
        std: f64,
    },
}

/// What [`Initial`] asks for, built.
#[derive(Module, Debug)]
pub(crate) struct InitialState {
    /// `theta`, `[1, units]`: one for each tensor of the state, or none.
    learned: Vec<Param<Tensor<2>>>,
    /// `sigma`.
    #[module(skip)]
    std: Option<f64>,
}

impl InitialState {
    pub(crate) fn zeros() -> Self {
        Self {
            learned: Vec::new(),
            std: None,
        }
    }

    pub(crate) fn new<C: Cell>(initial: Initial, cell: &C) -> Result<Self, Error> {
        match initial {
            Initial::Zeros => Ok(Self::zeros()),
            Initial::Learned => {
                let mut learned = Vec::new();
                cell.initial_state(1).visit("", &mut |_, row| {
                    learned.push(Param::from_tensor(row.clone().detach()));
                });
                Ok(Self { learned, std: None })
            }
            Initial::Random { std } if std.is_finite() && std > 0.0 => Ok(Self {
                learned: Vec::new(),
                std: Some(std),
            }),
            Initial::Random { std } => Err(Error::new(
                cell.describe(),
                "standard deviation of the initial state",
                "a finite number above 0",
                std,
            )),
        }
    }

    /// The state before the first step of `batch` rows.
    pub(crate) fn of<C: Cell>(&self, cell: &C, batch: usize) -> C::State {
        let mut learned = self.learned.iter();
        cell.initial_state(batch)
            .map(&mut |zeros| match (learned.next(), self.std) {
                (Some(row), _) => row.val().expand(zeros.dims()),
                (None, Some(std)) => {
                    let noise = zeros.random_like(Distribution::Normal(0.0, std));
                    zeros + noise
                }
                (None, None) => zeros,
            })
    }
}
