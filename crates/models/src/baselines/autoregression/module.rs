//! An autoregression as a Burn module: the same equation over windows, to be fitted by gradient.
//!
//! ```text
//! mean    = c + W phi                                     W: [rows, lags]
//! -ln p   = s + ln(2 pi) / 2 + ((x - mean) / exp(s))^2 / 2        s = ln sigma
//! ```
//!
//! Where the mean of `-ln p` over all rows is least, `c` and `phi` are those of least squares, and
//! `sigma^2` is the mean of the squared residuals.

use std::f64::consts::TAU;

use backdraft_cells::Error;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::config::check_values;
use super::{Autoregression, AutoregressionConfig, NAME};

/// A linear model of the next value of a series, of tensors. Values are best of a size near 1.
#[derive(Module, Debug)]
pub struct AutoregressionModule {
    /// `phi_k` of each lag: `[lags]`.
    pub coefficients: Param<Tensor<1>>,
    /// `c`: `[1]`.
    pub intercept: Param<Tensor<1>>,
    /// `s = ln sigma`: `[1]`.
    pub log_deviation: Param<Tensor<1>>,
    #[module(skip)]
    lags: Vec<usize>,
}

impl AutoregressionConfig {
    /// The module before it learned anything: `c`, `phi` and `ln sigma` are 0.
    ///
    /// # Errors
    ///
    /// When there is no lag, or one is 0 or there twice; and when steps are held back, since which rows
    /// it is fitted to is up to who fits it.
    pub fn init(&self, device: &Device) -> Result<AutoregressionModule, Error> {
        if self.hold_back.is_some() {
            let expected = "none, of what is fitted by gradient";
            return Err(Error::new(NAME, "steps held back", expected, "some"));
        }
        let lags = self.lags.clone();
        let still = Autoregression::new(0.0, lags, vec![0.0; self.lags.len()], 1.0)?;
        still.to_module(device)
    }
}

impl Autoregression {
    /// The same model, of tensors (`f32` on most devices).
    ///
    /// # Errors
    ///
    /// When there is no lag: no tensor is empty.
    pub fn to_module(&self, device: &Device) -> Result<AutoregressionModule, Error> {
        Error::unless_positive(NAME, "number of lags", self.lags.len())?;
        let param = |numbers: Vec<f64>| {
            let data = TensorData::new(numbers.clone(), [numbers.len()]);
            Param::from_tensor(Tensor::<1>::from_data(data, device))
        };
        Ok(AutoregressionModule {
            coefficients: param(self.coefficients.clone()),
            intercept: param(vec![self.intercept]),
            log_deviation: param(vec![self.variance.ln() / 2.0]),
            lags: self.lags.clone(),
        })
    }
}

impl AutoregressionModule {
    /// The steps back that are looked at.
    pub fn lags(&self) -> &[usize] {
        &self.lags
    }

    /// What each value is explained by, `[rows, lags]`, and the value, `[rows]`: of all steps of all
    /// series that are observed and all whose lags are.
    ///
    /// # Errors
    ///
    /// When a value is not finite, or there is no such step.
    pub fn rows<S: AsRef<[Option<f64>]>>(
        &self,
        series: &[S],
    ) -> Result<(Tensor<2>, Tensor<1>), Error> {
        for series in series {
            check_values(series.as_ref())?;
        }
        let config = AutoregressionConfig::of_lags(self.lags.clone());
        let rows = config.windows(series, config.first_row()?);
        let (windows, targets): (Vec<Vec<f64>>, Vec<f64>) = rows.unzip();
        let rows = targets.len();
        Error::unless_positive(NAME, "steps observed with all their lags", rows)?;
        let device = self.intercept.val().device();
        let windows = TensorData::new(windows.concat(), [rows, self.lags.len()]);
        let targets = TensorData::new(targets, [rows]);
        Ok((
            Tensor::from_data(windows, &device),
            Tensor::from_data(targets, &device),
        ))
    }

    /// The mean of each row's value: `[rows]`, of windows `[rows, lags]`, in the order of the lags.
    ///
    /// # Errors
    ///
    /// When windows are not of so many values.
    pub fn forward(&self, windows: Tensor<2>) -> Result<Tensor<1>, Error> {
        let [rows, lags] = windows.dims();
        if lags != self.lags.len() {
            let expected = format!("{} values, one for each lag", self.lags.len());
            return Err(Error::new(NAME, "window", expected, lags));
        }
        let phi = self.coefficients.val().reshape([lags, 1]);
        Ok(windows.matmul(phi).reshape([rows]) + self.intercept.val())
    }

    /// `-ln p` of each row's value, in nats: `[rows]`, of windows `[rows, lags]` and `targets`, `[rows]`.
    ///
    /// # Errors
    ///
    /// When windows are not of so many values, or targets not of so many rows.
    pub fn loss(&self, windows: Tensor<2>, targets: Tensor<1>) -> Result<Tensor<1>, Error> {
        let mean = self.forward(windows)?;
        let ([rows], [found]) = (mean.dims(), targets.dims());
        if found != rows {
            let expected = format!("{rows}, one for each window");
            return Err(Error::new(NAME, "targets", expected, found));
        }
        let s = self.log_deviation.val();
        let error = (targets - mean) * (-s.clone()).exp();
        Ok(error.clone() * error * 0.5 + s + 0.5 * TAU.ln())
    }

    /// The same model on the host.
    ///
    /// # Errors
    ///
    /// When a number is not finite, as after a training that diverged.
    pub fn to_host(&self) -> Result<Autoregression, Error> {
        let numbers =
            |param: &Param<Tensor<1>>| -> Vec<f64> { param.val().into_data().iter().collect() };
        let s = numbers(&self.log_deviation)[0];
        let (c, phi) = (numbers(&self.intercept)[0], numbers(&self.coefficients));
        Autoregression::new(c, self.lags.clone(), phi, (2.0 * s).exp())
    }
}
