//! Every sequence of states, one by one: likelihood, posteriors, pairs and the best path.

use backdraft_models::baselines::hidden_markov::{
    Categorical, Covariances, Emission, Gaussian, Hmm,
};

use super::assert_close;
use super::models::{FEATURES, STATES, categorical, gaussian, sequences, thinned};

/// `p(x | i)`, worked out apart from the library.
trait Density: Emission {
    fn density(&self, state: usize, observation: &Self::Observation) -> f64;
}

impl Density for Categorical {
    fn density(&self, state: usize, observation: &Option<u32>) -> f64 {
        observation.map_or(1.0, |symbol| self.probabilities()[state][symbol as usize])
    }
}

impl Density for Gaussian {
    /// By the inverse and determinant of what is left, from cofactors.
    fn density(&self, state: usize, observation: &Vec<Option<f64>>) -> f64 {
        let observed: Vec<usize> = (0..FEATURES)
            .filter(|d| observation[*d].is_some())
            .collect();
        let error = |&d: &usize| observation[d].unwrap() - self.means()[state][d];
        let errors: Vec<f64> = observed.iter().map(error).collect();
        let matrix = self.covariances().matrix(state);
        let row = |&i: &usize| observed.iter().map(|&j| matrix[i][j]).collect();
        let matrix: Vec<Vec<f64>> = observed.iter().map(row).collect();
        let det = determinant(&matrix);
        let mut distance = 0.0;
        for (i, e) in errors.iter().enumerate() {
            // Cramer's rule: (S^-1 e)_i.
            let mut replaced = matrix.clone();
            replaced
                .iter_mut()
                .zip(&errors)
                .for_each(|(row, e)| row[i] = *e);
            distance += e * determinant(&replaced) / det;
        }
        let constant = std::f64::consts::TAU.powi(errors.len() as i32) * det;
        (-0.5 * distance).exp() / constant.sqrt()
    }
}

pub fn determinant(matrix: &[Vec<f64>]) -> f64 {
    let Some(first) = matrix.first() else {
        return 1.0;
    };
    let minor = |j: usize| -> Vec<Vec<f64>> {
        let without = |row: &Vec<f64>| [&row[..j], &row[j + 1..]].concat();
        matrix[1..].iter().map(without).collect()
    };
    let term = |(j, value): (usize, &f64)| {
        let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
        sign * value * determinant(&minor(j))
    };
    first.iter().enumerate().map(term).sum()
}

/// Every path with its probability.
fn paths<E: Density>(model: &Hmm<E>, sequence: &[E::Observation]) -> Vec<(Vec<usize>, f64)> {
    let length = sequence.len();
    let of = |code: usize| {
        let path: Vec<usize> = (0..length)
            .map(|t| code / STATES.pow(t as u32) % STATES)
            .collect();
        let mut p = 1.0;
        for (t, &state) in path.iter().enumerate() {
            p *= match t {
                0 => model.start()[state],
                t => model.transitions()[path[t - 1]][state],
            };
            p *= model.emission().density(state, &sequence[t]);
        }
        (path, p)
    };
    (0..STATES.pow(length as u32)).map(of).collect()
}

fn check<E: Density>(model: &Hmm<E>, sequence: &[E::Observation]) {
    let paths = paths(model, sequence);
    let all: f64 = paths.iter().map(|(_, p)| p).sum();
    let log_likelihood = model.log_likelihood(sequence).unwrap();
    assert_close(&[log_likelihood], &[all.ln()], 1e-12, "ln p");

    let mut states = vec![vec![0.0; STATES]; sequence.len()];
    let mut pairs = vec![vec![0.0; STATES]; STATES];
    for (path, p) in &paths {
        for (t, state) in path.iter().enumerate() {
            states[t][*state] += p / all;
        }
        for pair in path.windows(2) {
            pairs[pair[0]][pair[1]] += p / all;
        }
    }
    let found = model.posteriors(sequence).unwrap();
    assert_close(&[found.log_likelihood], &[all.ln()], 1e-12, "ln p");
    assert_close(&found.states.concat(), &states.concat(), 1e-11, "gamma");
    assert_close(&found.transitions.concat(), &pairs.concat(), 1e-11, "xi");

    let best = paths.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let found = model.viterbi(sequence).unwrap();
    assert_close(&[found.log_p], &[best.1.ln()], 1e-12, "ln p of the path");
    // Where steps are missing paths may be equally likely.
    let of_found = paths
        .iter()
        .find(|(path, _)| *path == found.states)
        .unwrap();
    assert_close(&[of_found.1 / best.1], &[1.0], 1e-12, "path");

    let nats = model.step_nats(sequence).unwrap();
    assert_close(
        &[nats.iter().sum()],
        &[-all.ln()],
        1e-11,
        "nats of the steps",
    );
}

#[test]
fn symbols_are_as_likely_as_all_paths_together() {
    for seed in 0..10 {
        let model = categorical(seed);
        for mut sequence in sequences(&model, &[0, 1, 2, 7]) {
            check(&model, &sequence);
            for step in sequence.iter_mut().skip(1).step_by(2) {
                *step = None;
            }
            check(&model, &sequence);
            sequence.fill(None);
            check(&model, &sequence);
        }
    }
}

#[test]
fn numbers_are_as_likely_as_all_paths_together_whatever_is_missing() {
    for seed in 0..10 {
        for is_full in [false, true] {
            let model = gaussian(seed, is_full);
            for mut sequence in sequences(&model, &[1, 2, 7]) {
                check(&model, &sequence);
                thinned(&mut sequence, 0.4, seed);
                check(&model, &sequence);
                sequence[0].fill(None);
                check(&model, &sequence);
            }
        }
    }
}

/// Each step's distribution given those before: of all paths of that length.
#[test]
fn the_next_symbol_is_as_likely_as_all_paths_to_it() {
    let model = categorical(3);
    let sequence = sequences(&model, &[6]).remove(0);
    let p = |sequence: &[Option<u32>]| paths(&model, sequence).iter().map(|(_, p)| p).sum::<f64>();
    let symbols: Vec<u32> = sequence.iter().flatten().copied().collect();
    let nats = model.next_symbol_nats(&symbols).unwrap();
    let expected = (0..6).map(|t| -(p(&sequence[..=t]) / p(&sequence[..t])).ln());
    assert_close(&nats, &expected.collect::<Vec<_>>(), 1e-12, "nats");

    let mut state = model.state();
    assert_eq!(state.filtered(), None);
    assert_close(&state.predicted(), model.start(), 1e-15, "before the first");
    for observation in &sequence {
        model.observe(&mut state, observation).unwrap();
    }
    let last = model.posteriors(&sequence).unwrap().states.pop().unwrap();
    assert_close(&state.filtered().unwrap(), &last, 1e-12, "filtered");
    // Three steps on, with the steps between missing.
    let ahead = model.symbols_ahead(&state, 3).unwrap();
    for (horizon, found) in ahead.iter().enumerate() {
        let with = |symbol| {
            let mut longer = sequence.clone();
            longer.extend(vec![None; horizon]);
            longer.push(Some(symbol));
            p(&longer) / p(&sequence)
        };
        let expected: Vec<f64> = (0..4).map(with).collect();
        assert_close(found, &expected, 1e-11, "ahead");
    }
}

#[test]
fn what_cannot_be_is_minus_infinity_and_never_not_a_number() {
    // From left to right; symbol 2 is emitted by the last state alone, symbol 3 by none.
    let emission = Categorical::new(vec![
        vec![1.0, 0.0, 0.0, 0.0],
        vec![0.0, 1.0, 0.0, 0.0],
        vec![0.0, 0.5, 0.5, 0.0],
    ]);
    let start = vec![1.0, 0.0, 0.0];
    let transitions = vec![
        vec![0.5, 0.5, 0.0],
        vec![0.0, 0.5, 0.5],
        vec![0.0, 0.0, 1.0],
    ];
    let model = Hmm::new(start, transitions, emission.unwrap()).unwrap();
    let of = |symbols: &[u32]| symbols.iter().copied().map(Some).collect::<Vec<_>>();
    check(&model, &of(&[0, 0, 1, 1, 2, 2]));
    for impossible in [&[1, 0][..], &[3], &[0, 2], &[0, 1, 0], &[0, 3, 1, 2]] {
        let sequence = of(impossible);
        assert_eq!(model.log_likelihood(&sequence).unwrap(), f64::NEG_INFINITY);
        let path = model.viterbi(&sequence).unwrap();
        assert_eq!(path.log_p, f64::NEG_INFINITY);
        assert_eq!(path.states.len(), sequence.len());
        let error = model.posteriors(&sequence).unwrap_err().to_string();
        assert_eq!(
            error,
            "Hmm: sequence: expected one that the model can emit, found an impossible one"
        );
    }
    // What is read after something impossible is read as after something missing.
    let nats = model.next_symbol_nats(&[0, 3, 1, 2]).unwrap();
    assert_eq!(nats[1], f64::INFINITY);
    let missing = model.step_nats(&[Some(0), None, Some(1), Some(2)]).unwrap();
    assert_eq!(nats[2..], missing[2..]);
    assert!(nats[2..].iter().all(|nats| nats.is_finite()));

    // Numbers so far from all means that no density is left of them.
    let model = gaussian(1, false);
    let far = vec![vec![Some(1e200); FEATURES]];
    assert_eq!(model.log_likelihood(&far).unwrap(), f64::NEG_INFINITY);
    let Covariances::Diagonal(_) = model.emission().covariances() else {
        panic!("diagonal covariances were asked for");
    };
}
