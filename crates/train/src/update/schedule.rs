//! The learning rate, step by step.
//!
//! ```text
//! warm-up:   lr_t = lr (t + 1) / w                          for t < w
//! constant:  lr_t = lr                                      from there on
//! cosine:    lr_t = e + (lr - e) (1 + cos(pi s)) / 2        s = (t - w) / (N - w), e = lr / 100
//! linear:    lr_t = e + (lr - e) (1 - s)
//! halve:     lr_t = lr f^max(0, k - n + 1)                  in epoch k = 0, 1 ..
//! step:      lr_t = lr f^floor(k / n)
//! plateau:   lr_t = lr f^p                                  p: plateaus of n evaluations so far
//! one-cycle: lr_t = c(lr / 25, lr; t / p)                   for t <= p = max(w - 1, 0), where w = 0.3 N without a warm-up
//!            lr_t = c(lr, lr / 250,000; (t - p) / (N - 1 - p))     from there on
//!            c(a, b; s) = b + (a - b) (1 + cos(pi s)) / 2
//! ```
//!
//! for step t = 0 .. N - 1. Cosine: Loshchilov and Hutter 2017, arXiv 1608.03983. Halving each epoch
//! after the n-th: Mikolov et al. 2010 and, with another factor, Zaremba et al. 2014 (arXiv 1409.2329).
//! Step and one-cycle are PyTorch's `StepLR` and `OneCycleLR`, whose momentum does not change here (Smith
//! and Topin 2017, arXiv 1708.07120). Where windows have drawn lengths, the rate of each is in proportion to its length.
//!
//! Burn's own schedulers refuse rates above 1, with which recurrent nets are commonly trained by
//! stochastic gradient descent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::lr_scheduler::{LrScheduler, LrSchedulerRecord};
use burn::optim::LearningRate;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::bounds::{counts, factor, positive, require};

/// The shape of the learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Constant
    Constant,
    /// Falls along half a cosine
    #[default]
    Cosine,
    /// Falls along a line
    Linear,
    /// Falls by --fall-factor with each epoch after the first ones
    Halve,
    /// Falls by --fall-factor every --fall-after epochs
    Step,
    /// Falls by --fall-factor when evaluations do not improve
    Plateau,
    /// Rises for the warm-up, or 30 % of the steps, and falls to nothing
    OneCycle,
}

/// A hundredth of the rate is left at the end.
const END: f64 = 0.01;

/// What [`Decay::OneCycle`] begins with, as part of the highest rate.
const CYCLE_START: f64 = 1.0 / 25.0;
/// What it ends with, as part of what it begins with.
const CYCLE_END: f64 = 1e-4;
/// The part of the steps in which it rises.
const CYCLE_RISE: f64 = 0.3;

/// A learning rate over a known number of steps.
#[derive(Debug, Clone)]
pub struct Schedule {
    rate: f64,
    decay: Decay,
    warmup: usize,
    steps: usize,
    falling: Falling,
    steps_an_epoch: usize,
    done: usize,
    brake: Brake,
}

/// How far and when a rate falls, by [`Decay::Halve`], [`Decay::Step`] and [`Decay::Plateau`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Falling {
    /// What it is multiplied by.
    pub factor: f64,
    /// Epochs before it falls with each (halve), or from one fall to the next (step); or evaluations in a row that are
    /// no better (plateau).
    pub after: usize,
}

impl Default for Falling {
    fn default() -> Self {
        Self {
            factor: 0.5,
            after: 2,
        }
    }
}

impl Falling {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    ///
    /// When the rate would not fall to a smaller positive number, or before there was anything to
    /// fall after.
    pub fn check(&self) -> Result<(), TrainError> {
        counts([("falling.after", self.after)])?;
        factor("falling.factor", self.factor)
    }
}

/// Factors on a learning rate, from outside its schedule; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Brake(Arc<Mutex<Factors>>);

#[derive(Debug)]
struct Factors {
    /// Of every rate from here on.
    lasting: f64,
    /// Of the next rate alone.
    once: f64,
}

impl Default for Factors {
    fn default() -> Self {
        Self {
            lasting: 1.0,
            once: 1.0,
        }
    }
}

impl Brake {
    /// Makes every rate from here on so many times what it was.
    pub fn multiply(&self, factor: f64) {
        self.factors().lasting *= factor;
    }

    /// Makes the next rate, and no other, so many times what it would be.
    pub fn once(&self, factor: f64) {
        self.factors().once = factor;
    }

    /// What every rate is multiplied by now.
    pub fn value(&self) -> f64 {
        self.factors().lasting
    }

    fn take(&self) -> f64 {
        let mut factors = self.factors();
        factors.lasting * std::mem::replace(&mut factors.once, 1.0)
    }

    fn factors(&self) -> MutexGuard<'_, Factors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schedule {
    /// The rate over `steps` steps, of which the first `warmup` rise to it.
    ///
    /// # Errors
    ///
    /// When the rate is no positive number, or rises until the last step or longer.
    pub fn new(rate: f64, decay: Decay, warmup: usize, steps: usize) -> Result<Self, TrainError> {
        positive([("lr", Some(rate))])?;
        let expected = format!("fewer than all {steps} steps");
        let holds = warmup == 0 || warmup < steps;
        require("warmup", &expected, warmup, holds)?;
        Ok(Self {
            rate,
            decay,
            warmup,
            steps,
            falling: Falling::default(),
            steps_an_epoch: steps.max(1),
            done: 0,
            brake: Brake::default(),
        })
    }

    /// Sets how [`Decay::Halve`] and [`Decay::Step`] fall, and how many steps an epoch has. How [`Decay::Plateau`] does
    /// is for what evaluates, which has the [`brake`](Self::brake).
    ///
    /// # Errors
    ///
    /// As [`Falling::check`].
    pub fn with_falling(self, falling: Falling, steps_an_epoch: usize) -> Result<Self, TrainError> {
        falling.check()?;
        Ok(Self {
            falling,
            steps_an_epoch: steps_an_epoch.max(1),
            ..self
        })
    }

    /// What the rate is multiplied by: 1, until somebody changes it.
    pub fn brake(&self) -> Brake {
        self.brake.clone()
    }

    fn at(&self, step: usize) -> f64 {
        let end = self.rate * END;
        let epoch = step / self.steps_an_epoch;
        let after = self.falling.after;
        match self.decay {
            Decay::OneCycle => self.in_cycle(step),
            _ if step < self.warmup => self.rate * (step + 1) as f64 / self.warmup as f64,
            Decay::Constant | Decay::Plateau => self.rate,
            Decay::Halve => self.fallen((epoch + 1).saturating_sub(after)),
            Decay::Step => self.fallen(epoch / after),
            Decay::Cosine => along_cosine(self.rate, end, self.part(step)),
            Decay::Linear => end + (self.rate - end) * (1.0 - self.part(step)),
        }
    }

    /// The part of the steps after the warm-up that is over.
    fn part(&self, step: usize) -> f64 {
        let span = self.steps.saturating_sub(self.warmup).max(1) as f64;
        ((step - self.warmup) as f64 / span).min(1.0)
    }

    /// The rate after so many falls.
    fn fallen(&self, falls: usize) -> f64 {
        let falls = falls.try_into().unwrap_or(i32::MAX);
        self.rate * self.falling.factor.powi(falls)
    }

    fn in_cycle(&self, step: usize) -> f64 {
        let (step, last) = (step as f64, self.steps as f64 - 1.0);
        let rise = match self.warmup {
            0 => CYCLE_RISE * self.steps as f64,
            warmup => warmup as f64,
        };
        let peak = (rise - 1.0).max(0.0);
        let start = self.rate * CYCLE_START;
        match step < peak {
            true => along_cosine(start, self.rate, step / peak),
            // The peak is the last step where there is but one.
            false if last <= peak => self.rate,
            false => {
                let part = ((step - peak) / (last - peak)).min(1.0);
                along_cosine(self.rate, start * CYCLE_END, part)
            }
        }
    }
}

/// From `from` to `to` along half a cosine, of which the part `s` is over.
fn along_cosine(from: f64, to: f64, s: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * s).cos()) / 2.0
}

impl LrScheduler for Schedule {
    fn step(&mut self) -> LearningRate {
        self.done += 1;
        self.at(self.done - 1) * self.brake.take()
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
            self.brake.factors().lasting = factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_CYCLE_OF_10: [f64; 10] = [
        0.08,
        1.04,
        2.0,
        1.90096926403,
        1.6234913079,
        1.22252404387,
        0.777483956127,
        0.3765166921,
        0.0990387359731,
        8e-06,
    ];
    const ONE_CYCLE_OF_11: [f64; 11] = [
        0.08,
        0.361177490061,
        1.04,
        1.71882250994,
        2.0,
        1.86602593968,
        1.500002,
        1.000004,
        0.500006,
        0.133982060317,
        8e-06,
    ];

    fn rates(decay: Decay, warmup: usize, steps: usize) -> Vec<f64> {
        let mut schedule = Schedule::new(2.0, decay, warmup, steps).unwrap();
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
    fn rates_that_are_none_and_warm_ups_without_end_are_refused() {
        let refused = |rate, warmup| {
            let schedule = Schedule::new(rate, Decay::Constant, warmup, 10);
            schedule.unwrap_err().to_string()
        };
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let expected = format!("--lr: expected a finite number above 0, found {rate}");
            assert_eq!(refused(rate, 0), expected);
        }
        for warmup in [10, 11, usize::MAX] {
            let expected = format!("--warmup: expected fewer than all 10 steps, found {warmup}");
            assert_eq!(refused(1.0, warmup), expected);
        }
        for factor in [0.0, -0.5, 1.5, f64::NAN] {
            let falling = Falling {
                factor,
                ..Falling::default()
            };
            let schedule = Schedule::new(1.0, Decay::Halve, 9, 10).unwrap();
            assert!(schedule.with_falling(falling, 2).is_err(), "{factor}");
        }
    }

    #[test]
    fn a_rate_halves_with_each_epoch_after_the_first_ones() {
        let falling = Falling {
            factor: 0.5,
            after: 2,
        };
        let mut schedule = Schedule::new(2.0, Decay::Halve, 0, 8)
            .and_then(|schedule| schedule.with_falling(falling, 2))
            .unwrap();
        let rates: Vec<f64> = (0..8).map(|_| schedule.step()).collect();
        assert_eq!(rates, [2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.5]);
    }

    #[test]
    fn a_rate_falls_every_so_many_epochs() {
        let falling = Falling {
            factor: 0.5,
            after: 2,
        };
        let mut schedule = Schedule::new(2.0, Decay::Step, 0, 10)
            .and_then(|schedule| schedule.with_falling(falling, 2))
            .unwrap();
        let rates: Vec<f64> = (0..10).map(|_| schedule.step()).collect();
        let expected = [2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5];
        assert_eq!(rates, expected);
    }

    /// PyTorch 2.15:
    ///
    /// ```python
    /// sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    /// cycle = torch.optim.lr_scheduler.OneCycleLR(sgd, 2.0, total_steps=10, cycle_momentum=False)
    /// for _ in range(10): print(sgd.param_groups[0]["lr"]); sgd.step(); cycle.step()
    /// # and with total_steps=11, pct_start=5 / 11
    /// ```
    #[test]
    fn one_cycle_is_that_of_pytorch() {
        let close = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
            }
        };
        close(rates(Decay::OneCycle, 0, 10), &ONE_CYCLE_OF_10);
        close(rates(Decay::OneCycle, 5, 11), &ONE_CYCLE_OF_11);
        assert_eq!(rates(Decay::OneCycle, 0, 1), [2.0]);
        // More steps than were said: the last rate stays.
        for decay in [Decay::OneCycle, Decay::Cosine, Decay::Step] {
            let mut schedule = Schedule::new(2.0, decay, 0, 0).unwrap();
            let rates = [schedule.step(), schedule.step()];
            assert!(
                rates.iter().all(|rate| *rate > 0.0 && *rate <= 2.0),
                "{rates:?}"
            );
        }
        assert!(rates(Decay::OneCycle, 0, 3).iter().all(|rate| *rate > 0.0));
    }

    #[test]
    fn a_factor_for_one_step_is_for_one_step() {
        let mut schedule = Schedule::new(2.0, Decay::Constant, 0, 8).unwrap();
        schedule.brake().once(0.5);
        schedule.brake().multiply(0.1);
        let rates: Vec<f64> = (0..2).map(|_| schedule.step()).collect();
        assert_eq!(rates, [2.0 * (0.1 * 0.5), 0.2]);
    }

    #[test]
    fn a_record_continues_where_it_was_taken() {
        let mut schedule = Schedule::new(1.0, Decay::Cosine, 2, 9).unwrap();
        let _first: Vec<f64> = (0..4).map(|_| schedule.step()).collect();
        schedule.brake().multiply(0.25);
        let mut other = Schedule::new(1.0, Decay::Cosine, 2, 9).unwrap();
        other.load_record(schedule.to_record());
        let next = other.step();
        assert_eq!(next, schedule.step());
        let mut unbraked = Schedule::new(1.0, Decay::Cosine, 2, 9).unwrap();
        let whole: Vec<f64> = (0..5).map(|_| unbraked.step()).collect();
        assert_eq!(next, whole[4] * 0.25);
    }
}
