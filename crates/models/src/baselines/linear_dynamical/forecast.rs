//! What is to come after what was read, and sequences that might have been.

use backdraft_cells::Error;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Belief, Gaussian, LinearDynamicalSystem, Observations};

impl LinearDynamicalSystem {
    /// The distributions of the `horizon` steps after those that were read; `controls` of each of them,
    /// or nothing where there are none.
    ///
    /// # Errors
    ///
    /// When there are not as many controls as steps, or the belief is of another system.
    pub fn forecast(
        &self,
        belief: &Belief,
        horizon: usize,
        controls: &[Vec<f64>],
    ) -> Result<Vec<Gaussian>, Error> {
        self.check_belief(belief)?;
        let mut ahead = belief.clone();
        let mut step = |t| {
            let u = self.controls_at(controls, t)?;
            ahead.latent = self.predict(&ahead, u);
            ahead.steps += 1;
            Ok(self.emit(&ahead.latent, u))
        };
        (0..horizon).map(&mut step).collect()
    }

    /// A sequence of `steps` steps as might come after those that were read, and its states. The same
    /// seed draws the same. From [`begin`](Self::begin) on it is a sequence of its own.
    ///
    /// # Errors
    ///
    /// As [`forecast`](Self::forecast), and when the belief's covariance is none.
    pub fn sample(
        &self,
        belief: &Belief,
        steps: usize,
        controls: &[Vec<f64>],
        seed: u64,
    ) -> Result<(Vec<Vec<f64>>, Observations), Error> {
        self.check_belief(belief)?;
        super::check_covariance(
            super::NAME,
            "covariance of the belief",
            &belief.latent.covariance,
        )?;
        let mut random = StdRng::seed_from_u64(seed);
        let mut at = belief.clone();
        let (mut states, mut values) = (Vec::new(), Vec::new());
        // Where nothing was drawn, the state itself is; from then on it is known, and only noise is drawn.
        if at.steps > 0 {
            at.latent = self.known(draw(&at.latent, &mut random));
        }
        for t in 0..steps {
            let u = self.controls_at(controls, t)?;
            at.latent = self.known(draw(&self.predict(&at, u), &mut random));
            at.steps += 1;
            let x = draw(&self.emit(&at.latent, u), &mut random);
            values.push(x.into_iter().map(Some).collect());
            states.push(at.latent.mean.clone());
        }
        let observations = Observations::new(values);
        let controls = controls[..controls.len().min(steps)].to_vec();
        Ok((states, observations.with_controls(controls)))
    }

    /// A state that is no longer uncertain.
    fn known(&self, mean: Vec<f64>) -> Gaussian {
        Gaussian {
            covariance: super::Matrix::zeros(mean.len(), mean.len()),
            mean,
        }
    }
}

fn draw(gaussian: &Gaussian, random: &mut StdRng) -> Vec<f64> {
    gaussian
        .sample(random)
        .expect("a checked system's covariances have factors")
}
