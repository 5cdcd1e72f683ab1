//! A system to begin learning from, made of what was observed.
//!
//! ```text
//! r_t = x_t - D u_t                          D by least squares; what is missing of r is 0
//! delays      the state is made of the last steps of r
//! random      A = 0.9 O   Q = 0.19 I   P_1 = I   C_ij = size_i N(0, 1) / sqrt(N)   R = size_i^2 / 2
//! ```
//!
//! `O` is orthogonal, so that a state of variance 1 stays so; sizes are root mean squares of `r`.

use backdraft_cells::Error;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::statistics::Regression;
use super::{Gaussian, LearningStart, LinearDynamicalSystem, LinearDynamics, NAME, Observations};
use crate::baselines::matrix::Matrix;
use crate::distribution::normal;

impl LearningStart {
    /// The system that learning begins from.
    ///
    /// # Errors
    ///
    /// When there is no latent state, nothing is observed, the sequences are not of one size or not
    /// finite, or a structure is asked of more than one feature, or of controls.
    pub fn system(&self, sequences: &[Observations]) -> Result<LinearDynamicalSystem, Error> {
        let first = sequences.iter().find(|sequence| !sequence.is_empty());
        let features = first.map_or(0, |sequence| sequence.values[0].len());
        let controls = first.map_or(0, |sequence| sequence.control(0).len());
        Error::unless_positive(NAME, "features", features)?;
        let observed: usize = sequences.iter().map(Observations::observed).sum();
        Error::unless_positive(NAME, "observed values", observed)?;
        for (row, sequence) in sequences.iter().enumerate() {
            sequence
                .check(NAME, features, controls)
                .map_err(|error| error.within(format!("sequence {row}")))?;
        }
        match *self {
            Self::Structure(structure) => {
                if (features, controls) != (1, 0) {
                    let expected = "1 feature and no controls";
                    let found = format!("{features} and {controls}");
                    return Err(Error::new(NAME, "series of a structure", expected, found));
                }
                let fullest = sequences.iter().max_by_key(|sequence| sequence.observed());
                let steps = fullest.map_or(&[][..], |sequence| &sequence.values);
                let series: Vec<Option<f64>> = steps.iter().map(|x| x[0]).collect();
                structure.system(&series)
            }
            Self::Delays { latent } => {
                Error::unless_positive(NAME, "latent size", latent)?;
                Residuals::new(sequences, features, controls).by_delays(latent)
            }
            Self::Random { latent, seed } => {
                Error::unless_positive(NAME, "latent size", latent)?;
                Residuals::new(sequences, features, controls).at_random(latent, seed)
            }
        }
    }
}

/// What the controls alone do not tell.
pub(super) struct Residuals<'a> {
    pub sequences: &'a [Observations],
    pub feedthrough: Matrix,
    /// `r_t` of each sequence.
    pub residuals: Vec<Vec<Vec<f64>>>,
    /// The mean square of each feature; 1 of one that is always 0.
    pub size: Vec<f64>,
}

impl<'a> Residuals<'a> {
    fn new(sequences: &'a [Observations], features: usize, controls: usize) -> Self {
        let mut feedthrough = Matrix::zeros(features, controls);
        let steps = || sequences.iter().flat_map(Observations::steps);
        for i in 0..features {
            let mut sums = Regression::new(1, 0, controls);
            for (x, u) in steps() {
                if let Some(x) = x[i] {
                    sums.add(&[x], &nowhere(), u, &Matrix::zeros(1, 0));
                }
            }
            let zero = Matrix::zeros(1, controls);
            let [_, found] = sums.solve([&Matrix::zeros(1, 0), &zero], [true, true]);
            for j in 0..controls {
                feedthrough[(i, j)] = found[(0, j)];
            }
        }
        let residual = |(x, u): (&[Option<f64>], &[f64])| {
            let told = feedthrough.apply(u);
            let left = x
                .iter()
                .zip(told)
                .map(|(x, told)| x.map_or(0.0, |x| x - told));
            left.collect::<Vec<f64>>()
        };
        let residuals: Vec<Vec<Vec<f64>>> = (sequences.iter())
            .map(|sequence| sequence.steps().map(residual).collect())
            .collect();
        let size = (0..features).map(|i| {
            let squares: f64 = residuals.iter().flatten().map(|r| r[i] * r[i]).sum();
            let count = steps().filter(|(x, _)| x[i].is_some()).count();
            let size = squares / f64::max(count as f64, 1.0);
            if size > 0.0 { size } else { 1.0 }
        });
        Self {
            size: size.collect(),
            sequences,
            feedthrough,
            residuals,
        }
    }

    fn at_random(&self, latent: usize, seed: u64) -> Result<LinearDynamicalSystem, Error> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut drawn = |rows: usize, columns: usize| {
            let noise: Vec<f64> = (0..rows * columns)
                .map(|_| normal::draw(&mut random))
                .collect();
            Matrix::from_fn([rows, columns], |i, j| noise[i * columns + j])
        };
        let square = drawn(latent, latent);
        let rotation = square.view().qr().compute_Q();
        let share = (latent as f64).sqrt();
        let emission = drawn(self.size.len(), latent);
        let dynamics = LinearDynamics {
            transition: Matrix::from_fn([latent, latent], |i, j| 0.9 * rotation[(i, j)]),
            control: Matrix::zeros(latent, self.feedthrough.shape()[1]),
            emission: Matrix::from_fn(emission.shape(), |i, j| {
                emission[(i, j)] * self.size[i].sqrt() / share
            }),
            feedthrough: self.feedthrough.clone(),
            transition_noise: Matrix::identity(latent).scaled(1.0 - 0.81),
            emission_noise: Matrix::diagonal(&self.size).scaled(0.5),
            initial_mean: vec![0.0; latent],
            initial_covariance: Matrix::identity(latent),
        };
        LinearDynamicalSystem::new(dynamics)
    }
}

/// A state of no numbers.
fn nowhere() -> Gaussian {
    Gaussian {
        mean: Vec::new(),
        covariance: Matrix::zeros(0, 0),
    }
}
