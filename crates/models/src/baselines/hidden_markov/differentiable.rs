//! A hidden Markov model in tensors, learned by gradient: alone, or as a part of a larger model.
//!
//! ```text
//! pi = softmax(a)    A_i = softmax(R_i)
//! symbols   B_i = softmax(C_i)
//! numbers   mu_i,  sigma_i = exp(r_i)         features independent, given the state
//!
//! d ln p(x) / da_i    = gamma_{1,i} - pi_i
//! d ln p(x) / dR_{ij} = xi_{ij} - A_{ij} sum_k xi_{ik}
//! ```
//!
//! The gradient is of expected counts (Fisher's identity), by the recursions of [`Crf`](crate::Crf):
//! on the CPU they run on the host in f64, elsewhere autodiff goes back through those on the device.

use backdraft_cells::{Error, Lengths};
use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::{Categorical, Covariances, Gaussian, HMM, Hmm};
use crate::crf::Scores;

/// An [`Hmm`] whose parameters are tensors without constraints.
#[derive(Module, Debug)]
pub struct DifferentiableHmm<E: Module> {
    /// `a`: `[states]`.
    pub start: Param<Tensor<1>>,
    /// `R`, from row to column: `[states, states]`.
    pub transitions: Param<Tensor<2>>,
    /// What the states emit.
    pub emission: E,
}

/// The scores of symbols, by state.
#[derive(Module, Debug)]
pub struct CategoricalLogits {
    /// `C`: `[states, symbols]`.
    pub logits: Param<Tensor<2>>,
}

/// Normal distributions of diagonal covariance.
#[derive(Module, Debug)]
pub struct GaussianParameters {
    /// `mu`: `[states, features]`.
    pub means: Param<Tensor<2>>,
    /// `r`, the logarithms of the deviations: `[states, features]`.
    pub log_deviations: Param<Tensor<2>>,
}

/// The logarithm of what is impossible: a tensor's gradient needs a finite one.
const IMPOSSIBLE: f64 = -100.0;

impl<E: Module> DifferentiableHmm<E> {
    fn of(start: &[f64], transitions: &[Vec<f64>], emission: E, device: &Device) -> Self {
        let start = logs(&[start.to_vec()], device);
        Self {
            start: Param::from_tensor(start.reshape([-1])),
            transitions: Param::from_tensor(logs(transitions, device)),
            emission,
        }
    }

    fn log_likelihood_of(&self, emissions: Tensor<3>, lengths: &Lengths) -> Tensor<1> {
        let start = self.start.val();
        let scores = Scores {
            end: start.zeros_like().detach(),
            start: log_softmax(start, 0),
            transitions: log_softmax(self.transitions.val(), 1),
        };
        scores.log_z(emissions, lengths)
    }
}

impl DifferentiableHmm<CategoricalLogits> {
    /// The tensors of `model`, in f32. What is impossible becomes `e^-100`.
    pub fn from_host(model: &Hmm<Categorical>, device: &Device) -> Self {
        let logits = Param::from_tensor(logs(model.emission().probabilities(), device));
        let emission = CategoricalLogits { logits };
        Self::of(model.start(), model.transitions(), emission, device)
    }

    /// The model that the tensors are.
    ///
    /// # Errors
    ///
    /// When a tensor is not finite.
    pub fn to_host(&self) -> Result<Hmm<Categorical>, Error> {
        let emission = Categorical::new(softmax(&self.emission.logits.val()))?;
        let start = softmax(&self.start.val().unsqueeze()).concat();
        Hmm::new(start, softmax(&self.transitions.val()), emission)
    }

    /// `ln p` of each row, in nats: `[batch]`. Of symbols (`[batch, time]`), where `observed` is false
    /// they are missing, and what they are is of no account; 0 of a row of length 0.
    ///
    /// # Errors
    ///
    /// When symbols, `observed` and lengths do not fit each other. Symbols must be below their number.
    pub fn log_likelihood(
        &self,
        symbols: Tensor<2, Int>,
        observed: Option<Tensor<2, Bool>>,
        lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        let [batch, time] = symbols.dims();
        check(
            [batch, time],
            observed.as_ref().map(|observed| observed.dims()),
            lengths,
        )?;
        let valid = lengths.mask(time, &symbols.device());
        let missing = match observed {
            Some(observed) => observed.bool_and(valid),
            None => valid,
        };
        let missing = missing.bool_not();
        let symbols = symbols
            .mask_fill(missing.clone(), 0)
            .reshape([batch * time]);
        let columns = log_softmax(self.emission.logits.val(), 1).transpose();
        let states = columns.dims()[1];
        let densities = columns.select(0, symbols).reshape([batch, time, states]);
        let missing = missing.unsqueeze_dim::<3>(2).expand([batch, time, states]);
        Ok(self.log_likelihood_of(densities.mask_fill(missing, 0.0), lengths))
    }
}

impl DifferentiableHmm<GaussianParameters> {
    /// The tensors of `model`, in f32. What is impossible becomes `e^-100`.
    ///
    /// # Errors
    ///
    /// When its covariances are not diagonal.
    pub fn from_host(model: &Hmm<Gaussian>, device: &Device) -> Result<Self, Error> {
        let Covariances::Diagonal(variances) = model.emission().covariances() else {
            return Err(Error::new(HMM, "covariances", "diagonal ones", "full ones"));
        };
        let ln = |row: &Vec<f64>| row.iter().map(|v| 0.5 * v.ln()).collect();
        let ln: Vec<Vec<f64>> = variances.iter().map(ln).collect();
        let emission = GaussianParameters {
            means: Param::from_tensor(matrix(model.emission().means(), device)),
            log_deviations: Param::from_tensor(matrix(&ln, device)),
        };
        Ok(Self::of(
            model.start(),
            model.transitions(),
            emission,
            device,
        ))
    }

    /// The model that the tensors are.
    ///
    /// # Errors
    ///
    /// When a tensor is not finite, or a deviation too small to have a square.
    pub fn to_host(&self) -> Result<Hmm<Gaussian>, Error> {
        let mut variances = rows(&self.emission.log_deviations.val());
        variances
            .iter_mut()
            .flatten()
            .for_each(|r| *r = (2.0 * *r).exp());
        let means = rows(&self.emission.means.val());
        let emission = Gaussian::new(means, Covariances::Diagonal(variances))?;
        let start = softmax(&self.start.val().unsqueeze()).concat();
        Hmm::new(start, softmax(&self.transitions.val()), emission)
    }

    /// `ln p` of each row, in nats: `[batch]`. Of numbers (`[batch, time, features]`), where
    /// `observed` is false they are missing, and what they are is of no account; 0 of a row of length
    /// 0.
    ///
    /// # Errors
    ///
    /// When numbers, `observed` and lengths do not fit each other.
    pub fn log_likelihood(
        &self,
        numbers: Tensor<3>,
        observed: Option<Tensor<3, Bool>>,
        lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        let [batch, time, features] = numbers.dims();
        let [states, expected] = self.emission.means.dims();
        check(
            [batch, time, features],
            observed.as_ref().map(|observed| observed.dims()),
            lengths,
        )?;
        if features != expected {
            return Err(Error::new(HMM, "features of a step", expected, features));
        }
        let valid = lengths.mask(time, &numbers.device());
        let valid = valid.unsqueeze_dim::<3>(2).expand([batch, time, features]);
        let missing = match observed {
            Some(observed) => observed.bool_and(valid),
            None => valid,
        };
        let missing = missing.bool_not();
        let all = [batch, time, states, features];
        let numbers = numbers.mask_fill(missing.clone(), 0.0);
        let numbers = numbers.unsqueeze_dim::<4>(2).expand(all);
        let missing = missing.unsqueeze_dim::<4>(2).expand(all);
        let log_deviations = self.emission.log_deviations.val().unsqueeze::<4>();
        let error =
            (numbers - self.emission.means.val().unsqueeze()) * (-log_deviations.clone()).exp();
        let density =
            error.clone() * error * -0.5 - log_deviations - 0.5 * std::f64::consts::TAU.ln();
        let densities = density.mask_fill(missing, 0.0).sum_dim(3);
        Ok(self.log_likelihood_of(densities.reshape([batch, time, states]), lengths))
    }
}

fn check<const D: usize>(
    observations: [usize; D],
    observed: Option<[usize; D]>,
    lengths: &Lengths,
) -> Result<(), Error> {
    if observations.contains(&0) {
        let found = format!("{observations:?}");
        return Err(Error::new(
            HMM,
            "shape of the observations",
            "at least 1 of each",
            found,
        ));
    }
    if let Some(observed) = observed.filter(|observed| *observed != observations) {
        let (expected, found) = (format!("{observations:?}"), format!("{observed:?}"));
        return Err(Error::new(
            HMM,
            "shape of what is observed",
            expected,
            found,
        ));
    }
    lengths.check(HMM, observations[0], observations[1])
}

fn logs(probabilities: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let ln = |row: &Vec<f64>| row.iter().map(|p| p.ln().max(IMPOSSIBLE)).collect();
    matrix(&probabilities.iter().map(ln).collect::<Vec<_>>(), device)
}

fn matrix(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let values: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    let data = TensorData::new(values, [rows.len(), rows[0].len()]);
    Tensor::from_data(data, device)
}

fn rows(matrix: &Tensor<2>) -> Vec<Vec<f64>> {
    let width = matrix.dims()[1];
    let values: Vec<f64> = matrix.to_data().iter().collect();
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

/// Of each row, in f64.
fn softmax(matrix: &Tensor<2>) -> Vec<Vec<f64>> {
    let mut rows = rows(matrix);
    for row in &mut rows {
        let shift = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter_mut().for_each(|x| *x = (*x - shift).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= sum);
    }
    rows
}
