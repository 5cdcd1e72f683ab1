//! A system to begin learning from, whose state is made of the last steps.
//!
//! ```text
//! d_t = [r_t, r_{t-1} .. r_{t-L+1}]          delays, each feature in units of its size
//! z_t = principal components of d_t, in units of their size
//! [A, B]: z_t on [z_{t-1}, u_t]              Q: what is left, and 1e-3
//! C: r_t on z_t                              R: what is left, and a tenth of r's size
//! ```
//!
//! There are as many delays as make up `N` numbers, and more where these hang together. Sizes are root
//! mean squares: a system without controls has no offset, so a mean is a component too.

use backdraft_cells::Error;
use faer::Side;

use super::start::Residuals;
use super::statistics::Regression;
use super::{Gaussian, LinearDynamicalSystem, LinearDynamics, NAME, check_covariance};
use crate::baselines::matrix::{Matrix, difference, sum};

impl Residuals<'_> {
    pub fn by_delays(&self, latent: usize) -> Result<LinearDynamicalSystem, Error> {
        let features = self.size.len();
        let states = self.components(latent)?;
        let controls = self.feedthrough.shape()[1];
        let zero = |rows| [Matrix::zeros(rows, latent), Matrix::zeros(rows, controls)];
        let still = Matrix::zeros(latent, latent);
        let known = |mean: &Vec<f64>| Gaussian {
            mean: mean.clone(),
            covariance: still.clone(),
        };

        let mut moves = Regression::new(latent, latent, controls);
        let mut sights = Regression::new(features, latent, 0);
        let none = Matrix::zeros(features, latent);
        for ((sequence, states), residuals) in
            self.sequences.iter().zip(&states).zip(&self.residuals)
        {
            for t in 1..states.len() {
                let before = known(&states[t - 1]);
                moves.add(&states[t], &before, sequence.control(t), &still);
            }
            for (z, r) in states.iter().zip(residuals) {
                sights.add(r, &known(z), &[], &none);
            }
        }
        let [a, b] = zero(latent);
        let [transition, control] = moves.solve([&a, &b], [true, true]);
        let [c, _] = zero(features);
        let nothing = Matrix::zeros(features, 0);
        let [emission, _] = sights.solve([&c, &nothing], [true, true]);

        let mut left = [Squares::new(latent), Squares::new(features)];
        let mut begin = Squares::new(latent);
        for ((sequence, states), residuals) in
            self.sequences.iter().zip(&states).zip(&self.residuals)
        {
            for t in 1..states.len() {
                let moved = transition.apply(&states[t - 1]);
                let told = sum(&moved, &control.apply(sequence.control(t)));
                left[0].add(&difference(&states[t], &told));
            }
            for (z, r) in states.iter().zip(residuals) {
                left[1].add(&difference(r, &emission.apply(z)));
                begin.add(z);
            }
        }
        let [moved, seen] = left.map(|left| left.mean());
        let dynamics = LinearDynamics {
            transition_noise: moved.plus(&Matrix::identity(latent).scaled(1e-3)),
            emission_noise: seen.plus(&Matrix::diagonal(&self.size).scaled(0.1)),
            initial_mean: vec![0.0; latent],
            initial_covariance: begin.mean().plus(&Matrix::identity(latent).scaled(1e-3)),
            feedthrough: self.feedthrough.clone(),
            transition,
            control,
            emission,
        };
        check_covariance(NAME, "Q of the start", &dynamics.transition_noise)?;
        LinearDynamicalSystem::new(dynamics)
    }

    /// `z_t` of each sequence.
    fn components(&self, latent: usize) -> Result<Vec<Vec<Vec<f64>>>, Error> {
        // Features may hang together; that many steps of one that moves do not.
        let least = latent.div_ceil(self.size.len());
        let mut found = self.projection(latent, least)?;
        for delays in least + 1..=latent {
            if found.rank >= latent {
                break;
            }
            found = self.projection(latent, delays)?;
        }
        let of = |residuals: &Vec<Vec<f64>>| {
            let step = |t| {
                found
                    .matrix
                    .apply(&self.delayed(residuals, t, found.delays))
            };
            (0..residuals.len()).map(step).collect()
        };
        Ok(self.residuals.iter().map(of).collect())
    }

    /// `d_t`; before the first step it was as at the first.
    fn delayed(&self, residuals: &[Vec<f64>], t: usize, delays: usize) -> Vec<f64> {
        let step = |lag: usize| residuals[t.saturating_sub(lag)].iter().zip(&self.size);
        let values = (0..delays).flat_map(|lag| step(lag).map(|(r, size)| r / size.sqrt()));
        values.collect()
    }

    fn projection(&self, latent: usize, delays: usize) -> Result<Projection, Error> {
        let width = delays * self.size.len();
        let mut squares = Squares::new(width);
        for residuals in &self.residuals {
            (0..residuals.len()).for_each(|t| squares.add(&self.delayed(residuals, t, delays)));
        }
        let squares = squares.mean();
        let Ok(found) = squares.view().self_adjoint_eigen(Side::Lower) else {
            let expected = "numbers whose squares are finite";
            return Err(Error::new(NAME, "observations", expected, "larger ones"));
        };
        // Ascending in size.
        let (vectors, values) = (found.U(), found.S());
        let least = ROUNDING * values[width - 1];
        let size = |k: usize| values[width - 1 - k];
        let component = |k: usize, j: usize| match size(k) > least {
            true => vectors[(j, width - 1 - k)] / size(k).sqrt(),
            false => 0.0,
        };
        Ok(Projection {
            matrix: Matrix::from_fn([latent, width], component),
            rank: (0..width).filter(|k| size(*k) > least).count(),
            delays,
        })
    }
}

/// A component below this part of the largest is rounding.
const ROUNDING: f64 = 1e-8;

/// From delays to components; those that are not there are 0.
struct Projection {
    matrix: Matrix,
    rank: usize,
    delays: usize,
}

/// A mean of squares.
struct Squares {
    sum: Matrix,
    count: f64,
}

impl Squares {
    fn new(size: usize) -> Self {
        Self {
            sum: Matrix::zeros(size, size),
            count: 0.0,
        }
    }

    fn add(&mut self, value: &[f64]) {
        self.sum.add_scaled(1.0, &Matrix::outer(value, value));
        self.count += 1.0;
    }

    fn mean(self) -> Matrix {
        self.sum.scaled(1.0 / f64::max(self.count, 1.0))
    }
}
