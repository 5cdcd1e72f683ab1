//! How far back the loss at one step reaches.
//!
//! ```text
//! L = -ln p(x_{T+1} | x_1 .. x_T)        the loss at one step alone, of each row
//! dL/dh_t = dL/dh_T dh_T/dh_{T-1} .. dh_{t+1}/dh_t        through every layer above, too
//! ```
//!
//! Where its norm falls as fast as t goes back, nothing is learned of what was far before (vanishing);
//! where it rises, learning is thrown about (exploding). It is the total derivative with respect to
//! each tensor of the state alone, the others held: in an LSTM of `h_t` and of `c_t`.
//!
//! Autodiff gives it without a copy of any equation: to each tensor of the state a zero `z_t` is
//! added, and `dL/dz_t = dL/dh_t` ([`Watcher`]).
//!
//! Of a text it is the last step of a window, of examples another ([`of_examples`]).
//!
//! Hochreiter 1991, "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard and Frasconi
//! 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov and
//! Bengio 2013, arXiv 1211.5063.

mod of_examples;
mod of_text;

use backdraft_cells::{WatchedStep, Watcher};
use burn::module::Module;
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

pub(super) use of_examples::longest;
pub(crate) use of_examples::{LONGEST, of_examples};
pub(crate) use of_text::{of_text, rows, window};

use super::layer_name::LayerName;
use super::watching::valid_rows;

/// What a pass through a model is to take, in products of a weight with something: a second or two on two cores.
const PRODUCTS: usize = 20_000_000_000;
/// Steps back that are told of, at most.
const FURTHEST: usize = 256;
/// A step back is told of if so many of the rows reach it: a half.
const REACHED_BY: usize = 2;

/// How far back gradients reach in one tensor of a layer's state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateGradient {
    /// The layer.
    #[serde(flatten)]
    pub of: LayerName,
    /// The tensor: `hidden`, `cell` ..
    pub state: String,
    /// By how far back it is: 0 is the step of the loss. It ends before the first norm that is not finite.
    pub norms: Vec<GradientNorm>,
    /// What the norm is multiplied by with each step back, on average: the slope of a straight line
    /// through the logarithm of the medians. None if there are not two steps with a gradient.
    pub factor: Option<f64>,
}

/// The norm of the gradient at one step, over the rows of text or the examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GradientNorm {
    /// The norm below which a tenth of the rows are.
    pub tenth: f64,
    /// The norm of the row in the middle.
    pub median: f64,
    /// The norm above which a tenth of the rows are.
    pub ninetieth: f64,
}

/// How far back gradients reach after some steps of a training: a line of `gradients.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GradientSnapshot {
    pub(crate) step: usize,
    pub(crate) gradients: Vec<StateGradient>,
}

impl GradientSnapshot {
    /// A line for the file.
    pub(crate) fn line(step: usize, gradients: Vec<StateGradient>) -> String {
        let line = serde_json::to_string(&Self { step, gradients });
        format!("{}\n", line.expect("our own types are valid JSON"))
    }
}

/// The model as it is used, on its device with autodiff, where the weights need no gradients.
fn on_autodiff<M: Module>(model: &M) -> (M, Device) {
    let model = model.valid();
    let device = model.devices()[0].clone().autodiff();
    (model.fork(&device).freeze(), device)
}

/// What watches a layer whose gradients are looked at.
fn watcher() -> Watcher {
    Watcher::new().with_gradients().without_gates()
}

/// The norms of one tensor of a layer's state.
struct Norms {
    of: LayerName,
    state: String,
    /// Of each row, by how far back a step is.
    rows: Vec<Vec<f64>>,
}

impl Norms {
    fn told(self) -> StateGradient {
        let furthest = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let norms: Vec<GradientNorm> = (0..furthest.min(FURTHEST))
            .map(|back| {
                let reaching = self.rows.iter().filter_map(|row| row.get(back));
                reaching.copied().collect::<Vec<f64>>()
            })
            .take_while(|norms| norms.len() * REACHED_BY >= self.rows.len())
            .take_while(|norms| norms.iter().all(|norm| norm.is_finite()))
            .map(over_rows)
            .collect();
        StateGradient {
            of: self.of,
            state: self.state,
            factor: factor(&norms),
            norms,
        }
    }
}

/// The norms of each tensor of the state, at the steps of a layer, which are in the order in which they were taken.
fn norms(name: &LayerName, steps: &[WatchedStep], gradients: &Gradients) -> Vec<Norms> {
    let Some(first) = steps.first() else {
        return Vec::new();
    };
    let rows = first.output.dims()[0];
    let mut found: Vec<Norms> = first
        .state
        .iter()
        .map(|(state, _)| Norms {
            of: name.clone(),
            state: state.clone(),
            rows: vec![Vec::new(); rows],
        })
        .collect();
    for step in steps.iter().rev() {
        let valid = valid_rows(step);
        for (found, leaf) in found.iter_mut().zip(&step.added) {
            let norms = norm(leaf, gradients).into_iter().zip(&valid);
            for (row, (norm, valid)) in found.rows.iter_mut().zip(norms) {
                if *valid {
                    row.push(norm);
                }
            }
        }
    }
    found
}

/// The norm of each row; 0 where nothing depends on the leaf.
fn norm(leaf: &Tensor<2>, gradients: &Gradients) -> Vec<f64> {
    let [rows, units] = leaf.dims();
    let Some(gradient) = leaf.grad(gradients) else {
        return vec![0.0; rows];
    };
    let values: Vec<f64> = gradient.into_data().iter::<f64>().collect();
    let norm = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
    values.chunks(units).map(norm).collect()
}

fn over_rows(mut norms: Vec<f64>) -> GradientNorm {
    norms.sort_by(f64::total_cmp);
    let at = |part: f64| norms[((norms.len() - 1) as f64 * part).round() as usize];
    GradientNorm {
        tenth: at(0.1),
        median: at(0.5),
        ninetieth: at(0.9),
    }
}

/// The least-squares slope of `ln median` against the steps back, as a factor a step.
fn factor(norms: &[GradientNorm]) -> Option<f64> {
    let points = norms.iter().enumerate();
    let points: Vec<(f64, f64)> = points
        .filter(|(_, norm)| norm.median > 0.0 && norm.median.is_finite())
        .map(|(back, norm)| (back as f64, norm.median.ln()))
        .collect();
    if points.len() < 2 {
        return None;
    }
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let products = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    let squares = points.iter().map(|(x, _)| (x - mean_x).powi(2));
    Some((products.sum::<f64>() / squares.sum::<f64>()).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_that_of_a_geometric_series() {
        let norm = |median| GradientNorm {
            tenth: 0.0,
            median,
            ninetieth: 0.0,
        };
        let norms: Vec<GradientNorm> = (0..9).map(|k| norm(3.0 * 0.8f64.powi(k))).collect();
        assert!((factor(&norms).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(factor(&[norm(1.0), norm(0.0)]), None);
        assert_eq!(window(64), 128);
    }

    #[test]
    fn it_ends_where_too_few_reach_or_one_is_not_finite() {
        let told = |rows: Vec<Vec<f64>>| {
            let norms = Norms {
                of: LayerName::layer(1),
                state: "hidden".to_string(),
                rows,
            };
            let medians = norms.told().norms.into_iter().map(|norm| norm.median);
            medians.collect::<Vec<_>>()
        };
        let (one, two) = (vec![3.0, 2.0, 1.0], vec![3.0, 2.0]);
        assert_eq!(told(vec![one.clone(), two.clone()]), [3.0, 2.0, 1.0]);
        assert_eq!(
            told(vec![one.clone(), two.clone(), two.clone()]),
            [3.0, 2.0]
        );
        for lost in [f64::NAN, -f64::NAN, f64::INFINITY] {
            assert_eq!(told(vec![one.clone(), vec![3.0, lost, 1.0]]), [3.0]);
        }
        assert_eq!(told(vec![vec![1.0; 1000]]).len(), FURTHEST);
    }

    #[test]
    fn rows_are_told_by_their_middle_and_their_tenths() {
        let norms = (0..=10).rev().map(f64::from).collect();
        let expected = GradientNorm {
            tenth: 1.0,
            median: 5.0,
            ninetieth: 9.0,
        };
        assert_eq!(over_rows(norms), expected);
    }
}
