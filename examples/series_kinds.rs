//! Four kinds of series, twenty of each, of which it is known what makes them: which model should foresee which?
//!
//!     cargo run --release -p backdraft-examples --bin series-kinds -- FOLDER
//!     cargo run --release -- baselines forecast --data FOLDER/ar2.csv --series-column name --valid-steps 40
//!
//! It writes `ar2.csv`, `sine.csv`, `walk.csv` and `counts.csv` into the folder, each with columns `time`, `name` and
//! `value`:
//!
//! ```text
//! ar2      z_t = 1.5 z_{t-1} - 0.8 z_{t-2} + N(0, 1)                     an autoregression of order 2 is all there is
//! sine     z_t = 0.05 t + 3 sin(2 pi t / 24 + phase) + N(0, 0.5)         level, slope and season
//! walk     z_t = z_{t-1} + N(0, 1)                                       nothing beats the last value
//! counts   z_t ~ 0 with probability 0.8, else 1 + Poisson(2)             nothing but the distribution can be learned
//! ```

use std::error::Error;
use std::f64::consts::TAU;
use std::fmt::Write;
use std::path::PathBuf;

use backdraft_models::Predictive;
use rand::{Rng, RngExt as _, SeedableRng, rngs::StdRng};

const SERIES: usize = 20;
const STEPS: usize = 400;

type Kind = (&'static str, fn(&mut StdRng) -> Vec<f64>);

const KINDS: [Kind; 4] = [
    ("ar2", autoregression),
    ("sine", sine),
    ("walk", walk),
    ("counts", counts),
];

fn normal(random: &mut impl Rng, deviation: f64) -> f64 {
    let mean = 0.0;
    Predictive::Gaussian { mean, deviation }.sample(random)
}

fn autoregression(random: &mut StdRng) -> Vec<f64> {
    let (mut before, mut last) = (0.0, 0.0);
    // The first hundred are forgotten by then.
    let steps = (0..STEPS + 100).map(|_| {
        let next = 1.5 * last - 0.8 * before + normal(random, 1.0);
        (before, last) = (last, next);
        next
    });
    steps.skip(100).collect()
}

fn sine(random: &mut StdRng) -> Vec<f64> {
    let phase = random.random_range(0.0..TAU);
    let swing = |step: f64| 0.05 * step + 3.0 * (step * TAU / 24.0 + phase).sin();
    let steps = 0..STEPS;
    steps
        .map(|step| swing(step as f64) + normal(random, 0.5))
        .collect()
}

fn walk(random: &mut StdRng) -> Vec<f64> {
    let mut level = 0.0;
    let steps = (0..STEPS).map(|_| {
        level += normal(random, 1.0);
        level
    });
    steps.collect()
}

fn counts(random: &mut StdRng) -> Vec<f64> {
    let some = Predictive::NegativeBinomial {
        mean: 2.0,
        dispersion: 1e-6,
    };
    let steps = (0..STEPS).map(|_| match random.random_bool(0.8) {
        true => 0.0,
        false => 1.0 + some.sample(random),
    });
    steps.collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("expected the folder to write to")?;
    for (kind, series) in KINDS {
        let mut random = StdRng::seed_from_u64(7);
        let mut table = String::from("time,name,value\n");
        for number in 1..=SERIES {
            for (time, value) in series(&mut random).iter().enumerate() {
                writeln!(table, "{time},{kind}-{number},{value:.4}")?;
            }
        }
        let path = folder.join(format!("{kind}.csv"));
        std::fs::write(&path, table)?;
        println!("{}", path.display());
    }
    Ok(())
}
