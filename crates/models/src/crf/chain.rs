//! One sequence of a conditional random field on the host, in f64: the likeliest tags, and the
//! probability of every tag and of every pair of tags.
//!
//! ```text
//! alpha_{t,j} = E_{t,j} + ln sum_i exp(alpha_{t-1,i} + A_{ij})      alpha_1 = a + E_1
//! beta_{t,i}  = ln sum_j exp(A_{ij} + E_{t+1,j} + beta_{t+1,j})     beta_n = b
//!
//! p(y_t = j)              = exp(alpha_{t,j} + beta_{t,j} - ln Z)
//! p(y_{t-1} = i, y_t = j) = exp(alpha_{t-1,i} + A_{ij} + E_{t,j} + beta_{t,j} - ln Z)
//! ```
//!
//! For the probabilities, each alpha and beta has its maximum taken away, which is kept beside: of
//! thousands of steps they would be large, and their rounding more than small probabilities.

/// The scores of a field. What scores minus infinity is impossible.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    tags: usize,
    start: Vec<f64>,
    end: Vec<f64>,
    /// `A`, and its transpose.
    forward: Products,
    reverse: Products,
}

/// What a sequence's tags and pairs of tags are worth.
///
/// All of it is 0 but `ln Z` where that is minus infinity, as no tagging is possible.
pub(crate) struct Marginals {
    /// `ln Z`; 0 for a sequence of no steps.
    pub log_z: f64,
    /// `p(y_t = j)`: `[time, tags]`.
    pub steps: Vec<f64>,
    /// `sum_t p(y_{t-1} = i, y_t = j)`: `[tags, tags]`.
    pub pairs: Vec<f64>,
}

impl Chain {
    pub fn new(transitions: Vec<f64>, start: Vec<f64>, end: Vec<f64>) -> Self {
        let tags = start.len();
        let transposed = (0..tags * tags).map(|at| transitions[at % tags * tags + at / tags]);
        Self {
            tags,
            start,
            end,
            reverse: Products::new(transposed.collect()),
            forward: Products::new(transitions),
        }
    }

    /// `A`, `a` and `b`.
    pub fn scores(&self) -> (&[f64], &[f64], &[f64]) {
        (&self.forward.logs, &self.start, &self.end)
    }

    /// `ln Z`.
    pub fn log_z(&self, emissions: &[f64]) -> f64 {
        let mut steps = emissions.chunks(self.tags);
        let Some(first) = steps.next() else {
            return 0.0;
        };
        let begun = sum(&self.start, first);
        let last = steps.fold(begun, |alpha, step| {
            sum(&self.forward.through(&alpha), step)
        });
        log_sum_exp(sum(&last, &self.end))
    }

    /// `ln sum_i exp(v_i + A_{ij})` for each `j`.
    pub fn through(&self, v: &[f64]) -> Vec<f64> {
        self.forward.through(v)
    }

    /// `s(y)`.
    pub fn score(&self, emissions: &[f64], tags: &[usize]) -> f64 {
        let (Some(first), Some(last)) = (tags.first(), tags.last()) else {
            return 0.0;
        };
        let emitted = emissions.chunks(self.tags).zip(tags);
        let emitted: f64 = emitted.map(|(step, &tag)| step[tag]).sum();
        let passed = tags.windows(2);
        let passed: f64 = passed
            .map(|pair| self.forward.logs[pair[0] * self.tags + pair[1]])
            .sum();
        self.start[*first] + emitted + passed + self.end[*last]
    }

    /// The tags of the highest score.
    pub fn viterbi(&self, emissions: &[f64]) -> Vec<usize> {
        let mut steps = emissions.chunks(self.tags);
        let Some(first) = steps.next() else {
            return Vec::new();
        };
        let mut best = sum(&self.start, first);
        let mut came_from = Vec::new();
        for step in steps {
            let (mut next, mut from) = (vec![f64::NEG_INFINITY; self.tags], vec![0; self.tags]);
            for (i, row) in self.forward.logs.chunks(self.tags).enumerate() {
                for (j, passed) in row.iter().enumerate() {
                    if best[i] + passed > next[j] {
                        (next[j], from[j]) = (best[i] + passed, i);
                    }
                }
            }
            best = sum(&next, step);
            came_from.push(from);
        }
        let last = sum(&best, &self.end);
        let mut tag = (0..self.tags)
            .max_by(|i, j| last[*i].total_cmp(&last[*j]))
            .unwrap_or(0);
        let mut tags = vec![tag];
        for from in came_from.iter().rev() {
            tag = from[tag];
            tags.push(tag);
        }
        tags.reverse();
        tags
    }

    /// Every probability of one sequence, by the recursions in both directions.
    pub fn forward_backward(&self, emissions: &[f64]) -> Marginals {
        let tags = self.tags;
        let emitted: Vec<&[f64]> = emissions.chunks(tags).collect();
        let mut pairs = vec![0.0; tags * tags];
        let mut steps = vec![0.0; emissions.len()];
        let mut alphas: Vec<Vec<f64>> = Vec::with_capacity(emitted.len());
        let mut shifts = Vec::with_capacity(emitted.len());
        for step in &emitted {
            let mut alpha = match alphas.last() {
                None => sum(&self.start, step),
                Some(before) => sum(&self.forward.through(before), step),
            };
            shifts.push(lower(&mut alpha));
            alphas.push(alpha);
        }
        let log_z = match alphas.last() {
            None => 0.0,
            Some(last) => shifts.iter().sum::<f64>() + log_sum_exp(sum(last, &self.end)),
        };
        if log_z == f64::NEG_INFINITY {
            return Marginals {
                log_z,
                steps,
                pairs,
            };
        }

        let mut beta = self.end.clone();
        // What `A`'s products share is multiplied once, at the end.
        let mut shared = vec![0.0; tags * tags];
        for t in (0..emitted.len()).rev() {
            let step = &mut steps[t * tags..][..tags];
            step.copy_from_slice(&sum(&alphas[t], &beta));
            let highest = lower(step);
            step.iter_mut().for_each(|p| *p = p.exp());
            let total: f64 = step.iter().sum();
            step.iter_mut().for_each(|p| *p /= total);
            if t > 0 {
                let after = sum(&beta, emitted[t]);
                // `ln Z`, less what was taken from alpha and beta.
                let rest = highest + total.ln() + shifts[t];
                self.forward
                    .add_pairs(&alphas[t - 1], &after, rest, &mut shared, &mut pairs);
                beta = self.reverse.through(&after);
                lower(&mut beta);
            }
        }
        for ((pair, shared), passed) in pairs.iter_mut().zip(&shared).zip(&self.forward.exps) {
            *pair += shared * passed;
        }
        Marginals {
            log_z,
            steps,
            pairs,
        }
    }
}

/// A matrix of scores whose sums of exponentials are matrix products:
/// `ln sum_i exp(v_i + M_{ij}) = max v + max M + ln sum_i exp(v_i - max v) exp(M_{ij} - max M)`.
///
/// Where the range of f64 does not hold what is small beside both maxima, the sum on the left is
/// taken term by term.
#[derive(Debug, Clone)]
struct Products {
    /// `M`.
    logs: Vec<f64>,
    /// `exp(M - max M)`.
    exps: Vec<f64>,
    /// `max M`.
    shift: f64,
}

/// What `exp` gives is exact above this; `exp(-600)`, with room to the smallest number.
const SMALLEST: f64 = 1e-260;

/// Probabilities below this change no number in f32, and no sum of them in f64 that is near 1.
const NEGLIGIBLE: f64 = 1e-20;

impl Products {
    fn new(logs: Vec<f64>) -> Self {
        let shift = max(&logs);
        let exps = logs.iter().map(|log| (log - shift).exp()).collect();
        Self { logs, exps, shift }
    }

    /// `ln sum_i exp(v_i + M_{ij})` for each `j`.
    fn through(&self, v: &[f64]) -> Vec<f64> {
        let tags = v.len();
        let shift = max(v);
        if shift == f64::NEG_INFINITY {
            return vec![shift; tags];
        }
        let mut sums = vec![0.0; tags];
        for (v, row) in v.iter().zip(self.exps.chunks(tags)) {
            let weight = (v - shift).exp();
            for (sum, exp) in sums.iter_mut().zip(row) {
                *sum += weight * exp;
            }
        }
        let of = |(j, sum): (usize, f64)| match sum > SMALLEST {
            true => sum.ln() + shift + self.shift,
            false => log_sum_exp((0..tags).map(|i| v[i] + self.logs[i * tags + j]).collect()),
        };
        sums.into_iter().enumerate().map(of).collect()
    }

    /// Adds `exp(alpha_i + M_{ij} + after_j - ln Z)`: to `shared`, still to be multiplied by
    /// `exp(M - max M)`, or to `pairs` where that would not be in range.
    fn add_pairs(
        &self,
        alpha: &[f64],
        after: &[f64],
        log_z: f64,
        shared: &mut [f64],
        pairs: &mut [f64],
    ) {
        let tags = alpha.len();
        let (alpha_shift, after_shift) = (max(alpha), max(after));
        let scale = (alpha_shift + self.shift + after_shift - log_z).exp();
        if scale * SMALLEST > 1.0 {
            for (at, pair) in pairs.iter_mut().enumerate() {
                let (i, j) = (at / tags, at % tags);
                *pair += (alpha[i] + self.logs[at] + after[j] - log_z).exp();
            }
            return;
        }
        let after: Vec<f64> = after.iter().map(|x| (x - after_shift).exp()).collect();
        for (alpha, row) in alpha.iter().zip(shared.chunks_mut(tags)) {
            let weight = (alpha - alpha_shift).exp() * scale;
            if weight > NEGLIGIBLE {
                for (sum, after) in row.iter_mut().zip(&after) {
                    *sum += weight * after;
                }
            }
        }
    }
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Takes the maximum away, if it is finite, and returns it.
fn lower(values: &mut [f64]) -> f64 {
    let shift = max(values);
    if shift.is_finite() {
        values.iter_mut().for_each(|value| *value -= shift);
    }
    shift
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `ln sum_i exp(x_i)`: minus infinity if every `x_i` is.
pub(crate) fn log_sum_exp(values: Vec<f64>) -> f64 {
    let shift = max(&values);
    if shift == f64::NEG_INFINITY {
        return shift;
    }
    let sum: f64 = values.iter().map(|value| (value - shift).exp()).sum();
    sum.ln() + shift
}
