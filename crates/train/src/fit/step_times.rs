//! How long the parts of a step take.
//!
//! A device that works through a queue is waited for after each part, or the part that reads something back would be
//! told to take the time of all before it. That costs a little, so only some steps of a training are timed.

use std::time::Instant;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// Steps of a training that are timed, about.
const TIMED_A_RUN: usize = 100;

/// Seconds of the parts of a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepTimes {
    /// Getting the window: reading it, and making its tensors.
    pub data: f64,
    /// The loss.
    pub forward: f64,
    /// Its gradient; where pieces are computed a second time, that, too.
    pub backward: f64,
    /// Clipping, the guard, noise, the optimiser and the average of the weights.
    pub update: f64,
    /// Everything else since the update before: figures, samples, checkpoints.
    pub rest: f64,
}

/// Times some of the steps.
pub(super) struct StepClock {
    device: Device,
    /// One step in so many is timed.
    every: usize,
    /// When the last update was over.
    updated: Instant,
    /// Since when the next window is waited for.
    waiting: Instant,
    /// Whether no step was taken yet by this program: things are made in its first one that stay.
    is_fresh: bool,
}

impl StepClock {
    /// Of a training of so many steps on a device.
    pub(super) fn new(device: Device, steps: usize) -> Self {
        let now = Instant::now();
        Self {
            device,
            every: steps.div_ceil(TIMED_A_RUN).max(1),
            updated: now,
            waiting: now,
            is_fresh: true,
        }
    }

    /// Whether the step after so many is timed.
    fn is_timed(&self, steps: usize) -> bool {
        !self.is_fresh && (steps + 1).is_multiple_of(self.every)
    }

    /// Forgets the time until now: what was done was no part of a step.
    pub(super) fn restart(&mut self) {
        self.updated = Instant::now();
        self.waiting = self.updated;
    }

    /// The next window is waited for.
    pub(super) fn wait(&mut self) {
        self.waiting = Instant::now();
    }

    /// A window is there after so many steps: begins to time its step, if that is to be timed.
    pub(super) fn begin(&mut self, steps: usize) -> Option<Laps> {
        if !self.is_timed(steps) {
            return None;
        }
        let times = StepTimes {
            data: self.waiting.elapsed().as_secs_f64(),
            rest: (self.waiting - self.updated).as_secs_f64(),
            forward: 0.0,
            backward: 0.0,
            update: 0.0,
        };
        Some(Laps {
            last: finished(&self.device),
            times,
        })
    }

    /// The weights are new, after so many steps; of a timed step, all of its times.
    pub(super) fn end(&mut self, laps: Option<Laps>, steps: usize) -> Option<StepTimes> {
        let times = laps.map(|mut laps| {
            laps.times.update = laps.lap(&self.device);
            laps.times
        });
        self.is_fresh = false;
        // What is still to be done of this step is no part of the next.
        self.updated = match self.is_timed(steps) {
            true => finished(&self.device),
            false => Instant::now(),
        };
        times
    }
}

/// A step that is being timed.
pub(super) struct Laps {
    last: Instant,
    times: StepTimes,
}

impl Laps {
    /// Forward and backward are over, of which forward took so many seconds.
    pub(super) fn learned(&mut self, device: &Device, forward: f64) {
        let both = self.lap(device);
        self.times.forward = forward;
        self.times.backward = (both - forward).max(0.0);
    }

    fn lap(&mut self, device: &Device) -> f64 {
        let now = finished(device);
        let seconds = (now - self.last).as_secs_f64();
        self.last = now;
        seconds
    }
}

/// When the device has done all it was given.
pub(super) fn finished(device: &Device) -> Instant {
    // An error is told by the operation that it belongs to.
    let _ = device.sync();
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_in_a_hundredth_is_timed_but_for_the_first_of_a_program() {
        let mut clock = StepClock::new(Device::flex(), 300);
        let mut timed = Vec::new();
        for steps in 0..12 {
            clock.wait();
            let mut laps = clock.begin(steps);
            if let Some(laps) = &mut laps {
                laps.learned(&Device::flex(), 0.0);
            }
            if let Some(times) = clock.end(laps, steps + 1) {
                timed.push(steps + 1);
                let StepTimes {
                    data,
                    forward,
                    backward,
                    update,
                    rest,
                } = times;
                assert!(
                    [data, forward, backward, update, rest]
                        .iter()
                        .all(|time| *time >= 0.0)
                );
            }
        }
        assert_eq!(timed, [3, 6, 9, 12]);
        // Of few steps all are, but for the first.
        let mut clock = StepClock::new(Device::flex(), 5);
        let timed = (7..10).map(|steps| {
            let laps = clock.begin(steps);
            clock.end(laps, steps + 1).is_some()
        });
        assert_eq!(timed.collect::<Vec<_>>(), [false, true, true]);
    }
}
