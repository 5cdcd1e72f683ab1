//! How the weights of a gated cell start, and what holds them back in training.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::Gates;
use crate::config::config;
use crate::initialization::refuse;
use crate::weight_norm::normalize;
use crate::{Error, GateDropout, Initialization, MaskSpan, Regularizer, WeightNorm};

config! {
    /// How the weights of a gated cell start, each kind with its own initialiser; and what holds them
    /// back in training.
    pub struct GatesConfig {
        /// Whether there are biases.
        pub bias: bool = true,
        /// Of `W`, the input weights.
        pub input_initialization: Initialization = Initialization::default(),
        /// Of `R`, the recurrent weights.
        pub recurrent_initialization: Initialization = Initialization::default(),
        /// Of `b_W` and `b_R`, the biases.
        pub bias_initialization: Initialization = Initialization::default(),
        /// Which weights are kept as a direction and a length.
        pub weight_norm: WeightNorm = WeightNorm::Off,
        /// The probability of dropping a recurrent weight for a whole run. A run is one call of `forward`: over windows
        /// of one step, the weights that are dropped change with each step.
        pub drop_connect: f64 = 0.0,
        /// The probability of dropping a unit of `h_{t-1}` for a whole run, in `R h_{t-1}`: the variational dropout of
        /// Gal and Ghahramani 2016, arXiv 1512.05287, as long as a sequence is one run. In windows the mask changes with
        /// each window, and in windows of one step with each step.
        pub recurrent_dropout: f64 = 0.0,
        /// The probability of dropping a unit of the candidate, what is about to be remembered.
        pub candidate_dropout: f64 = 0.0,
        /// How long a mask on the candidate stays; a step by default.
        pub candidate_span: MaskSpan = MaskSpan::Step,
    }
}

impl Default for GatesConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl GatesConfig {
    /// Weights of `[gates, input, hidden]` sizes for a cell called `cell` that has no place for any
    /// [`Regularizer`].
    ///
    /// # Errors
    ///
    /// When a size is 0, an initialiser is not one for its shape, or a regulariser is asked for.
    pub fn init(&self, cell: &str, sizes: [usize; 3], device: &Device) -> Result<Gates, Error> {
        self.init_regularized(cell, sizes, &[], device)
    }

    /// Weights of `gates` gates, for `[gates, input, hidden]`, for a cell called `cell` that has a
    /// place for the regularisers of `takes`. Any cell takes weight normalisation.
    ///
    /// # Errors
    ///
    /// When a size is 0, an initialiser is not one for its shape, a probability is not in
    /// `0.0..1.0`, or a regulariser is asked for that the cell does not take.
    pub fn init_regularized(
        &self,
        cell: &str,
        sizes: [usize; 3],
        takes: &[Regularizer],
        device: &Device,
    ) -> Result<Gates, Error> {
        self.init_from(cell, sizes, sizes[2], takes, device)
    }

    /// The same for gates that look back at `recurrent` features: `R` is `[gates * hidden, recurrent]`.
    pub(crate) fn init_from(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        recurrent: usize,
        takes: &[Regularizer],
        device: &Device,
    ) -> Result<Gates, Error> {
        Ok(Gates {
            input_weight: self.input_weight(cell, [gates, input, hidden], device)?,
            recurrent_weight: self.recurrent_weight(cell, [gates, hidden, recurrent], device)?,
            input_bias: self.bias(cell, [gates, hidden], device)?,
            recurrent_bias: self.bias(cell, [gates, hidden], device)?,
            dropout: GateDropout::new(self, cell, takes, hidden)?,
        })
    }

    /// Refuses what holds weights back, for a cell that makes its own of those that are drawn here.
    pub(crate) fn refuse_regularizers(&self, cell: &str) -> Result<(), Error> {
        GateDropout::new(self, cell, &[], 0)?;
        if self.weight_norm != WeightNorm::Off {
            let found = format!("{:?}", self.weight_norm);
            return Err(Error::new(cell, "weight norm", "off", found));
        }
        Ok(())
    }

    /// `W` of `gates` gates of `hidden` units.
    pub(crate) fn input_weight(
        &self,
        cell: &str,
        [gates, input, hidden]: [usize; 3],
        device: &Device,
    ) -> Result<Param<Tensor<2>>, Error> {
        Error::unless_positive(cell, "input size", input)?;
        Error::unless_positive(cell, "hidden size", hidden)?;
        let weight = self
            .input_initialization
            .weight([gates, hidden, input], device);
        let weight = weight.map(Param::from_tensor).map_err(refuse(
            cell,
            "input initialization",
            "an initializer for this shape",
        ))?;
        match self.weight_norm {
            WeightNorm::Both => normalized(cell, weight),
            WeightNorm::Off | WeightNorm::Recurrent => Ok(weight),
        }
    }

    /// `R` of `gates` gates of `hidden` units, which multiplies `columns` features.
    pub(crate) fn recurrent_weight(
        &self,
        cell: &str,
        sizes: [usize; 3],
        device: &Device,
    ) -> Result<Param<Tensor<2>>, Error> {
        let weight = self.recurrent_initialization.weight(sizes, device);
        let weight = weight.map(Param::from_tensor).map_err(refuse(
            cell,
            "recurrent initialization",
            "an initializer for this shape",
        ))?;
        match self.weight_norm {
            WeightNorm::Off => Ok(weight),
            WeightNorm::Recurrent | WeightNorm::Both => normalized(cell, weight),
        }
    }

    /// One of the biases of `gates` gates of `hidden` units, if there are any.
    pub(crate) fn bias(
        &self,
        cell: &str,
        sizes: [usize; 2],
        device: &Device,
    ) -> Result<Option<Param<Tensor<1>>>, Error> {
        let draw = || {
            let bias = self.bias_initialization.bias(sizes, device);
            bias.map(Param::from_tensor).map_err(refuse(
                cell,
                "bias initialization",
                "one that is defined for a vector",
            ))
        };
        self.bias.then(draw).transpose()
    }
}

/// A weight as a direction and a length.
fn normalized(cell: &str, weight: Param<Tensor<2>>) -> Result<Param<Tensor<2>>, Error> {
    normalize(weight).map_err(refuse(cell, "weight norm", "rows that have a direction"))
}
