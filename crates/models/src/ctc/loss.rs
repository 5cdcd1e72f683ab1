//! How likely labels are when nobody knows at which steps they stand, and the gradient.
//!
//! ```text
//! loss = -ln p(l | x)                        the sum over all paths of l; infinite where there is none
//! d loss / d ln p_t(k) = -g_t(k)             how likely k stands at t; 0 where there is no path
//! ```
//!
//! Both are computed on the host, row by row, in double precision: see `paths.rs` for the recursion. Autodiff
//! is told of the gradient by a sum that is zero and whose gradient is this one, as a derivative of the
//! first order.

use std::thread;

use backdraft_cells::{Error, Lengths};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::BLANK;
use super::paths::Paths;

use crate::host::numbers;

const NAME: &str = "CTC";

/// States of all steps that are worth a thread of their own: about a millisecond.
const OF_A_THREAD: usize = 100_000;

/// The loss of connectionist temporal classification, and what becomes of labels that are impossible.
#[doc(alias = "CTCLoss")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CtcLoss {
    /// Whether the loss of labels that are impossible is 0 in place of infinity; false by default.
    pub zero_infinity: bool,
}

impl CtcLoss {
    /// Infinite where labels are impossible.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the loss of labels that are impossible is 0 in place of infinity, so that such rows
    /// have no part in a sum.
    #[must_use]
    pub fn with_zero_infinity(mut self, zero_infinity: bool) -> Self {
        self.zero_infinity = zero_infinity;
        self
    }

    /// `-ln p(l | x)` of each row, in nats: `[batch]`.
    ///
    /// * `log_p`: `ln p_t(k)` of each step and symbol, the [blank](BLANK) first: `[batch, time, K]`.
    ///   Minus infinity is a probability of 0.
    /// * `targets`: the labels of each row, each at least 1 and below `K`; none is possible.
    ///
    /// Labels are impossible in a row of fewer steps than they [need](super::steps_needed), and where
    /// each of their paths has a symbol of probability 0. Their loss is infinite, or 0 with
    /// [`zero_infinity`](Self::zero_infinity), and has a gradient of 0. The other rows are what they would
    /// be without it.
    ///
    /// The values of `log_p` are read on the host.
    ///
    /// # Errors
    ///
    /// When there is no symbol or no step at all, lengths or targets do not fit the batch, or a label is
    /// none.
    pub fn forward(
        &self,
        log_p: Tensor<3>,
        lengths: &Lengths,
        targets: &[Vec<u32>],
    ) -> Result<Tensor<1>, Error> {
        let shape @ [batch, time, symbols] = log_p.dims();
        check(lengths, targets, shape)?;
        let log_p = lengths.clear_padding(log_p);
        let host: Vec<f64> = numbers(&log_p.to_data());
        let (device, dtype) = (log_p.device(), log_p.dtype());
        let of_gradient = if device.is_autodiff() { host.len() } else { 0 };

        let mut nats = vec![0.0; batch];
        let mut g = vec![0.0; of_gradient];
        let mut of_rows = g.chunks_mut(time * symbols);
        let given = host.chunks(time * symbols).zip(lengths.as_slice());
        let rows = given.zip(targets).zip(&mut nats);
        let mut rows: Vec<Row> = rows
            .map(|(((log_p, &steps), target), nats)| Row {
                log_p: &log_p[..steps * symbols],
                target,
                nats,
                g: of_rows.next().unwrap_or_default(),
            })
            .collect();
        of_all(&mut rows, symbols);
        if self.zero_infinity {
            let infinite = nats.iter_mut().filter(|nats| **nats == f32::INFINITY);
            infinite.for_each(|nats| *nats = 0.0);
        }
        let nats = Tensor::<1>::from_data(TensorData::new(nats, [batch]), (&device, dtype));
        if of_gradient == 0 {
            return Ok(nats);
        }
        let g = Tensor::<3>::from_data(TensorData::new(g, shape), (&device, dtype));
        // Infinity less infinity is no number; its gradient is 0.
        let log_p = match host.contains(&f64::NEG_INFINITY) {
            true => {
                let never = log_p.clone().equal_elem(f32::NEG_INFINITY);
                log_p.mask_fill(never, 0.0)
            }
            false => log_p,
        };
        let without_value = log_p.clone() - log_p.detach();
        let slope = (without_value * g).sum_dim(2).sum_dim(1);
        Ok(nats - slope.reshape([batch]))
    }
}

/// `-ln p(l | x)` of each row, in nats: `[batch]`. It is [`CtcLoss::forward`], infinite where labels are
/// impossible.
///
/// # Errors
///
/// As there.
pub fn ctc_loss(
    log_p: Tensor<3>,
    lengths: &Lengths,
    targets: &[Vec<u32>],
) -> Result<Tensor<1>, Error> {
    CtcLoss::new().forward(log_p, lengths, targets)
}

fn check(
    lengths: &Lengths,
    targets: &[Vec<u32>],
    [batch, time, symbols]: [usize; 3],
) -> Result<(), Error> {
    Error::unless_positive(NAME, "steps", time)?;
    Error::unless_positive(NAME, "symbols", symbols)?;
    lengths.check(NAME, batch, time)?;
    if targets.len() != batch {
        let expected = format!("{batch}, one for each row of the batch");
        let found = targets.len();
        return Err(Error::new(NAME, "number of targets", expected, found));
    }
    for (row, target) in targets.iter().enumerate() {
        let is_label = |label: u32| label != BLANK && (label as usize) < symbols;
        if let Some(label) = target.iter().find(|label| !is_label(**label)) {
            let what = format!("label of row {row}");
            let expected = format!("at least 1 and below {symbols}");
            return Err(Error::new(NAME, what, expected, label));
        }
    }
    Ok(())
}

/// What is given of a row, and what is found.
struct Row<'a> {
    log_p: &'a [f64],
    target: &'a [u32],
    nats: &'a mut f32,
    /// Of the padding, too; of no step if it is not wanted.
    g: &'a mut [f32],
}

/// Rows have nothing to do with each other, so each thread has some of them.
fn of_all(rows: &mut [Row], symbols: usize) {
    let states = |row: &Row| row.log_p.len() / symbols * (2 * row.target.len() + 1);
    let worth = 1 + rows.iter().map(states).sum::<usize>() / OF_A_THREAD;
    let threads = match worth {
        1 => 1,
        _ => thread::available_parallelism().map_or(1, |threads| worth.min(threads.get())),
    };
    let some = rows.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let mut parts = rows.chunks_mut(some);
        let own = parts.next();
        for part in parts {
            scope.spawn(move || of_some(part, symbols));
        }
        of_some(own.unwrap_or_default(), symbols);
    });
}

fn of_some(rows: &mut [Row], symbols: usize) {
    let mut paths = Paths::default();
    for row in rows {
        *row.nats = -paths.follow(row.log_p, symbols, row.target) as f32;
        let (g, _) = row.g.split_at_mut(row.log_p.len().min(row.g.len()));
        if !g.is_empty() {
            paths.occupied(g);
        }
    }
}
