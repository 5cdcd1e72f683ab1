//! Drawing sequences side by side, each until it ends.

use backdraft_cells::Error;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{SeedableRng, rngs::StdRng};

use crate::host::numbers;
use crate::{Hypothesis, Sampling};

/// How sequences are drawn.
pub(crate) struct Drawing<'a> {
    /// Symbols of a sequence, at most.
    pub limit: usize,
    /// How each is drawn.
    pub sampling: &'a Sampling,
    /// The same seed draws the same for the same row.
    pub seed: u64,
    /// The symbol that ends a sequence, and is not part of it.
    pub end: u32,
}

/// The random numbers of each row, so that none depends on those beside it.
pub(crate) fn randoms(seed: u64, rows: usize) -> Vec<StdRng> {
    (0..rows as u64)
        .map(|row| StdRng::seed_from_u64(seed ^ row.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect()
}

/// Symbols, `time` of each row one after the other: `[rows, time]`.
pub(crate) fn symbols(symbols: &[u32], time: usize, device: &Device) -> Tensor<2, Int> {
    let rows = symbols.len() / time;
    let symbols: Vec<i32> = symbols.iter().map(|&symbol| symbol as i32).collect();
    Tensor::from_data(TensorData::new(symbols, [rows, time]), device)
}

/// The rows of a matrix, on the host.
pub(crate) fn rows(matrix: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = matrix.dims();
    let values: Vec<f32> = numbers(&matrix.into_data());
    values.chunks(width).map(<[f32]>::to_vec).collect()
}

impl Drawing<'_> {
    /// A sequence of each row: `step` is given the symbols that are read, at first `start`, and gives
    /// `ln p` of what comes next in each row.
    ///
    /// As in a [`BeamSearch`](crate::BeamSearch), what has `limit` symbols ends there, and what the end
    /// costs is counted. `log_p` and the score of what is drawn are the model's, whatever the
    /// temperature.
    pub fn draw(
        &self,
        model: &str,
        rows: usize,
        start: u32,
        mut step: impl FnMut(&[u32]) -> Result<Vec<Vec<f32>>, Error>,
    ) -> Result<Vec<Hypothesis>, Error> {
        self.sampling.check()?;
        Error::unless_positive(model, "limit", self.limit)?;
        let mut random = randoms(self.seed, rows);
        let mut written: Vec<(Vec<u32>, f64)> = vec![(Vec::new(), 0.0); rows];
        let mut last = vec![start; rows];
        let mut is_open = vec![true; rows];
        while is_open.contains(&true) {
            for (row, log_p) in step(&last)?.iter().enumerate() {
                if !is_open[row] {
                    continue;
                }
                let (symbols, total) = &mut written[row];
                let drawn = match symbols.len() < self.limit {
                    true => self.sampling.draw(log_p, &mut random[row]),
                    false => None,
                };
                // Scores that are no numbers end it, too.
                let symbol = drawn.unwrap_or(self.end);
                *total += f64::from(log_p[symbol as usize]);
                last[row] = symbol;
                match symbol == self.end {
                    true => is_open[row] = false,
                    false => symbols.push(symbol),
                }
            }
        }
        let hypothesis = |(symbols, log_p)| Hypothesis {
            symbols,
            log_p,
            score: log_p,
        };
        Ok(written.into_iter().map(hypothesis).collect())
    }
}
