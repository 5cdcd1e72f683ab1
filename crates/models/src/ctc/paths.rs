//! All paths of a row that read as its labels: their probability, and how likely each symbol stands at
//! each step of them.
//!
//! ```text
//! l' = b l_1 b l_2 b .. l_S b                                     the labels with blanks around
//!
//! alpha_t(s) = p_t(l'_s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [skips(s)] alpha_{t-1}(s-2))
//! beta_t(s)  = q_{t+1}(s) + q_{t+1}(s+1) + [skips(s+2)] q_{t+1}(s+2)        q_t(s) = p_t(l'_s) beta_t(s)
//! skips(s)   : l'_s is no blank and is not l'_{s-2}
//! alpha_0(s) = [s = 0]    q_{T+1}(s) = [s = 2S]                   a blank before all steps, and after
//!
//! p(l | x)   = alpha_T(2S - 1) + alpha_T(2S)                      the sum over all paths of l
//! g_t(k)     = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)  how likely k stands at t
//! ```

use super::BLANK;
use super::wide::Wide;

/// The paths of one row at a time, in memory that is used again for the next one.
#[derive(Default)]
pub(super) struct Paths {
    symbols: usize,
    /// `l`.
    labels: Vec<u32>,
    /// Whether each label may follow the one before it without a blank.
    skips: Vec<bool>,
    /// `p_t(b), p_t(l_1) .. p_t(l_S)`, step after step.
    p: Vec<Wide>,
    /// `alpha_t(s)`, step after step, from step 0 on.
    alpha: Vec<Wide>,
    /// `q_t(s)` of one step.
    q: Vec<Wide>,
    /// `g_t(k)` of one step.
    g: Vec<f64>,
}

impl Paths {
    /// Those of `target` in a row of `ln p_t(k)`, step after step: `ln p(l | x)`.
    pub(super) fn follow(&mut self, log_p: &[f64], symbols: usize, target: &[u32]) -> f64 {
        self.symbols = symbols;
        self.labels.clear();
        self.labels.extend(target);
        self.skips.clear();
        let differs = |at: usize| at > 0 && target[at] != target[at - 1];
        self.skips.extend((0..target.len()).map(differs));
        self.p.clear();
        for log_p in log_p.chunks(symbols) {
            let of = |symbol: &u32| Wide::exp(log_p[*symbol as usize]);
            self.p.push(of(&BLANK));
            self.p.extend(target.iter().map(of));
        }
        self.forward();
        self.total().ln()
    }

    /// The number of states, `2S + 1`.
    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    fn forward(&mut self) {
        let states = self.states();
        let steps = self.p.len() / (self.labels.len() + 1);
        self.alpha.clear();
        self.alpha.resize((steps + 1) * states, Wide::ZERO);
        self.alpha[0] = Wide::ONE;
        for (t, p) in self.p.chunks(self.labels.len() + 1).enumerate() {
            let both = &mut self.alpha[t * states..(t + 2) * states];
            let (before, alpha) = both.split_at_mut(states);
            alpha[0] = p[0] * before[0];
            for (at, &skips) in self.skips.iter().enumerate() {
                let s = 2 * at + 1;
                let mut ways = before[s] + before[s - 1];
                if skips {
                    ways = ways + before[s - 2];
                }
                alpha[s] = p[at + 1] * ways;
                alpha[s + 1] = p[0] * (before[s + 1] + before[s]);
            }
        }
    }

    /// `p(l | x)`.
    fn total(&self) -> Wide {
        match self.alpha.rchunks(self.states()).next() {
            Some([.., label, blank]) => *label + *blank,
            Some([blank]) => *blank,
            _ => Wide::ZERO,
        }
    }

    /// Writes `g_t(k)` of the row that was followed last, step after step; zeros if no path is possible.
    pub(super) fn occupied(&mut self, g: &mut [f32]) {
        let (states, total) = (self.states(), self.total());
        if total.is_zero() {
            return g.fill(0.0);
        }
        self.q.clear();
        self.q.resize(states, Wide::ZERO);
        self.q[states - 1] = Wide::ONE;
        self.g.clear();
        self.g.resize(self.symbols, 0.0);
        let p = self.p.chunks(self.labels.len() + 1);
        let steps = p.zip(self.alpha.chunks(states).skip(1));
        for ((p, alpha), g) in steps.zip(g.chunks_mut(self.symbols)).rev() {
            self.g.fill(0.0);
            // What stands in `q` from `s` on is of the step after this one.
            let q = &mut self.q;
            for (at, &label) in self.labels.iter().enumerate() {
                let s = 2 * at + 1;
                let blank = q[s - 1] + q[s];
                let mut beta = q[s] + q[s + 1];
                if self.skips.get(at + 1) == Some(&true) {
                    beta = beta + q[s + 2];
                }
                self.g[BLANK as usize] += (alpha[s - 1] * blank).over(total);
                self.g[label as usize] += (alpha[s] * beta).over(total);
                q[s - 1] = p[0] * blank;
                q[s] = p[at + 1] * beta;
            }
            let last = states - 1;
            self.g[BLANK as usize] += (alpha[last] * q[last]).over(total);
            q[last] = p[0] * q[last];
            for (g, value) in g.iter_mut().zip(&self.g) {
                *g = *value as f32;
            }
        }
    }
}
