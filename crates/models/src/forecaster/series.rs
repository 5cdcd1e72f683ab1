//! Series as a forecaster reads them, and what it reads of them.
//!
//! ```text
//! x_t = [u_{t-1}, o_{t-1}, c_t]        u: the value, scaled; o: 1 where it was observed, else both 0
//! ```

use std::ops::Range;

use backdraft_cells::{Error, Lengths};
use burn::tensor::{Device, Tensor, TensorData};

use super::{ForecasterState, Scale};

/// One series: what was measured, and what is known of each step beforehand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// `z_t`; `None` where it is missing.
    pub values: Vec<Option<f64>>,
    /// `c_t`: of each step `C` numbers, such as its place in the year. Nothing at all where `C` is 0.
    pub covariates: Vec<Vec<f64>>,
    /// `k_1 .. k_K`, of which kind it is, by number; `None` for one that is not known.
    pub categories: Vec<Option<usize>>,
}

impl Series {
    /// A series without covariates.
    pub fn new(values: impl Into<Vec<Option<f64>>>) -> Self {
        Self {
            values: values.into(),
            covariates: Vec::new(),
            categories: Vec::new(),
        }
    }

    /// Sets the covariates, those of each step.
    #[must_use]
    pub fn with_covariates(mut self, covariates: impl Into<Vec<Vec<f64>>>) -> Self {
        self.covariates = covariates.into();
        self
    }

    /// Sets the categories.
    #[must_use]
    pub fn with_categories(mut self, categories: impl Into<Vec<Option<usize>>>) -> Self {
        self.categories = categories.into();
        self
    }

    /// These steps of it.
    ///
    /// # Panics
    ///
    /// When it has not so many.
    #[must_use]
    pub fn window(&self, steps: Range<usize>) -> Self {
        let covariates = match self.covariates.is_empty() {
            true => Vec::new(),
            false => self.covariates[steps.clone()].to_vec(),
        };
        Self {
            values: self.values[steps].to_vec(),
            covariates,
            categories: self.categories.clone(),
        }
    }
}

/// Refuses series that no model of `covariates` features can read.
pub(super) fn check(batch: &[Series], covariates: usize, counts: bool) -> Result<(), Error> {
    Error::unless_positive("Forecaster", "number of series", batch.len())?;
    let longest = batch.iter().map(|series| series.values.len()).max();
    Error::unless_positive(
        "Forecaster",
        "steps of the longest series",
        longest.unwrap_or(0),
    )?;
    for (row, series) in batch.iter().enumerate() {
        let place = |step| format!("value of series {row} at step {step}");
        let refuse = |step, expected, found: f64| {
            Err(Error::new("Forecaster", place(step), expected, found))
        };
        for (step, value) in series.values.iter().enumerate() {
            match value {
                Some(z) if !z.is_finite() => return refuse(step, "a finite number, or none", *z),
                Some(z) if counts && (*z < 0.0 || z.fract() != 0.0) => {
                    return refuse(step, "a count, as the distribution is one of counts", *z);
                }
                _ => {}
            }
        }
        check_covariates(row, &series.covariates, [series.values.len(), covariates])?;
    }
    Ok(())
}

/// Refuses the covariates of series number `row` unless they are `[steps, features]` numbers.
pub(super) fn check_covariates(
    row: usize,
    covariates: &[Vec<f64>],
    [steps, features]: [usize; 2],
) -> Result<(), Error> {
    if covariates.is_empty() && features == 0 {
        return Ok(());
    }
    if covariates.len() != steps {
        let what = format!("steps of the covariates of series {row}");
        return Err(Error::new("Forecaster", what, steps, covariates.len()));
    }
    for (step, covariates) in covariates.iter().enumerate() {
        if covariates.len() != features {
            let what = format!("covariates of series {row} at step {step}");
            return Err(Error::new("Forecaster", what, features, covariates.len()));
        }
        if let Some(value) = covariates.iter().find(|value| !value.is_finite()) {
            let what = format!("covariate of series {row} at step {step}");
            return Err(Error::new("Forecaster", what, "a finite number", value));
        }
    }
    Ok(())
}

/// Writes `x_t` into `features`, which are zero: of what came before and of the step's covariates.
pub(super) fn write_step(
    features: &mut [f64],
    last: Option<f64>,
    scale: Scale,
    covariates: &[f64],
) {
    if let Some(last) = last {
        features[0] = scale.of(last);
        features[1] = 1.0;
    }
    for (feature, covariate) in features[2..].iter_mut().zip(covariates) {
        *feature = *covariate;
    }
}

/// `x_1 .. x_T` of series that go on from `state`: `[batch, time, 2 + C]`, zero in the padding.
pub(super) fn inputs<S>(
    batch: &[Series],
    covariates: usize,
    state: &ForecasterState<S>,
    device: &Device,
) -> (Tensor<3>, Lengths) {
    let lengths: Vec<usize> = batch.iter().map(|series| series.values.len()).collect();
    let lengths = Lengths::new(lengths);
    let (time, width) = (lengths.max(), 2 + covariates);
    let mut inputs = vec![0.0; batch.len() * time * width];
    for (row, series) in batch.iter().enumerate() {
        let before = std::iter::once(&state.last[row]).chain(&series.values);
        let steps = inputs[row * time * width..].chunks_exact_mut(width);
        for (step, (features, last)) in steps.zip(before).take(series.values.len()).enumerate() {
            let covariates = series.covariates.get(step).map_or(&[][..], Vec::as_slice);
            write_step(features, *last, state.scales[row], covariates);
        }
    }
    let data = TensorData::new(inputs, [batch.len(), time, width]);
    (Tensor::from_data(data, device), lengths)
}
