//! States that emit symbols.
//!
//! ```text
//! p(x | i) = B_{ix}
//! B_{iv} = sum_{t: x_t = v} gamma_{t,i} / sum_t gamma_{t,i}        t: where x_t is not missing
//! ```

use backdraft_cells::Error;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::emission::{Emission, EmissionConfig, Estimate};
use super::{HMM, simplex};

/// Configuration of [`Categorical`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoricalConfig {
    /// The number of symbols, `V`.
    pub symbols: usize,
    /// A lower bound on the probability of a symbol, so that symbols which were never seen are not impossible.
    /// Default: 1e-6. At 0, the probabilities are the maximum-likelihood estimates.
    pub floor: f64,
}

impl CategoricalConfig {
    /// One of `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        Self {
            symbols,
            floor: 1e-6,
        }
    }

    /// Sets what no probability of a symbol may be below.
    #[must_use]
    pub fn with_floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self
    }
}

/// A distribution of symbols for each state. An observation is a symbol, or `None` where it is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct Categorical {
    /// `B`: `[states][symbols]`.
    probabilities: Vec<Vec<f64>>,
    /// `ln B`, transposed: `[symbols, states]`.
    logs: Vec<f64>,
}

impl Categorical {
    /// States that emit symbol `v` with the probability `probabilities[state][v]`.
    ///
    /// # Errors
    ///
    /// When there is no state or no symbol, rows are of different lengths, or one is not of
    /// probabilities whose sum is 1, to 1e-6.
    pub fn new(probabilities: Vec<Vec<f64>>) -> Result<Self, Error> {
        let symbols = probabilities.first().map_or(0, Vec::len);
        Error::unless_positive(HMM, "states", probabilities.len())?;
        Error::unless_positive(HMM, "symbols", symbols)?;
        for (state, row) in probabilities.iter().enumerate() {
            let what = format!("probabilities of the symbols of state {state}");
            if row.len() != symbols {
                return Err(Error::new(
                    HMM,
                    what,
                    format!("{symbols} of them"),
                    row.len(),
                ));
            }
            simplex::check(&what, row)?;
        }
        let column = |symbol: usize| probabilities.iter().map(move |row| row[symbol].ln());
        Ok(Self {
            logs: (0..symbols).flat_map(column).collect(),
            probabilities,
        })
    }

    /// `B`: `[states][symbols]`.
    pub fn probabilities(&self) -> &[Vec<f64>] {
        &self.probabilities
    }

    /// The number of symbols.
    pub fn symbols(&self) -> usize {
        self.probabilities[0].len()
    }
}

impl TryFrom<Vec<Vec<f64>>> for Categorical {
    type Error = Error;

    fn try_from(probabilities: Vec<Vec<f64>>) -> Result<Self, Error> {
        Self::new(probabilities)
    }
}

impl From<Categorical> for Vec<Vec<f64>> {
    fn from(categorical: Categorical) -> Self {
        categorical.probabilities
    }
}

impl Emission for Categorical {
    type Observation = Option<u32>;

    fn states(&self) -> usize {
        self.probabilities.len()
    }

    fn parameters(&self) -> usize {
        self.states() * (self.symbols() - 1)
    }

    fn check(&self, observation: &Option<u32>) -> Result<(), Error> {
        check(*observation, self.symbols())
    }

    fn log_densities(&self, observation: &Option<u32>) -> Vec<f64> {
        let states = self.states();
        match observation {
            Some(symbol) => self.logs[*symbol as usize * states..][..states].to_vec(),
            None => vec![0.0; states],
        }
    }

    fn draw(&self, state: usize, random: &mut StdRng) -> Option<u32> {
        Some(simplex::draw(&self.probabilities[state], random) as u32)
    }
}

pub(super) fn check(observation: Option<u32>, symbols: usize) -> Result<(), Error> {
    match observation {
        Some(symbol) if symbol as usize >= symbols => {
            let expected = format!("below {symbols}");
            Err(Error::new(HMM, "symbol", expected, symbol))
        }
        _ => Ok(()),
    }
}

/// Counts of symbols, for each state.
#[derive(Debug, Clone)]
pub struct CategoricalEstimate {
    states: usize,
    floor: f64,
    /// How often each symbol is in all sequences.
    seen: Vec<f64>,
    /// `sum_{t: x_t = v} gamma_{t,i}`: `[symbols, states]`.
    counts: Vec<f64>,
}

impl EmissionConfig for CategoricalConfig {
    type Emission = Categorical;
    type Estimate = CategoricalEstimate;

    fn estimate(
        &self,
        states: usize,
        sequences: &[Vec<Option<u32>>],
    ) -> Result<CategoricalEstimate, Error> {
        Error::unless_positive(HMM, "symbols", self.symbols)?;
        simplex::check_floor("floor of symbols", self.floor, self.symbols)?;
        let mut seen = vec![0.0; self.symbols];
        for (index, sequence) in sequences.iter().enumerate() {
            for (step, observation) in sequence.iter().enumerate() {
                let of = |error: Error| error.within(format!("sequence {index}: step {step}"));
                check(*observation, self.symbols).map_err(of)?;
                if let Some(symbol) = observation {
                    seen[*symbol as usize] += 1.0;
                }
            }
        }
        Ok(CategoricalEstimate {
            states,
            floor: self.floor,
            counts: vec![0.0; self.symbols * states],
            seen,
        })
    }
}

impl CategoricalEstimate {
    fn emission(&self, row: impl FnMut(usize) -> Vec<f64>) -> Result<Categorical, Error> {
        Categorical::new((0..self.states).map(row).collect())
    }
}

impl Estimate for CategoricalEstimate {
    type Emission = Categorical;

    /// Each state's are as often as in all sequences, times weights that are drawn.
    fn begin(&self, random: &mut StdRng) -> Categorical {
        let row = |_| {
            let mut row = simplex::exponential(self.seen.len(), random);
            if self.seen.iter().any(|seen| *seen > 0.0) {
                row.iter_mut()
                    .zip(&self.seen)
                    .for_each(|(p, seen)| *p *= seen);
            }
            simplex::likeliest(&row, self.floor)
                .unwrap_or_else(|| vec![1.0 / row.len() as f64; row.len()])
        };
        self.emission(row).expect("rows are normalised")
    }

    fn check(&self, emission: &Categorical) -> Result<(), Error> {
        let [expected, found] = [self.seen.len(), emission.symbols()];
        match expected == found {
            true => Ok(()),
            false => Err(Error::new(HMM, "symbols of the model", expected, found)),
        }
    }

    fn gather(&mut self, _: &Categorical, observation: &Option<u32>, posterior: &[f64]) {
        if let Some(symbol) = observation {
            let counts = &mut self.counts[*symbol as usize * self.states..];
            counts
                .iter_mut()
                .zip(posterior)
                .for_each(|(sum, p)| *sum += p);
        }
    }

    fn maximise(&mut self, so_far: &Categorical) -> Result<Categorical, Error> {
        let row = |state: usize| {
            let counts = self.counts.iter().skip(state).step_by(self.states);
            let counts: Vec<f64> = counts.copied().collect();
            simplex::likeliest(&counts, self.floor)
                .unwrap_or_else(|| so_far.probabilities[state].clone())
        };
        let emission = self.emission(row);
        self.counts.fill(0.0);
        emission
    }
}
