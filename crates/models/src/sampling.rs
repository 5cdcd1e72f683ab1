//! How the next symbol is chosen from the scores a model gives to all of them.

use backdraft_cells::Error;
use burn::config::Config;
use rand::{Rng, RngExt as _};

/// Settings for drawing a symbol.
///
/// The scores `s` are divided by the temperature, restricted to the best `k`, then to the
/// fewest best whose probabilities come to `p`, and a symbol is drawn from what remains:
///
/// ```text
/// P(i) = exp(s_i / temperature) / sum over the remaining j of exp(s_j / temperature)
/// ```
///
/// What has a score of infinity is certain, and equally likely where there are several; what is no
/// number, or minus infinity, is never drawn.
///
/// Top-p (nucleus) is of Holtzman et al. 2020, arXiv 1904.09751.
#[derive(Config, Debug, PartialEq)]
pub struct Sampling {
    /// Below 1 prefers what is likely, above 1 evens out; 0 always takes the likeliest.
    #[config(default = 1.0)]
    pub temperature: f64,
    /// Draw among this many likeliest symbols only.
    pub top_k: Option<usize>,
    /// Draw among the fewest likeliest symbols that together have this probability only.
    pub top_p: Option<f64>,
    /// Symbols that are never drawn, such as the one that stands for the unknown.
    #[config(default = "Vec::new()")]
    pub excluded: Vec<u32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampling {
    /// Refuses impossible settings.
    ///
    /// # Errors
    ///
    /// Names the setting, what would be possible and what it was.
    pub fn check(&self) -> Result<(), Error> {
        let refuse =
            |what, expected, found: f64| Err(Error::new("sampling", what, expected, found));
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return refuse(
                "temperature",
                "a finite number, at least 0",
                self.temperature,
            );
        }
        if self.top_k == Some(0) {
            return refuse("top-k", "at least 1", 0.0);
        }
        match self.top_p {
            Some(p) if !(p > 0.0 && p <= 1.0) => refuse("top-p", "above 0 and at most 1", p),
            _ => Ok(()),
        }
    }

    /// Draws a symbol from the scores of all of them; nothing when none can be drawn, as of a model
    /// whose training diverged.
    pub fn draw(&self, scores: &[f32], random: &mut impl Rng) -> Option<u32> {
        let mut candidates: Vec<(u32, f64)> = (0..)
            .zip(scores.iter().map(|score| f64::from(*score)))
            .filter(|(symbol, score)| *score > f64::NEG_INFINITY && !self.excluded.contains(symbol))
            .collect();
        // Stable, so that equal scores keep the order of their symbols.
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = candidates.first()?.1;
        if self.temperature == 0.0 {
            return Some(candidates[0].0);
        }
        candidates.truncate(self.top_k.unwrap_or(usize::MAX));
        for (_, weight) in &mut candidates {
            // Infinity less infinity is no number.
            *weight = match *weight == best {
                true => 1.0,
                false => ((*weight - best) / self.temperature).exp(),
            };
        }
        if let Some(p) = self.top_p {
            let enough = p * total(&candidates);
            let mut sum = 0.0;
            let within = candidates.iter().take_while(|(_, weight)| {
                let before = sum;
                sum += weight;
                before < enough
            });
            let kept = within.count().max(1);
            candidates.truncate(kept);
        }
        let mut left = random.random::<f64>() * total(&candidates);
        for (symbol, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return Some(*symbol);
            }
        }
        // Rounding can leave a crumb of probability after the last one.
        candidates.last().map(|(symbol, _)| *symbol)
    }
}

fn total(candidates: &[(u32, f64)]) -> f64 {
    candidates.iter().map(|(_, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    /// Softmax of these is 0.5, 0.25, 0.15, 0.1.
    const P: [f64; 4] = [0.25, 0.1, 0.5, 0.15];

    fn frequencies(sampling: &Sampling, draws: usize) -> [f64; 4] {
        let scores = P.map(|p| p.ln() as f32 + 3.0);
        let mut random = StdRng::seed_from_u64(1);
        let mut counts = [0.0; 4];
        for _ in 0..draws {
            counts[sampling.draw(&scores, &mut random).unwrap() as usize] += 1.0 / draws as f64;
        }
        counts
    }

    fn close(found: [f64; 4], expected: [f64; 4]) {
        for (found, expected) in found.iter().zip(expected) {
            // Five standard deviations of 20,000 draws.
            assert!(
                (found - expected).abs() < 0.018,
                "{found} against {expected}"
            );
            assert!(
                expected > 0.0 || *found == 0.0,
                "{found} for what is out of reach"
            );
        }
    }

    #[test]
    fn symbols_come_as_often_as_they_are_likely() {
        close(frequencies(&Sampling::new(), 20_000), P);
    }

    #[test]
    fn temperature_sharpens_and_flattens() {
        let squares = P.map(|p| p * p / P.iter().map(|p| p * p).sum::<f64>());
        close(
            frequencies(&Sampling::new().with_temperature(0.5), 20_000),
            squares,
        );
        let greedy = frequencies(&Sampling::new().with_temperature(0.0), 10);
        close(greedy, [0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let two = [0.25 / 0.75, 0.0, 0.5 / 0.75, 0.0];
        close(
            frequencies(&Sampling::new().with_top_k(Some(2)), 20_000),
            two,
        );
        close(
            frequencies(&Sampling::new().with_top_p(Some(0.7)), 20_000),
            two,
        );
        let one = [0.0, 0.0, 1.0, 0.0];
        close(
            frequencies(&Sampling::new().with_top_p(Some(0.4)), 100),
            one,
        );
        close(
            frequencies(
                &Sampling::new().with_top_k(Some(9)).with_top_p(Some(1.0)),
                20_000,
            ),
            P,
        );
    }

    #[test]
    fn excluded_symbols_never_come() {
        let rest = [0.25 / 0.5, 0.1 / 0.5, 0.0, 0.15 / 0.5];
        close(
            frequencies(&Sampling::new().with_excluded(vec![2]), 20_000),
            rest,
        );
    }

    #[test]
    fn scores_that_are_no_numbers_give_no_symbol() {
        let mut random = StdRng::seed_from_u64(1);
        assert_eq!(Sampling::new().draw(&[f32::NAN; 3], &mut random), None);
        assert_eq!(Sampling::new().draw(&[f32::NAN, 0.0], &mut random), Some(1));
    }

    #[test]
    fn infinite_scores_are_certain() {
        const INF: f32 = f32::INFINITY;
        let draws = |sampling: Sampling, scores: &[f32]| {
            let mut random = StdRng::seed_from_u64(1);
            let draws = (0..200).map(|_| sampling.draw(scores, &mut random).unwrap());
            draws.collect::<std::collections::BTreeSet<u32>>()
        };
        let temperatures = [0.0, 1e-300, 0.5, 1.0, 1e300];
        for temperature in temperatures {
            for top_k in [None, Some(1), Some(2), Some(9)] {
                for top_p in [None, Some(1e-9), Some(0.6), Some(1.0)] {
                    let sampling = Sampling::new()
                        .with_temperature(temperature)
                        .with_top_k(top_k)
                        .with_top_p(top_p);
                    let one = [3.0, f32::MAX, -INF, INF, f32::NAN];
                    assert_eq!(draws(sampling.clone(), &one), [3].into(), "{sampling:?}");

                    let two = [3.0, INF, -INF, INF, f32::NAN];
                    let first_alone = temperature == 0.0 || top_k == Some(1) || top_p == Some(1e-9);
                    let expected = match first_alone {
                        true => [1].into(),
                        false => [1, 3].into(),
                    };
                    assert_eq!(draws(sampling.clone(), &two), expected, "{sampling:?}");

                    let mut random = StdRng::seed_from_u64(1);
                    for none in [[-INF; 2], [f32::NAN; 2], [f32::NAN, -INF]] {
                        assert_eq!(sampling.draw(&none, &mut random), None, "{sampling:?}");
                    }
                }
            }
        }
        let excluded = Sampling::new().with_excluded(vec![1]);
        assert_eq!(draws(excluded, &[3.0, INF, -INF]), [0].into());
    }

    #[test]
    fn impossible_settings_are_refused() {
        let temperatures = [-1.0, f64::NAN, f64::INFINITY];
        assert!(
            temperatures
                .map(|t| Sampling::new().with_temperature(t).check().is_err())
                .iter()
                .all(|e| *e)
        );
        assert!(Sampling::new().with_top_k(Some(0)).check().is_err());
        assert!(Sampling::new().with_top_p(Some(0.0)).check().is_err());
        assert!(Sampling::new().with_top_p(Some(1.1)).check().is_err());
        assert!(
            Sampling::new()
                .with_top_p(Some(1.0))
                .with_top_k(Some(1))
                .check()
                .is_ok()
        );
    }
}
