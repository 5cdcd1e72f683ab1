//! Variances that EM begins from, where a structure is learned: those of a coarse search for the likeliest.
//!
//! ```text
//! Q = Q_0 / 10^4   R = 2 R_0                     at first, of the guess Q_0, R_0: a state that hardly changes
//! f = 100, 10, sqrt 10:   each variance v in turn becomes f v, f^2 v .. or v / f, v / f^2 ..
//!                         as long as the likelihood grows by more than a tenth of a nat
//! ```
//!
//! It begins with a state that hardly changes, as noise that the state does not need is told from noise of what is
//! observed only where there is little of the former.
//!
//! EM alone comes to a variance that is nearly 0, as that of a slope that never changes, in hundreds of steps only: each
//! takes from it a part that is the smaller the less there is.

use super::{LinearDynamicalSystem, LinearDynamics, Observations};

/// By how much a variance changes in a step of the search, the coarsest first.
const FACTORS: [f64; 3] = [100.0, 10.0, 3.162_277_660_168_379_5];
/// What a step must gain, in nats.
const LEAST_GAIN: f64 = 0.1;
/// How far a variance may go from where it began, as a factor.
const FARTHEST: f64 = 1e10;

/// The variances of one system: those of its state that there are, and that of what is observed.
#[derive(Clone)]
struct Variances<'a> {
    dynamics: &'a LinearDynamics,
    /// The places in the state that have noise.
    places: Vec<usize>,
    /// By what the noise of each place, and last that of the observation, is multiplied.
    factors: Vec<f64>,
}

impl Variances<'_> {
    fn system(&self) -> Option<LinearDynamicalSystem> {
        let mut dynamics = self.dynamics.clone();
        let (states, observation) = self.factors.split_at(self.places.len());
        for (place, factor) in self.places.iter().zip(states) {
            dynamics.transition_noise[(*place, *place)] *= factor;
        }
        dynamics.emission_noise[(0, 0)] *= observation[0];
        LinearDynamicalSystem::new(dynamics).ok()
    }

    /// In nats; lowest where it cannot be told.
    fn log_likelihood(&self, sequences: &[Observations]) -> f64 {
        let Some(system) = self.system() else {
            return f64::NEG_INFINITY;
        };
        let each = sequences.iter().map(|sequence| {
            let belief = system.log_likelihood(sequence);
            belief.map_or(f64::NEG_INFINITY, |belief| belief.log_likelihood)
        });
        let total: f64 = each.sum();
        if total.is_nan() {
            f64::NEG_INFINITY
        } else {
            total
        }
    }
}

/// The system of one feature with the same structure whose variances are the likeliest that are found, `start`'s among
/// them; `least` is the smallest that an observation's may have.
pub(super) fn likeliest(
    start: LinearDynamicalSystem,
    sequences: &[Observations],
    least: f64,
) -> LinearDynamicalSystem {
    let dynamics = start.dynamics();
    let noise = dynamics.transition_noise.diagonal_values();
    let places: Vec<usize> = (0..noise.len()).filter(|i| noise[*i] > 0.0).collect();
    let lowest = least / dynamics.emission_noise[(0, 0)];
    let guess = Variances {
        factors: vec![1.0; places.len() + 1],
        dynamics,
        places,
    };
    let mut best = guess.clone();
    best.factors.fill(1e-4);
    best.factors[guess.places.len()] = 2.0;
    let mut reached = best.log_likelihood(sequences);
    for factor in FACTORS {
        for place in 0..best.factors.len() {
            let is_observation = place == best.places.len();
            for step in [factor, factor.recip()] {
                let before = reached;
                loop {
                    let mut next = best.clone();
                    next.factors[place] *= step;
                    let moved = next.factors[place];
                    if !(FARTHEST.recip()..=FARTHEST).contains(&moved)
                        || (is_observation && moved < lowest)
                    {
                        break;
                    }
                    let found = next.log_likelihood(sequences);
                    if found <= reached + LEAST_GAIN {
                        break;
                    }
                    (best, reached) = (next, found);
                }
                if reached > before {
                    break;
                }
            }
        }
    }
    let found = best
        .system()
        .filter(|_| reached > guess.log_likelihood(sequences));
    found.unwrap_or(start)
}
