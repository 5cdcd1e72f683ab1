//! A linear dynamical system that is learned by gradient: the filter in operations of the device.
//!
//! ```text
//! for t:  m = A m + B u_t      P = A P A' + Q                but at first m_1, P_1
//!    for each feature i that is observed:                    c: row i of C, r: R_ii
//!         e = x_i - c' m - D_i u_t      s = c' P c + r
//!         k = P c / s
//!         m = m + k e      P = (I - k c') P (I - k c')' + r k k'
//!         ln p += -(ln 2 pi + ln s + e^2 / s) / 2
//! ```
//!
//! `R` is diagonal, so features can be read one after the other, and nothing has to be inverted. `Q` and
//! `P_1` are `L L'`, where `L` has exponentials on its diagonal: any numbers tell a system.

use backdraft_cells::{Error, Lengths, Size};
use burn::module::{Module, Param};
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::on_device::Moments;
use super::{LinearDynamicalSystem, LinearDynamics, Matrix};
use crate::baselines::cholesky::Cholesky;

const NAME: &str = "LinearDynamicalModule";

/// A linear dynamical system with unconstrained parameters.
#[derive(Module, Debug)]
pub struct LinearDynamicalModule {
    /// `A`: `[N, N]`.
    pub transition: Param<Tensor<2>>,
    /// `B`: `[N, K]`; none without controls.
    pub control: Option<Param<Tensor<2>>>,
    /// `C`: `[F, N]`.
    pub emission: Param<Tensor<2>>,
    /// `D`: `[F, K]`; none without controls.
    pub feedthrough: Option<Param<Tensor<2>>>,
    /// `L` of `Q`, with logarithms on the diagonal; what is above it is not read: `[N, N]`.
    pub transition_noise: Param<Tensor<2>>,
    /// `ln R_ii`: `[F]`.
    pub emission_noise: Param<Tensor<1>>,
    /// `m_1`: `[N]`.
    pub initial_mean: Param<Tensor<1>>,
    /// `L` of `P_1`, as that of `Q`: `[N, N]`.
    pub initial_covariance: Param<Tensor<2>>,
}

impl LinearDynamicalSystem {
    /// The same system, to be learned by gradient.
    ///
    /// # Errors
    ///
    /// When `R` is not diagonal, or `Q` or `P_1` is singular: there are no such parameters.
    pub fn module(&self, device: &Device) -> Result<LinearDynamicalModule, Error> {
        let dynamics = self.dynamics();
        let noise = &dynamics.emission_noise;
        if *noise != Matrix::diagonal(&noise.diagonal_values()) {
            let expected = "diagonal, so that features are independent";
            return Err(Error::new(NAME, "R", expected, "another"));
        }
        let logs: Vec<f64> = noise.diagonal_values().iter().map(|r| r.ln()).collect();
        let matrix = |matrix: &Matrix| Param::from_tensor(tensor(matrix, device));
        let controlled = |of| (self.controls() > 0).then(|| matrix(of));
        let vector = |values: &[f64]| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            Param::from_tensor(Tensor::<1>::from_data(data, device))
        };
        let factor = |what, covariance| Ok::<_, Error>(matrix(&logarithmic(what, covariance)?));
        Ok(LinearDynamicalModule {
            transition: matrix(&dynamics.transition),
            control: controlled(&dynamics.control),
            emission: matrix(&dynamics.emission),
            feedthrough: controlled(&dynamics.feedthrough),
            transition_noise: factor("Q", &dynamics.transition_noise)?,
            emission_noise: vector(&logs),
            initial_mean: vector(&dynamics.initial_mean),
            initial_covariance: factor("P_1", &dynamics.initial_covariance)?,
        })
    }
}

impl LinearDynamicalModule {
    /// The same system on the host.
    ///
    /// # Errors
    ///
    /// When a parameter is not finite, or a variance is too small to tell from 0.
    pub fn system(&self) -> Result<LinearDynamicalSystem, Error> {
        let [features, latent] = self.emission.dims();
        let controlled = |of: &Option<Param<Tensor<2>>>, rows| match of {
            Some(of) => host(of.val()),
            None => Matrix::zeros(rows, 0),
        };
        let variances: Vec<f64> = self.emission_noise.val().into_data().iter().collect();
        let variances: Vec<f64> = variances.iter().map(|log: &f64| log.exp()).collect();
        LinearDynamicalSystem::new(LinearDynamics {
            transition: host(self.transition.val()),
            control: controlled(&self.control, latent),
            emission: host(self.emission.val()),
            feedthrough: controlled(&self.feedthrough, features),
            transition_noise: covariance(&host(self.transition_noise.val())),
            emission_noise: Matrix::diagonal(&variances),
            initial_mean: self.initial_mean.val().into_data().iter().collect(),
            initial_covariance: covariance(&host(self.initial_covariance.val())),
        })
        .map_err(|error| error.within(NAME))
    }

    /// `ln p(x_1 .. x_n)` of each row, in nats: `[batch]`; 0 of a row of length 0.
    ///
    /// `observations` are `[batch, time, F]`, `controls` `[batch, time, K]` or none where `K` is 0, and
    /// `observed` is true where a feature is not missing, `[batch, time, F]`; without it all are there.
    /// What stands in the padding, or where something is missing, is not read.
    ///
    /// # Errors
    ///
    /// When they do not fit each other.
    pub fn log_likelihood(
        &self,
        observations: Tensor<3>,
        controls: Option<Tensor<3>>,
        lengths: &Lengths,
        observed: Option<Tensor<3, Bool>>,
    ) -> Result<Tensor<1>, Error> {
        self.check(&observations, &controls, lengths, &observed)?;
        let [batch, time, features] = observations.dims();
        let [_, latent] = self.emission.dims();
        let device = observations.device();
        let valid = lengths.mask(time, &device);
        let there = valid.clone().unsqueeze_dim::<3>(2);
        let there = there.expand([batch, time, features]);
        let there = match observed {
            Some(observed) => there.bool_and(observed),
            None => there,
        };
        let values = observations.mask_fill(there.clone().bool_not(), 0.0);
        let weights = there.float();
        let controls = controls.map(|controls| lengths.clear_padding(controls));
        let (pushed, told) = (
            driven(&self.control, &controls),
            driven(&self.feedthrough, &controls),
        );
        let (transition, noise) = (
            self.transition.val().transpose(),
            lower(self.transition_noise.val()),
        );
        let noise = noise.clone().matmul(noise.transpose());
        let noise = noise.unsqueeze::<3>();
        let initial = lower(self.initial_covariance.val());
        let initial = initial.clone().matmul(initial.transpose());

        let mut belief = Moments {
            mean: self.initial_mean.val().unsqueeze::<2>().repeat(&[batch, 1]),
            covariance: initial.unsqueeze::<3>().repeat(&[batch, 1, 1]),
        };
        let mut total = Tensor::zeros([batch, 1], &device);
        for t in 0..time {
            if t > 0 {
                let push = pushed.as_ref().map(|pushed| step(pushed, t));
                let next = belief.moved(&transition, push, &noise);
                // What has ended stays where it is, so that nothing grows beyond all numbers there.
                let valid = valid.clone().narrow(1, t, 1);
                belief = belief.replaced(valid, next);
            }
            let (x, weight) = (step(&values, t), step(&weights, t));
            let x = match &told {
                Some(told) => x - step(told, t),
                None => x,
            };
            for i in 0..features {
                let column = |of: &Tensor<2>| of.clone().narrow(1, i, 1);
                let row = self.emission.val().narrow(0, i, 1);
                let log = self.emission_noise.val().narrow(0, i, 1);
                let variance = log.exp().reshape([1, 1]);
                let seen = belief.seen(row.reshape([latent, 1]), variance, column(&x));
                total = total + seen.log_density() * column(&weight);
                belief = seen.read(belief, column(&weight));
            }
        }
        Ok(total.reshape([batch]))
    }

    fn check(
        &self,
        observations: &Tensor<3>,
        controls: &Option<Tensor<3>>,
        lengths: &Lengths,
        observed: &Option<Tensor<3, Bool>>,
    ) -> Result<(), Error> {
        let [batch, time, features] = observations.dims();
        let [expected, _] = self.emission.dims();
        if batch == 0 || time == 0 || features != expected {
            let one = Size::AtLeast(1);
            let expected = [one, one, Size::Is(expected)];
            let what = "observations [batch, time, features]";
            return Err(Error::shape(NAME, what, expected, observations.dims()));
        }
        let told = self.control.as_ref().map(|b| [batch, time, b.dims()[1]]);
        let found = controls.as_ref().map(Tensor::dims);
        if told != found {
            let what = "controls [batch, time, controls]";
            let (expected, found) = (format!("{told:?}"), format!("{found:?}"));
            return Err(Error::new(NAME, what, expected, found));
        }
        if let Some(observed) = observed
            && observed.dims() != observations.dims()
        {
            let (expected, found) = (observations.dims(), observed.dims());
            let what = "observed [batch, time, features]";
            return Err(Error::shape(NAME, what, expected, found));
        }
        lengths.check(NAME, batch, time)
    }
}

/// One step of `[batch, time, features]`.
fn step(sequence: &Tensor<3>, t: usize) -> Tensor<2> {
    let [batch, _, features] = sequence.dims();
    sequence.clone().narrow(1, t, 1).reshape([batch, features])
}

/// `M u_t` of all steps.
fn driven(matrix: &Option<Param<Tensor<2>>>, controls: &Option<Tensor<3>>) -> Option<Tensor<3>> {
    let (matrix, controls) = (matrix.as_ref()?.val(), controls.clone()?);
    let ([batch, time, width], [rows, _]) = (controls.dims(), matrix.dims());
    let flat = controls.reshape([batch * time, width]);
    Some(flat.matmul(matrix.transpose()).reshape([batch, time, rows]))
}

/// `L`, of what has logarithms on the diagonal.
fn lower(parameters: Tensor<2>) -> Tensor<2> {
    let identity = Tensor::<2>::eye(parameters.dims()[0], &parameters.device());
    // Zeros off the diagonal, before exp: what stands above it must not matter.
    let logs = parameters.clone() * identity.clone();
    parameters.tril(-1) + logs.exp() * identity
}

fn logarithmic(what: &str, covariance: &Matrix) -> Result<Matrix, Error> {
    let Some(factor) = Cholesky::definite(covariance) else {
        let expected = "positive definite: every state with noise of its own";
        return Err(Error::new(NAME, what, expected, "one without"));
    };
    let mut factor = factor.lower().clone();
    for i in 0..factor.shape()[0] {
        factor[(i, i)] = factor[(i, i)].ln();
    }
    Ok(factor)
}

fn covariance(parameters: &Matrix) -> Matrix {
    let factor = Matrix::from_fn(parameters.shape(), |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => parameters[(i, i)].exp(),
        std::cmp::Ordering::Greater => parameters[(i, j)],
    });
    factor.times_transposed(&factor).symmetric()
}

fn host(tensor: Tensor<2>) -> Matrix {
    let shape @ [_, columns] = tensor.dims();
    let values: Vec<f64> = tensor.into_data().iter().collect();
    Matrix::from_fn(shape, |i, j| values[i * columns + j])
}

fn tensor(matrix: &Matrix, device: &Device) -> Tensor<2> {
    let data = TensorData::new(matrix.values().to_vec(), matrix.shape());
    Tensor::from_data(data, device)
}
