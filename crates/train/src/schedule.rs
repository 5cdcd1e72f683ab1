//! The learning rate, step by step.
//!
//! ```text
//! warm-up:   lr_t = lr (t + 1) / w                          for t < w
//! constant:  lr_t = lr                                      from there on
//! cosine:    lr_t = e + (lr - e) (1 + cos(pi s)) / 2        s = (t - w) / (N - w), e = lr / 100
//! linear:    lr_t = e + (lr - e) (1 - s)
//! ```
//!
//! for step t = 0 .. N - 1. Cosine: Loshchilov and Hutter 2017, arXiv 1608.03983.
//!
//! Burn's own schedulers refuse rates above 1, with which recurrent nets are commonly trained by
//! stochastic gradient descent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::LearningRate;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The shape of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// It stays
    Constant,
    /// It falls along half a cosine, slowly at first and at last
    #[default]
    Cosine,
    /// It falls along a line
    Linear,
}

/// A hundredth of the rate is left at the end.
const END: f64 = 0.01;

/// A learning rate over a known number of steps.
#[derive(Debug, Clone)]
pub struct Schedule {
    rate: f64,
    decay: Decay,
    warmup: usize,
    steps: usize,
    done: usize,
    brake: Brake,
}

/// A factor on a learning rate, from outside its schedule; clones are the same.
#[derive(Debug, Clone)]
pub struct Brake(Arc<Mutex<f64>>);

impl Default for Brake {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(1.0)))
    }
}

impl Brake {
    /// Makes every rate from here on so many times what it was.
    pub fn multiply(&self, factor: f64) {
        *self.factor() *= factor;
    }

    /// What the rate is multiplied by now.
    pub fn value(&self) -> f64 {
        *self.factor()
    }

    fn factor(&self) -> MutexGuard<'_, f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schedule {
    /// The rate over `steps` steps, of which the first `warmup` rise to it.
    pub fn new(rate: f64, decay: Decay, warmup: usize, steps: usize) -> Self {
        Self {
            rate,
            decay,
            warmup,
            steps,
            done: 0,
            brake: Brake::default(),
        }
    }

    /// What the rate is multiplied by: 1, until somebody changes it.
    pub fn brake(&self) -> Brake {
        self.brake.clone()
    }

    fn at(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.rate * (step + 1) as f64 / self.warmup as f64;
        }
        let end = self.rate * END;
        let span = self.steps.saturating_sub(self.warmup).max(1) as f64;
        let s = ((step - self.warmup) as f64 / span).min(1.0);
        match self.decay {
            Decay::Constant => self.rate,
            Decay::Cosine => {
                end + (self.rate - end) * (1.0 + (std::f64::consts::PI * s).cos()) / 2.0
            }
            Decay::Linear => end + (self.rate - end) * (1.0 - s),
        }
    }
}

impl LrScheduler for Schedule {
    fn step(&mut self) -> LearningRate {
        self.done += 1;
        self.at(self.done - 1) * self.brake.value()
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new()
            .with_scalar("done", self.done as u64)
            .with_scalar("brake", self.brake.value())
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        if let Some(done) = record.scalar::<u64>("done") {
            self.done = done as usize;
        }
        if let Some(factor) = record.scalar::<f64>("brake") {
            *self.brake.factor() = factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(decay: Decay, warmup: usize, steps: usize) -> Vec<f64> {
        let mut schedule = Schedule::new(2.0, decay, warmup, steps);
        (0..steps).map(|_| schedule.step()).collect()
    }

    #[test]
    fn a_rate_rises_and_falls_as_the_formula_says() {
        assert_eq!(rates(Decay::Constant, 0, 3), [2.0; 3]);
        assert_eq!(rates(Decay::Constant, 4, 6), [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]);
        for decay in [Decay::Cosine, Decay::Linear] {
            let rates = rates(decay, 10, 111);
            assert_eq!(rates[9], 2.0);
            assert_eq!(rates[10], 2.0);
            let half = rates[10 + 50] + rates[10 + 51];
            assert!((half / 2.0 - 1.01).abs() < 1e-3, "{half}");
            assert!(rates[10..].windows(2).all(|pair| pair[1] < pair[0]));
            assert!(rates[110] < 0.06 && rates[110] >= 0.02);
        }
    }

    #[test]
    fn a_record_continues_where_it_was_taken() {
        let mut schedule = Schedule::new(1.0, Decay::Cosine, 2, 9);
        let _first: Vec<f64> = (0..4).map(|_| schedule.step()).collect();
        schedule.brake().multiply(0.25);
        let mut other = Schedule::new(1.0, Decay::Cosine, 2, 9);
        other.load_record(schedule.to_record());
        let next = other.step();
        assert_eq!(next, schedule.step());
        let mut unbraked = Schedule::new(1.0, Decay::Cosine, 2, 9);
        let whole: Vec<f64> = (0..5).map(|_| unbraked.step()).collect();
        assert_eq!(next, whole[4] * 0.25);
    }
}
