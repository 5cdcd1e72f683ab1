//! What large and what quickly changing outputs cost.
//!
//! ```text
//! AR  = mean over t of h_t^2                     on the outputs after dropout
//! TAR = mean over t of (h_t - h_{t-1})^2         on the outputs before it
//!
//! loss + alpha AR + beta TAR
//! ```
//!
//! The means are over rows, steps and units; where a row has ended, nothing counts.
//!
//! Merity, McCann and Socher 2017, "Revisiting activation regularization for language RNNs", arXiv
//! 1708.01009; in AWD-LSTM, arXiv 1708.02182.

use burn::tensor::Tensor;

use crate::{Error, Lengths};

/// AR of `outputs` (`[batch, time, features]`): one number, 0 where no step is valid.
///
/// # Errors
///
/// When the lengths do not fit.
pub fn activation_penalty(
    outputs: Tensor<3>,
    lengths: Option<&Lengths>,
) -> Result<Tensor<1>, Error> {
    let [batch, time, _] = outputs.dims();
    if let Some(lengths) = lengths {
        lengths.check("activation penalty", batch, time)?;
    }
    Ok(mean_square(outputs, lengths))
}

/// TAR of `outputs` (`[batch, time, features]`): one number, 0 where no row has two valid steps.
///
/// # Errors
///
/// When the lengths do not fit.
pub fn temporal_activation_penalty(
    outputs: Tensor<3>,
    lengths: Option<&Lengths>,
) -> Result<Tensor<1>, Error> {
    let [batch, time, _] = outputs.dims();
    if let Some(lengths) = lengths {
        lengths.check("temporal activation penalty", batch, time)?;
    }
    if time < 2 {
        return Ok(Tensor::zeros([1], (&outputs.device(), outputs.dtype())));
    }
    let later = outputs.clone().slice_dim(1, 1..time);
    let changes = later - outputs.slice_dim(1, 0..time - 1);
    // A row of n steps has n - 1 changes.
    let lengths = lengths.map(|lengths| {
        let changes = lengths.as_slice().iter().map(|n| n.saturating_sub(1));
        Lengths::new(changes.collect::<Vec<_>>())
    });
    Ok(mean_square(changes, lengths.as_ref()))
}

fn mean_square(values: Tensor<3>, lengths: Option<&Lengths>) -> Tensor<1> {
    let [batch, time, features] = values.dims();
    let (values, steps) = match lengths {
        Some(lengths) => (lengths.clear_padding(values), lengths.total()),
        None => (values, batch * time),
    };
    let count = (steps * features).max(1);
    (values.clone() * values).sum() * (count as f64).recip()
}
