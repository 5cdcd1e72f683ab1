//! The conditional random field on every compiled backend, against every sequence of tags.

use backdraft_cells::Lengths;
use backdraft_models::{Crf, CrfConfig};
use burn::module::Param;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{cpus, devices};

const TAGS: usize = 3;
const TIME: usize = 4;
const LENGTHS: [usize; 4] = [4, 2, 1, 0];
/// The right tags; what is no tag stands in the padding.
const RIGHT: [[i32; TIME]; 4] = [[0, 2, 1, 1], [2, 0, 9, 9], [1, -1, 9, 9], [9, 9, 9, 9]];

/// All scores of a field and the emissions of four rows.
#[derive(Clone)]
struct Scores {
    transitions: Vec<f64>,
    start: Vec<f64>,
    end: Vec<f64>,
    emissions: Vec<f64>,
}

impl Scores {
    fn drawn(seed: u64, range: f64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        // Through f32, so that host and device have the same numbers.
        let mut draw = |count: usize| -> Vec<f64> {
            let one = |_| f64::from(random.random_range(-range..range) as f32);
            (0..count).map(one).collect()
        };
        Self {
            transitions: draw(TAGS * TAGS),
            start: draw(TAGS),
            end: draw(TAGS),
            emissions: draw(LENGTHS.len() * TIME * TAGS),
        }
    }

    /// Every tagging of a row, with its score.
    fn taggings(&self, row: usize) -> Vec<(Vec<usize>, f64)> {
        let length = LENGTHS[row];
        let all = 0..TAGS.pow(length as u32);
        let tags = |code: usize| (0..length).map(move |t| code / TAGS.pow(t as u32) % TAGS);
        all.map(|code| {
            let y: Vec<usize> = tags(code).collect();
            let score = self.score(row, &y);
            (y, score)
        })
        .collect()
    }

    fn score(&self, row: usize, y: &[usize]) -> f64 {
        let mut score = 0.0;
        for (t, &tag) in y.iter().enumerate() {
            score += self.emissions[(row * TIME + t) * TAGS + tag];
            score += match t {
                0 => self.start[tag],
                t => self.transitions[y[t - 1] * TAGS + tag],
            };
        }
        score + y.last().map_or(0.0, |&tag| self.end[tag])
    }

    fn log_z(&self, row: usize) -> f64 {
        let scores = self.taggings(row);
        let most = scores.iter().map(|(_, s)| *s).fold(f64::MIN, f64::max);
        let sum: f64 = scores.iter().map(|(_, s)| (s - most).exp()).sum();
        sum.ln() + most
    }

    fn nats(&self, row: usize) -> f64 {
        let right = RIGHT[row][..LENGTHS[row]].iter();
        let right: Vec<usize> = right.map(|&tag| tag as usize).collect();
        self.log_z(row) - self.score(row, &right)
    }

    /// The sum of all rows' losses, weighted differently.
    fn weighted(&self) -> f64 {
        (0..LENGTHS.len())
            .map(|row| WEIGHTS[row] * self.nats(row))
            .sum()
    }

    fn crf(&self, device: &Device) -> Crf {
        let mut crf = CrfConfig::new(TAGS).init(device).unwrap();
        let matrix = floats(&self.transitions, [TAGS, TAGS], device);
        crf.transitions = Param::from_tensor(matrix);
        crf.start = Param::from_tensor(floats(&self.start, [TAGS], device));
        crf.end = Param::from_tensor(floats(&self.end, [TAGS], device));
        crf
    }

    /// With NaN in the padding.
    fn padded(&self, device: &Device) -> Tensor<3> {
        let mut emissions = self.emissions.clone();
        for (row, length) in LENGTHS.into_iter().enumerate() {
            emissions[(row * TIME + length) * TAGS..(row + 1) * TIME * TAGS].fill(f64::NAN);
        }
        floats(&emissions, [LENGTHS.len(), TIME, TAGS], device)
    }
}

const WEIGHTS: [f64; 4] = [1.0, -0.5, 2.0, 3.0];

fn floats<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn right(device: &Device) -> Tensor<2, Int> {
    let shape = [LENGTHS.len(), TIME];
    Tensor::from_data(TensorData::new(RIGHT.concat(), shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let close = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(close, "{what}: {found} against {expected}");
    }
}

#[test]
fn partition_score_and_loss_are_those_of_every_sequence() {
    for device in devices() {
        // The last has sums that f64 cannot hold unshifted, and scores that no shift holds.
        for (seed, range) in [(1, 1.0), (2, 20.0), (3, 2000.0)] {
            let scores = Scores::drawn(seed, range);
            let (crf, lengths) = (scores.crf(&device), Lengths::new(LENGTHS));
            let emissions = || scores.padded(&device);
            let rows = 0..LENGTHS.len();
            let log_z: Vec<f64> = rows.clone().map(|row| scores.log_z(row)).collect();
            let found = values(crf.log_partition(emissions(), &lengths).unwrap());
            assert_close(&found, &log_z, 1e-5, "ln Z");
            let nats: Vec<f64> = rows.map(|row| scores.nats(row)).collect();
            let score = values(crf.score(emissions(), right(&device), &lengths).unwrap());
            let expected: Vec<f64> = log_z.iter().zip(&nats).map(|(z, n)| z - n).collect();
            assert_close(&score, &expected, 1e-5, "score");
            let found = crf.nats(emissions(), right(&device), &lengths).unwrap();
            assert_close(&values(found), &nats, 1e-5 * range.max(1.0), "nats");
        }
    }
}

/// The gradient of [`Scores::weighted`] by one kind of scores, by central differences.
fn differences(scores: &Scores, of: impl Fn(&mut Scores) -> &mut Vec<f64>) -> Vec<f64> {
    let count = of(&mut scores.clone()).len();
    let at = |index: usize, by: f64| {
        let mut moved = scores.clone();
        of(&mut moved)[index] += by;
        moved.weighted()
    };
    let slope = |index| (at(index, 1e-5) - at(index, -1e-5)) / 2e-5;
    (0..count).map(slope).collect()
}

#[test]
fn gradients_are_those_of_every_sequence_on_the_host_and_on_the_device() {
    for device in cpus() {
        let device = device.autodiff();
        let scores = Scores::drawn(5, 1.5);
        let lengths = Lengths::new(LENGTHS);
        let expected = [
            differences(&scores, |scores| &mut scores.emissions),
            differences(&scores, |scores| &mut scores.transitions),
            differences(&scores, |scores| &mut scores.start),
            differences(&scores, |scores| &mut scores.end),
        ];
        for on_device in [false, true] {
            let crf = scores.crf(&device);
            let emissions = scores.padded(&device).require_grad();
            let nats = match on_device {
                false => crf.nats(emissions.clone(), right(&device), &lengths),
                true => crf
                    .log_partition(emissions.clone(), &lengths)
                    .and_then(|log_z| {
                        Ok(log_z - crf.score(emissions.clone(), right(&device), &lengths)?)
                    }),
            };
            let weights = floats(&WEIGHTS, [LENGTHS.len()], &device);
            let gradients = (nats.unwrap() * weights).sum().backward();
            let found = [
                values(emissions.grad(&gradients).unwrap()),
                values(crf.transitions.grad(&gradients).unwrap()),
                values(crf.start.grad(&gradients).unwrap()),
                values(crf.end.grad(&gradients).unwrap()),
            ];
            let names = ["emissions", "transitions", "start", "end"];
            for ((found, expected), name) in found.iter().zip(&expected).zip(names) {
                let name = format!("{name}, on the device: {on_device}");
                assert_close(found, expected, 2e-5, &name);
            }
        }
    }
}

#[test]
fn gradients_of_scores_far_apart_are_finite_and_right() {
    for device in cpus() {
        let device = device.autodiff();
        let scores = Scores::drawn(7, 2000.0);
        let crf = scores.crf(&device);
        let emissions = scores.padded(&device).require_grad();
        let nats = crf.nats(emissions.clone(), right(&device), &Lengths::new(LENGTHS));
        let gradients = nats.unwrap().sum().backward();
        // One tagging has all the probability, so that pairs are counted: found less right.
        let mut expected = vec![0.0; TAGS * TAGS];
        for (row, length) in LENGTHS.into_iter().enumerate() {
            let taggings = scores.taggings(row);
            let best = taggings.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            for pair in best.0.windows(2) {
                expected[pair[0] * TAGS + pair[1]] += 1.0;
            }
            for pair in RIGHT[row][..length].windows(2) {
                expected[pair[0] as usize * TAGS + pair[1] as usize] -= 1.0;
            }
        }
        let found = values(crf.transitions.grad(&gradients).unwrap());
        assert_close(&found, &expected, 1e-5, "transitions");
        let found = values(emissions.grad(&gradients).unwrap());
        assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
    }
}

#[test]
fn viterbi_finds_the_best_sequence_and_marginals_sum_over_all() {
    for device in cpus() {
        for seed in 0..20 {
            let scores = Scores::drawn(seed, 2.0);
            let (crf, lengths) = (scores.crf(&device), Lengths::new(LENGTHS));
            let found = crf.decode(scores.padded(&device), &lengths).unwrap();
            let marginals = crf.marginals(scores.padded(&device), &lengths).unwrap();
            for row in 0..LENGTHS.len() {
                let taggings = scores.taggings(row);
                let best = taggings.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
                assert_eq!(found[row], best.0);
                let mut expected = vec![vec![0.0; TAGS]; LENGTHS[row]];
                for (y, score) in &taggings {
                    let p = (score - scores.log_z(row)).exp();
                    y.iter()
                        .enumerate()
                        .for_each(|(t, &tag)| expected[t][tag] += p);
                }
                let (found, expected) = (marginals[row].concat(), expected.concat());
                assert_close(&found, &expected, 1e-6, "marginals");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let device = &cpus()[0];
    assert_eq!(
        CrfConfig::new(0).init(device).unwrap_err().to_string(),
        "Crf: tags: expected at least 1, found 0"
    );
    let crf = CrfConfig::new(3).init(device).unwrap();
    let error = |shape: [usize; 3], tags: [usize; 2], lengths: &[usize]| {
        let (emissions, tags) = (Tensor::zeros(shape, device), Tensor::zeros(tags, device));
        let nats = crf.nats(emissions, tags, &Lengths::new(lengths.to_vec()));
        nats.unwrap_err().to_string()
    };
    assert_eq!(
        error([2, 4, 5], [2, 4], &[4, 1]),
        "Crf: emissions [batch, time, tags]: expected [at least 1, at least 1, 3], found [2, 4, 5]"
    );
    assert_eq!(
        error([2, 4, 3], [2, 3], &[4, 1]),
        "Crf: tags [batch, time]: expected [2, 4], found [2, 3]"
    );
    assert_eq!(
        error([2, 4, 3], [2, 4], &[4, 5]),
        "Crf: length of row 1: expected at most 4, the steps of the batch, found 5"
    );
}
