//! A sequence as a linear dynamical system reads it.

use backdraft_cells::Error;

use crate::Series;

/// What was observed of one sequence, and what is known of each step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observations {
    /// `x_t`: `F` numbers of each step; `None` where one is missing.
    pub values: Vec<Vec<Option<f64>>>,
    /// `u_t`: `K` numbers of each step. Nothing at all where `K` is 0.
    pub controls: Vec<Vec<f64>>,
}

impl Observations {
    /// A sequence without controls.
    pub fn new(values: impl Into<Vec<Vec<Option<f64>>>>) -> Self {
        Self {
            values: values.into(),
            controls: Vec::new(),
        }
    }

    /// A sequence of one feature.
    pub fn univariate(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self::new(values.into_iter().map(|x| vec![x]).collect::<Vec<_>>())
    }

    /// Sets the controls, those of each step.
    #[must_use]
    pub fn with_controls(mut self, controls: impl Into<Vec<Vec<f64>>>) -> Self {
        self.controls = controls.into();
        self
    }

    /// Adds a control that is always 1, by which `B` and `D` are offsets: a sequence whose mean is not 0
    /// needs one.
    #[must_use]
    pub fn with_constant(mut self) -> Self {
        self.controls.resize(self.values.len(), Vec::new());
        self.controls.iter_mut().for_each(|u| u.push(1.0));
        self
    }

    /// The number of steps.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Each step's `(x_t, u_t)`.
    pub fn steps(&self) -> impl Iterator<Item = (&[Option<f64>], &[f64])> {
        let controls = |t| self.controls.get(t).map_or(&[][..], Vec::as_slice);
        (self.values.iter().enumerate()).map(move |(t, x)| (x.as_slice(), controls(t)))
    }

    /// The controls of a step.
    pub(super) fn control(&self, t: usize) -> &[f64] {
        self.controls.get(t).map_or(&[], Vec::as_slice)
    }

    /// How many values are not missing.
    pub(super) fn observed(&self) -> usize {
        self.values.iter().flatten().flatten().count()
    }

    /// Refuses a sequence that no system of `features` and `controls` can read.
    pub(super) fn check(&self, layer: &str, features: usize, controls: usize) -> Result<(), Error> {
        if !self.controls.is_empty() && self.controls.len() != self.values.len() {
            let expected = format!("{}, one for each step", self.values.len());
            let found = self.controls.len();
            return Err(Error::new(layer, "steps of the controls", expected, found));
        }
        for (t, (x, u)) in self.steps().enumerate() {
            check_step(layer, x, u, [features, controls])
                .map_err(|error| error.within(format!("step {t}")))?;
        }
        Ok(())
    }
}

impl From<&Series> for Observations {
    /// Its covariates are the controls.
    fn from(series: &Series) -> Self {
        Self::univariate(series.values.iter().copied())
            .with_controls(series.covariates.iter().map(Vec::clone).collect::<Vec<_>>())
    }
}

/// Refuses a step of another size, and numbers that are infinite or none.
pub(super) fn check_step(
    layer: &str,
    x: &[Option<f64>],
    u: &[f64],
    [features, controls]: [usize; 2],
) -> Result<(), Error> {
    if x.len() != features {
        return Err(Error::new(layer, "features", features, x.len()));
    }
    check_controls(layer, u, controls)?;
    match x.iter().flatten().find(|value| !value.is_finite()) {
        Some(value) => {
            let expected = "a finite number, or none";
            Err(Error::new(layer, "observation", expected, value))
        }
        None => Ok(()),
    }
}

/// Refuses controls of another size, and numbers that are infinite or none.
pub(super) fn check_controls(layer: &str, u: &[f64], controls: usize) -> Result<(), Error> {
    if u.len() != controls {
        return Err(Error::new(layer, "controls", controls, u.len()));
    }
    match u.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::new(layer, "control", "a finite number", value)),
        None => Ok(()),
    }
}
