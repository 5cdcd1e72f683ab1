//! What a training would be, before it is begun.

use std::fmt;

use serde::Serialize;

use super::texts::Amounts;
use crate::road::Tried;

/// What `backdraft train .. --dry-run` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// The recurrent layers.
    pub model: String,
    /// Which way they go, and why.
    pub path: String,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Symbols of the vocabulary, the unknown one included.
    pub vocabulary: usize,
    /// Bytes of the weights, their gradients and what the optimiser remembers.
    pub weight_bytes: usize,
    /// Bytes, about, that a window keeps for its backward pass.
    pub window_bytes: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Symbols that it would learn from.
    pub symbols: usize,
    /// Seconds, about, that it would take without evaluation: some steps were tried.
    pub seconds: f64,
    /// What it was tried on.
    pub device: String,
    /// The text.
    pub data: String,
}

impl Estimate {
    pub(super) fn new(window_bytes: usize, text: Amounts, tried: Tried) -> Self {
        Self {
            model: tried.model,
            path: tried.path,
            parameters: tried.parameters,
            vocabulary: text.vocabulary,
            weight_bytes: tried.weight_bytes,
            window_bytes,
            steps: tried.steps,
            symbols: text.windows.learned(tried.steps),
            seconds: tried.seconds,
            device: tried.device,
            data: tried.data,
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "text        {}, {} symbols known",
            self.data, self.vocabulary
        )?;
        writeln!(
            f,
            "model       {}, {} parameters",
            self.model, self.parameters
        )?;
        writeln!(f, "path        {}", self.path)?;
        writeln!(
            f,
            "memory      {:.1} MiB for weights, gradients and the optimiser; about {:.1} MiB for a window",
            mebi(self.weight_bytes),
            mebi(self.window_bytes)
        )?;
        writeln!(
            f,
            "steps       {}, over {} symbols",
            self.steps, self.symbols
        )?;
        let (seconds, rate) = (self.seconds, self.symbols as f64 / self.seconds);
        writeln!(
            f,
            "time        about {}:{:02} on {} ({rate:.0} symbols a second)",
            seconds as u64 / 60,
            seconds as u64 % 60,
            self.device
        )
    }
}
