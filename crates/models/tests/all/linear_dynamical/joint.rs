//! Against the joint normal distribution of every state and every observation, written out in full and
//! conditioned on what was observed.

use backdraft_models::Predictive;
use backdraft_models::baselines::linear_dynamical::{
    Gaussian, LinearDynamicalSystem, Observations,
};

use super::{close, observed, system};

type Dense = Vec<Vec<f64>>;

/// All states `z_1 .. z_T`, then all observations.
pub(crate) struct Joint {
    mean: Vec<f64>,
    covariance: Dense,
    latent: usize,
    steps: usize,
}

fn product(a: &Dense, b: &Dense) -> Dense {
    let sum = |row: &Vec<f64>, j: usize| row.iter().zip(b).map(|(x, y)| x * y[j]).sum();
    a.iter()
        .map(|row| (0..b[0].len()).map(|j| sum(row, j)).collect())
        .collect()
}

fn transposed(a: &Dense) -> Dense {
    (0..a[0].len())
        .map(|j| a.iter().map(|row| row[j]).collect())
        .collect()
}

/// `A^-1 B` and `ln |A|`, by Gauss and Jordan's elimination.
fn solved(a: &Dense, b: &Dense) -> (Dense, f64) {
    let n = a.len();
    let mut rows: Dense = a
        .iter()
        .zip(b)
        .map(|(a, b)| [a.clone(), b.clone()].concat())
        .collect();
    let mut log = 0.0;
    for i in 0..n {
        let best = (i..n).max_by(|p, q| rows[*p][i].abs().total_cmp(&rows[*q][i].abs()));
        rows.swap(i, best.unwrap());
        let pivot = rows[i][i];
        log += pivot.abs().ln();
        rows[i].iter_mut().for_each(|x| *x /= pivot);
        let row = rows[i].clone();
        for (other, values) in rows.iter_mut().enumerate() {
            let factor = values[i];
            if other != i {
                values
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    (rows.into_iter().map(|row| row[n..].to_vec()).collect(), log)
}

impl Joint {
    pub(crate) fn new(system: &LinearDynamicalSystem, controls: &[Vec<f64>], steps: usize) -> Self {
        let dynamics = system.dynamics();
        let [a, b, c, d, q, r, p] = [
            &dynamics.transition,
            &dynamics.control,
            &dynamics.emission,
            &dynamics.feedthrough,
            &dynamics.transition_noise,
            &dynamics.emission_noise,
            &dynamics.initial_covariance,
        ]
        .map(|matrix| Dense::from(matrix.clone()));
        let (n, f, k) = (system.latent(), system.features(), system.controls());
        let through = |m: &Dense, v: &[f64]| -> Vec<f64> {
            m.iter()
                .map(|row| row.iter().zip(v).map(|(x, y)| x * y).sum())
                .collect()
        };
        let u = |t: usize| {
            if k == 0 {
                Vec::new()
            } else {
                controls[t].clone()
            }
        };
        let size = steps * (n + f);
        let (mut mean, mut covariance) = (vec![0.0; size], vec![vec![0.0; size]; size]);
        // Each step's state as its mean, and its covariance with those before.
        let (mut state, mut own) = (dynamics.initial_mean.clone(), p);
        let mut blocks: Vec<Vec<Dense>> = Vec::new();
        for t in 0..steps {
            if t > 0 {
                let moved = through(&a, &state);
                let pushed = through(&b, &u(t));
                state = moved.iter().zip(pushed).map(|(x, y)| x + y).collect();
                let spread = product(&product(&a, &own), &transposed(&a));
                own = (0..n)
                    .map(|i| (0..n).map(|j| spread[i][j] + q[i][j]).collect())
                    .collect();
            }
            let mut row: Vec<Dense> = match blocks.last() {
                Some(before) => before.iter().map(|block| product(&a, block)).collect(),
                None => Vec::new(),
            };
            row.push(own.clone());
            blocks.push(row);
            mean[t * n..][..n].copy_from_slice(&state);
            let seen = through(&c, &state).into_iter().zip(through(&d, &u(t)));
            let seen: Vec<f64> = seen.map(|(x, y)| x + y).collect();
            mean[steps * n + t * f..][..f].copy_from_slice(&seen);
        }
        let mut put = |at: usize, other: usize, block: &Dense| {
            for (i, row) in block.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    covariance[at + i][other + j] += value;
                    if at != other {
                        covariance[other + j][at + i] += value;
                    }
                }
            }
        };
        let x_at = |t: usize| steps * n + t * f;
        let between = |t: usize, s: usize| match s <= t {
            true => blocks[t][s].clone(),
            false => transposed(&blocks[s][t]),
        };
        for t in 0..steps {
            for s in 0..steps {
                let block = between(t, s);
                let seen = product(&c, &block);
                put(x_at(t), s * n, &seen);
                if s <= t {
                    put(t * n, s * n, &block);
                    put(x_at(t), x_at(s), &product(&seen, &transposed(&c)));
                }
            }
            put(x_at(t), x_at(t), &r);
        }
        Self {
            mean,
            covariance,
            latent: n,
            steps,
        }
    }

    /// Given the observed values of the first `given` steps: mean and covariance of everything, and the
    /// log-likelihood of what was given.
    pub(crate) fn given(
        &self,
        values: &[Vec<Option<f64>>],
        given: usize,
    ) -> (Vec<f64>, Dense, f64) {
        let start = self.steps * self.latent;
        let all = values[..given].iter().flatten().enumerate();
        let (at, x): (Vec<usize>, Vec<f64>) =
            all.filter_map(|(i, x)| Some((start + i, (*x)?))).unzip();
        if at.is_empty() {
            return (self.mean.clone(), self.covariance.clone(), 0.0);
        }
        let own: Dense = at
            .iter()
            .map(|i| at.iter().map(|j| self.covariance[*i][*j]).collect())
            .collect();
        let cross: Dense = at.iter().map(|i| self.covariance[*i].clone()).collect();
        let error: Vec<f64> = at.iter().zip(&x).map(|(i, x)| x - self.mean[*i]).collect();
        let column: Dense = error.iter().map(|e| vec![*e]).collect();
        let (white, log) = solved(&own, &column);
        let (gain, _) = solved(&own, &cross);
        let square: f64 = error.iter().zip(&white).map(|(e, w)| e * w[0]).sum();
        let likelihood = -0.5 * (at.len() as f64 * std::f64::consts::TAU.ln() + log + square);
        let moved = product(&transposed(&cross), &white);
        let mean = self
            .mean
            .iter()
            .zip(moved)
            .map(|(m, by)| m + by[0])
            .collect();
        let told = product(&transposed(&cross), &gain);
        let left = self.covariance.iter().zip(told);
        let left = left.map(|(row, told)| row.iter().zip(told).map(|(x, y)| x - y).collect());
        (mean, left.collect(), likelihood)
    }

    fn same(
        &self,
        found: &Gaussian,
        at: usize,
        size: usize,
        of: &(Vec<f64>, Dense, f64),
        what: &str,
    ) {
        close(&found.mean, &of.0[at..][..size], 1e-10, what);
        let block: Dense = of.1[at..][..size]
            .iter()
            .map(|row| row[at..][..size].to_vec())
            .collect();
        close(found.covariance.values(), &block.concat(), 1e-10, what);
    }
}

#[test]
fn every_distribution_is_that_of_the_joint_one() {
    // Of 1 step, and of more; whole steps and single features are missing.
    for (steps, ahead) in [(1, 2), (6, 3)] {
        let system = system();
        let all = observed(&system, steps + ahead, 3);
        let read = Observations::new(&all.values[..steps]).with_controls(&all.controls[..steps]);
        let joint = Joint::new(&system, &all.controls, steps + ahead);
        let x_at = |t: usize| (steps + ahead) * 2 + t * 3;

        let found = system.filter(&read).unwrap();
        for t in 0..steps {
            let before = joint.given(&all.values, t);
            joint.same(&found.predicted[t], t * 2, 2, &before, "predicted");
            joint.same(&found.predictives[t], x_at(t), 3, &before, "one step");
            joint.same(
                &found.filtered[t],
                t * 2,
                2,
                &joint.given(&all.values, t + 1),
                "filtered",
            );
        }
        assert_eq!(system.one_step(&read).unwrap(), found.predictives);
        let whole = joint.given(&all.values, steps);
        close(
            &[found.belief.log_likelihood],
            &[whole.2],
            1e-10,
            "likelihood",
        );

        let smoothed = system.smooth(&read).unwrap();
        for t in 0..steps {
            joint.same(&smoothed.states[t], t * 2, 2, &whole, "smoothed");
            let Some(lag) = smoothed.lag_one(t) else {
                assert_eq!(t, steps - 1);
                continue;
            };
            let block = whole.1[(t + 1) * 2..][..2]
                .iter()
                .map(|row| row[t * 2..][..2].to_vec());
            close(
                lag.values(),
                &block.collect::<Dense>().concat(),
                1e-10,
                "lag one",
            );
        }

        let forecasts = system
            .forecast(&found.belief, ahead, &all.controls[steps..])
            .unwrap();
        assert_eq!(forecasts.len(), ahead);
        for (h, forecast) in forecasts.iter().enumerate() {
            joint.same(forecast, x_at(steps + h), 3, &whole, "forecast");
        }
        // Nine in ten of a normal distribution are within 1.6448536 deviations.
        let (forecast, deviation) = (&forecasts[1], forecasts[1].variances()[2].sqrt());
        let (low, high) = forecast.interval(2, 0.9);
        let within = [-1.644_853_627, 1.644_853_627].map(|q| forecast.mean[2] + q * deviation);
        close(&[low, high], &within, 1e-8, "interval");
        close(&[forecast.quantile(2, 0.05)], &[low], 1e-12, "quantile");
        assert!(matches!(forecast.marginal(2), Predictive::Gaussian { .. }));
    }
}

#[test]
fn without_any_observation_nothing_is_learned_and_nothing_is_said() {
    let system = system();
    let controls = vec![vec![0.5]; 4];
    let nothing = Observations::new(vec![vec![None; 3]; 4]).with_controls(controls.clone());
    let joint = Joint::new(&system, &controls, 4);
    let before = joint.given(&nothing.values, 0);
    let smoothed = system.smooth(&nothing).unwrap();
    assert_eq!(smoothed.belief.log_likelihood, 0.0);
    for (t, state) in smoothed.states.iter().enumerate() {
        joint.same(state, t * 2, 2, &before, "state");
    }
    let empty = Observations::default();
    assert_eq!(system.log_likelihood(&empty).unwrap(), system.begin());
    assert!(system.smooth(&empty).unwrap().states.is_empty());
}

#[test]
fn samples_have_the_moments_of_the_joint_distribution() {
    let system = system();
    let controls = vec![vec![1.0]; 3];
    let (states, drawn) = system.sample(&system.begin(), 3, &controls, 5).unwrap();
    assert_eq!(
        (states.len(), drawn.controls.clone()),
        (3, controls.clone())
    );
    assert_eq!(
        system.sample(&system.begin(), 3, &controls, 5).unwrap(),
        (states, drawn.clone())
    );
    assert_ne!(
        system.sample(&system.begin(), 3, &controls, 6).unwrap().1,
        drawn
    );

    // From the start, and from where two steps were read.
    let joint = Joint::new(&system, &controls, 3);
    let values = observed(&system, 3, 4).values;
    for read in [0, 2] {
        let (mean, covariance, _) = joint.given(&values, read);
        let first = Observations::new(&values[..read]).with_controls(&controls[..read]);
        let belief = system.log_likelihood(&first).unwrap();
        let count = 20_000;
        let last = |seed| -> Vec<f64> {
            let rest = system
                .sample(&belief, 3 - read, &controls[read..], seed)
                .unwrap()
                .1;
            rest.values
                .last()
                .unwrap()
                .iter()
                .flatten()
                .copied()
                .collect()
        };
        let drawn: Dense = (0..count).map(last).collect();
        for i in 0..3 {
            let at = 3 * 2 + 2 * 3 + i;
            let centre = drawn.iter().map(|x| x[i]).sum::<f64>() / count as f64;
            let spread = drawn.iter().map(|x| (x[i] - centre).powi(2)).sum::<f64>() / count as f64;
            // Five standard errors.
            let error = 5.0 * (covariance[at][at] / count as f64).sqrt();
            assert!((centre - mean[at]).abs() < error, "{centre} {}", mean[at]);
            let ratio = spread / covariance[at][at];
            assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
        }
    }
}
