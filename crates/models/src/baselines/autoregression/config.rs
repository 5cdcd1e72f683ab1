//! Autoregressions by least squares, and how many lags are worth their parameters.
//!
//! Of one series it is what `AutoReg` of statsmodels finds, and the order that is chosen is that of its
//! `ar_select_order` (which takes `q` to be one less, of every order).

use backdraft_cells::Error;
use serde::{Deserialize, Serialize};

use super::criterion::{AutoregressionFit, Criterion, log_likelihood};
use super::least_squares::LeastSquares;
use super::{Autoregression, NAME};

/// Configuration of an [`Autoregression`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoregressionConfig {
    /// The steps back that are looked at, such as 1, 2 and a season's length; none: the mean alone.
    pub lags: Vec<usize>,
    /// The steps at the beginning of each series that are no row of the fit, so that models of different
    /// lags are fitted to the same rows; the largest lag by default, and not less.
    #[serde(default)]
    pub hold_back: Option<usize>,
}

impl AutoregressionConfig {
    /// The lags 1 .. `order`.
    pub fn new(order: usize) -> Self {
        Self::of_lags((1..=order).collect::<Vec<_>>())
    }

    /// These lags.
    pub fn of_lags(lags: impl Into<Vec<usize>>) -> Self {
        Self {
            lags: lags.into(),
            hold_back: None,
        }
    }

    /// Sets the steps at the beginning of each series that are no row of the fit.
    #[must_use]
    pub fn with_hold_back(mut self, hold_back: Option<usize>) -> Self {
        self.hold_back = hold_back;
        self
    }

    /// Fits one model to series, which may differ in length. A step is left out where it, or a value
    /// that it is explained by, is missing.
    ///
    /// # Errors
    ///
    /// When a lag is 0 or there twice, less is held back than the largest, a value is not finite, there
    /// are not more rows than coefficients, those that explain depend linearly on each other (as in a
    /// series that is constant), or nothing is left to be explained.
    pub fn fit<S: AsRef<[Option<f64>]>>(&self, series: &[S]) -> Result<AutoregressionFit, Error> {
        let mut rows = self.rows(series)?;
        let lags = &self.lags;
        let Centred { fit, centre, size } = &mut rows;
        let beta = fit.solve().map_err(|column| {
            let lag = column.checked_sub(1).map_or(0, |at| lags[at]);
            let expected = "values that do not depend linearly on those of the other lags";
            Error::new(NAME, format!("lag {lag}"), expected, "such as do")
        })?;
        let squares = fit.residuals()[beta.len()];
        // Beside the sum of squares of the values, only rounding is left.
        if squares <= *size * 1e-28 || !squares.is_finite() {
            let expected = "above 0: values that do not follow exactly from those before";
            return Err(Error::new(NAME, "residual variance", expected, squares));
        }
        let (rows, coefficients) = (fit.count(), beta[1..].to_vec());
        let intercept = beta[0] + *centre * (1.0 - coefficients.iter().sum::<f64>());
        let variance = squares / rows as f64;
        Ok(AutoregressionFit {
            model: Autoregression::new(intercept, lags.clone(), coefficients, variance)?,
            rows,
            log_likelihood: log_likelihood(squares, rows),
        })
    }

    /// The model of the order, 0 .. `largest`, that is best by `criterion`, and the criterion of each.
    ///
    /// Orders are compared over the same rows: those of which all `largest` values before are observed.
    /// The best is then fitted to all its own. Of orders that are equally good, the lowest.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn choose<S: AsRef<[Option<f64>]>>(
        series: &[S],
        largest: usize,
        criterion: Criterion,
    ) -> Result<(AutoregressionFit, Vec<f64>), Error> {
        let mut rows = Self::new(largest).rows(series)?;
        let count = rows.fit.count();
        // The first column is of ones.
        let squares = rows.fit.residuals().into_iter().skip(1);
        let criteria: Vec<f64> = (0..=largest)
            .zip(squares)
            .map(|(order, squares)| criterion.of(order + 2, count, log_likelihood(squares, count)))
            .collect();
        let best = (0..=largest).min_by(|a, b| criteria[*a].total_cmp(&criteria[*b]));
        let fit = Self::new(best.unwrap_or(0)).fit(series)?;
        Ok((fit, criteria))
    }

    /// The rows `[1, x_{t-k} .., x_t]`, as long as the columns are not more.
    fn rows<S: AsRef<[Option<f64>]>>(&self, series: &[S]) -> Result<Centred, Error> {
        let first = self.first_row()?;
        let (mut sum, mut observed) = (0.0, 0.0);
        for series in series {
            check_values(series.as_ref())?;
            for value in series.as_ref().iter().flatten() {
                sum += value;
                observed += 1.0;
            }
        }
        // What lies far from 0 would be told from the ones by its last digits only.
        let centre = if observed > 0.0 { sum / observed } else { 0.0 };
        let mut fit = LeastSquares::new(self.lags.len() + 1);
        let mut size = 0.0;
        for (values, target) in self.windows(series, first) {
            let centred = values
                .into_iter()
                .chain([target])
                .map(|value| value - centre);
            fit.push(std::iter::once(1.0).chain(centred));
            size += target * target;
        }
        let needed = self.lags.len() + 2;
        if fit.count() < needed {
            let expected =
                format!("at least {needed} steps that are observed and all their lags, too");
            return Err(Error::new(NAME, "series", expected, fit.count()));
        }
        Ok(Centred { fit, centre, size })
    }

    /// The first step of a series that can be a row.
    pub(super) fn first_row(&self) -> Result<usize, Error> {
        check_lags(&self.lags)?;
        let largest = self.lags.iter().copied().max().unwrap_or(0);
        match self.hold_back {
            Some(steps) if steps < largest => {
                let expected = format!("at least {largest}, the largest lag");
                Err(Error::new(NAME, "steps held back", expected, steps))
            }
            Some(steps) => Ok(steps),
            None => Ok(largest),
        }
    }

    /// What each value from step `first` on is explained by, lag by lag, and the value.
    pub(super) fn windows<'a, S: AsRef<[Option<f64>]>>(
        &'a self,
        series: &'a [S],
        first: usize,
    ) -> impl Iterator<Item = (Vec<f64>, f64)> + 'a {
        series.iter().flat_map(move |series| {
            let values = series.as_ref();
            (first..values.len()).filter_map(move |t| {
                let window = self.lags.iter().map(|lag| values[t - lag]);
                Some((window.collect::<Option<Vec<f64>>>()?, values[t]?))
            })
        })
    }
}

/// Rows, the mean of the values having been taken off.
struct Centred {
    fit: LeastSquares,
    centre: f64,
    /// The sum of the squares of the values.
    size: f64,
}

/// Refuses lags that are none.
pub(super) fn check_lags(lags: &[usize]) -> Result<(), Error> {
    for (at, lag) in lags.iter().enumerate() {
        Error::unless_positive(NAME, "lag", *lag)?;
        if lags[..at].contains(lag) {
            return Err(Error::new(
                NAME,
                "lags",
                "each once",
                format!("{lag} twice"),
            ));
        }
    }
    Ok(())
}

/// Refuses values that are no numbers; those that are missing are `None`.
pub(super) fn check_values(values: &[Option<f64>]) -> Result<(), Error> {
    match values
        .iter()
        .position(|value| value.is_some_and(|x| !x.is_finite()))
    {
        Some(step) => {
            let what = format!("value of step {}", step + 1);
            Err(Error::new(
                NAME,
                what,
                "a finite number or none",
                values[step].unwrap_or(f64::NAN),
            ))
        }
        None => Ok(()),
    }
}
