//! How likely labels are when nobody knows at which steps they stand: connectionist temporal
//! classification.
//!
//! A path has a symbol at each step, a label or the blank `b`. It reads as the labels that are left
//! when symbols that repeat are taken once and then blanks are taken out: `b 3 3 b 3 5` is `3 3 5`.
//!
//! ```text
//! l' = b l_1 b l_2 b .. l_S b                                     the labels with blanks around
//!
//! alpha_t(s) = p_t(l'_s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [skips(s)] alpha_{t-1}(s-2))
//! beta_t(s)  = sum over the same ways on from t, without p_t(l'_s)
//! skips(s)   : l'_s is no blank and is not l'_{s-2}
//!
//! p(l | x)   = alpha_T(2S) + alpha_T(2S + 1)                      the sum over all paths of l
//! g_t(k)     = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)  how likely k stands at t
//!
//! d(-ln p(l | x)) / d ln p_t(k) = -g_t(k)
//! ```
//!
//! Graves et al. 2006, "Connectionist temporal classification: labelling unsegmented sequence data
//! with recurrent neural networks". All sums are of logarithms, in f64, on the host: a step needs
//! the one before it, and has few numbers.

use backdraft_cells::{Error, Lengths};
use burn::tensor::{Tensor, TensorData};

/// The symbol that is no label.
pub const BLANK: u32 = 0;

/// `-ln p(l | x)` of each row, in nats: `[batch]`.
///
/// * `log_p`: `ln p_t(k)` of each step and symbol, the [blank](BLANK) first: `[batch, time, K]`.
/// * `targets`: the labels of each row, each at least 1 and below `K`; none is possible.
///
/// The gradient is that of the equations; the values of `log_p` are read on the host.
///
/// # Errors
///
/// When lengths or targets do not fit the batch, a label is none, or a row has fewer steps than
/// its labels [need](steps_needed).
pub fn ctc_loss(
    log_p: Tensor<3>,
    lengths: &Lengths,
    targets: &[Vec<u32>],
) -> Result<Tensor<1>, Error> {
    let [batch, time, symbols] = log_p.dims();
    check(lengths, targets, [batch, time, symbols])?;
    let log_p = lengths.clear_padding(log_p);
    let host: Vec<f64> = log_p.to_data().iter().collect();

    let row = time * symbols;
    let mut nats = Vec::with_capacity(batch);
    let mut g = Vec::with_capacity(batch * row);
    for ((log_p, target), &steps) in host.chunks(row).zip(targets).zip(lengths.as_slice()) {
        let paths = Paths::new(&log_p[..steps * symbols], symbols, target);
        nats.push(-paths.log_likelihood() as f32);
        g.extend(paths.occupied());
        g.resize(nats.len() * row, 0.0);
    }
    let place = (&log_p.device(), log_p.dtype());
    let nats = Tensor::<1>::from_data(TensorData::new(nats, [batch]), place);
    let g = Tensor::<3>::from_data(TensorData::new(g, [batch, time, symbols]), place);
    // Of no value itself, and of the gradient that is wanted.
    let slope = -(log_p * g).sum_dim(2).sum_dim(1).reshape([batch]);
    Ok(nats + (slope.clone() - slope.detach()))
}

/// The steps that labels need at least: one each, and a blank between two that are the same.
pub fn steps_needed(target: &[u32]) -> usize {
    let same = target.windows(2).filter(|pair| pair[0] == pair[1]).count();
    target.len() + same
}

fn check(
    lengths: &Lengths,
    targets: &[Vec<u32>],
    [batch, time, symbols]: [usize; 3],
) -> Result<(), Error> {
    let name = "CTC";
    lengths.check(name, batch, time)?;
    if targets.len() != batch {
        let expected = format!("{batch}, one for each row of the batch");
        return Err(Error::new(
            name,
            "number of targets",
            expected,
            targets.len(),
        ));
    }
    for (row, (target, &steps)) in targets.iter().zip(lengths.as_slice()).enumerate() {
        let is_label = |label: u32| label != BLANK && (label as usize) < symbols;
        if let Some(label) = target.iter().find(|label| !is_label(**label)) {
            let what = format!("label of row {row}");
            let expected = format!("at least 1 and below {symbols}");
            return Err(Error::new(name, what, expected, label));
        }
        let needed = steps_needed(target);
        if needed > steps {
            let what = format!("steps of row {row}");
            let expected = format!("at least {needed}, as its {} labels need", target.len());
            return Err(Error::new(name, what, expected, steps));
        }
    }
    Ok(())
}

/// `ln(e^a + e^b)`.
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    match low == f64::NEG_INFINITY {
        true => high,
        false => high + (low - high).exp().ln_1p(),
    }
}

/// All paths of one row that read as its labels.
struct Paths {
    symbols: usize,
    /// `l'`.
    states: Vec<usize>,
    /// `ln alpha_t(s)`, step after step.
    alpha: Vec<f64>,
    /// `ln beta_t(s)`, step after step.
    beta: Vec<f64>,
}

impl Paths {
    fn new(log_p: &[f64], symbols: usize, target: &[u32]) -> Self {
        let mut states = vec![BLANK as usize];
        for &label in target {
            states.extend([label as usize, BLANK as usize]);
        }
        let (steps, width) = (log_p.len() / symbols, states.len());
        let skips = |s: usize| s >= 2 && states[s] != states[s - 2] && s % 2 == 1;
        let p = |t: usize, s: usize| log_p[t * symbols + states[s]];

        let mut alpha = vec![f64::NEG_INFINITY; steps * width];
        for t in 0..steps {
            for s in 0..width {
                let from = |back: usize| alpha[(t - 1) * width + s - back];
                let sum = match (t, s) {
                    (0, 0 | 1) => 0.0,
                    (0, _) => f64::NEG_INFINITY,
                    (_, 0) => from(0),
                    _ if skips(s) => log_add(log_add(from(0), from(1)), from(2)),
                    _ => log_add(from(0), from(1)),
                };
                alpha[t * width + s] = p(t, s) + sum;
            }
        }
        let mut beta = vec![f64::NEG_INFINITY; steps * width];
        for t in (0..steps).rev() {
            for s in 0..width {
                let to = |on: usize| beta[(t + 1) * width + s + on] + p(t + 1, s + on);
                beta[t * width + s] = match (t + 1 == steps, width - s) {
                    (true, 1 | 2) => 0.0,
                    (true, _) => f64::NEG_INFINITY,
                    (_, 1) => to(0),
                    (_, left) if left > 2 && skips(s + 2) => log_add(log_add(to(0), to(1)), to(2)),
                    _ => log_add(to(0), to(1)),
                };
            }
        }
        Self {
            symbols,
            states,
            alpha,
            beta,
        }
    }

    /// `ln p(l | x)`.
    fn log_likelihood(&self) -> f64 {
        let last = self.alpha.rchunks(self.states.len()).next().unwrap_or(&[]);
        match last {
            // No step reads as no label.
            [] => 0.0,
            [blank] => *blank,
            [.., label, blank] => log_add(*label, *blank),
        }
    }

    /// `g_t(k)`, step after step.
    fn occupied(&self) -> Vec<f32> {
        let total = self.log_likelihood();
        let width = self.states.len();
        let mut g = vec![0.0; self.alpha.len() / width * self.symbols];
        for (at, (alpha, beta)) in self.alpha.iter().zip(&self.beta).enumerate() {
            let (t, s) = (at / width, at % width);
            g[t * self.symbols + self.states[s]] += (alpha + beta - total).exp() as f32;
        }
        g
    }
}
