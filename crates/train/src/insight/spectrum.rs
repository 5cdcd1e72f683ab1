//! What a recurrent matrix does to a state that it multiplies step after step.
//!
//! ```text
//! R v = lambda v        radius = max |lambda|
//! ```
//!
//! In a linear recurrence `h_t = R h_{t-1}`, what lies along `v` grows where `|lambda| > 1`, fades
//! where `|lambda| < 1`, and turns where `lambda` is complex. In a gated cell each gate has a
//! matrix of its own, and the bound says how strongly that gate or candidate can feed on itself:
//! a nonlinearity and the other gates stand between the steps, so it is no bound of the whole cell.
//! A layer-normalised cell scales the product afterwards.
//!
//! Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
//! arXiv 1211.5063.

use std::thread;

use backdraft_cells::CellBase;
use backdraft_models::{Encoder, eigenvalues};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::layer_name::{LayerName, names};

/// Units of the largest matrix whose eigenvalues are computed.
pub(crate) const MOST_UNITS: usize = 2048;
/// The same while a training waits for it: ten times a run, and at some of these times. The time it
/// takes grows with the cube of the units; for four matrices of 512 it is a fifth of a second on two
/// cores, of 1024 more than one.
pub(crate) const MOST_UNITS_OFTEN: usize = 512;
pub(crate) const MOST_UNITS_SELDOM: usize = 1024;

/// The eigenvalues of a recurrent matrix.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spectrum {
    /// The layer of the cell.
    #[serde(flatten)]
    pub of: LayerName,
    /// The gate, or `candidate`, or `hidden`.
    pub gate: String,
    /// Units: the matrix is square.
    pub units: usize,
    /// The spectral radius; none if there are no eigenvalues.
    pub radius: Option<f64>,
    /// Real and imaginary part of each eigenvalue whose imaginary part is not below 0: a real
    /// matrix has the conjugate of each of the others, too. None where the matrix is too large or
    /// not finite.
    pub eigenvalues: Vec<[f32; 2]>,
}

impl Spectrum {
    /// Every eigenvalue, those with an imaginary part below 0 included.
    pub fn all(&self) -> impl Iterator<Item = [f32; 2]> + '_ {
        let conjugate = |&[re, im]: &[f32; 2]| (im > 0.0).then_some([re, -im]);
        let below = self.eigenvalues.iter().filter_map(conjugate);
        self.eigenvalues.iter().copied().chain(below)
    }

    /// Why there are no eigenvalues, if there are none.
    pub(crate) fn why_not(&self) -> Option<String> {
        let Self {
            of, gate, units, ..
        } = self;
        let why = match self.radius {
            Some(_) => return None,
            None if *units > MOST_UNITS => format!("{units} units are more than {MOST_UNITS}"),
            None => "its weights are not finite, or its eigenvalues were not found".to_string(),
        };
        Some(format!("spectrum of {of}, {gate}: {why}"))
    }
}

/// The spectra of a model after some steps of its training: a line of `spectra.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpectrumSnapshot {
    pub(crate) step: usize,
    pub(crate) spectra: Vec<Spectrum>,
}

impl SpectrumSnapshot {
    /// A line for the file; `seldom` of those at which larger matrices are looked at, too.
    pub(crate) fn line(step: usize, stacks: &[(&str, &Encoder)], seldom: bool) -> String {
        let most = match seldom {
            true => MOST_UNITS_SELDOM,
            false => MOST_UNITS_OFTEN,
        };
        let spectra = spectra(stacks, most);
        let snapshot = Self { step, spectra };
        let line = serde_json::to_string(&snapshot).expect("our own types are valid JSON");
        format!("{line}\n")
    }
}

/// The spectrum of each recurrent matrix of stacks; without eigenvalues where there are more than `most` units.
pub(crate) fn spectra(stacks: &[(&str, &Encoder)], most: usize) -> Vec<Spectrum> {
    let layers = stacks.iter().flat_map(|(_, stack)| stack.recurrences());
    let matrices = names(stacks)
        .into_iter()
        .zip(layers)
        .flat_map(|(name, layer)| {
            let matrices = layer.cell.recurrent_matrices().into_iter();
            matrices.map(move |(gate, matrix)| (name.clone(), gate, matrix))
        });
    let matrices: Vec<(LayerName, &str, Tensor<2>)> = matrices.collect();
    // They are independent of each other, and each is computed on one thread.
    thread::scope(|scope| {
        let start = |(of, gate, matrix): (LayerName, &'static str, Tensor<2>)| {
            let units = matrix.dims()[0];
            let values: Vec<f32> = match units <= most {
                true => matrix.into_data().iter::<f32>().collect(),
                false => Vec::new(),
            };
            let found = scope.spawn(move || eigenvalues(&values, units));
            (of, gate, units, found)
        };
        let started: Vec<_> = matrices.into_iter().map(start).collect();
        let finish = |(of, gate, units, found): (_, &str, _, thread::ScopedJoinHandle<_>)| {
            // A training does not end because a matrix has no picture.
            let eigenvalues: Option<Vec<[f32; 2]>> = found.join().ok().flatten();
            spectrum(of, gate, units, eigenvalues)
        };
        started.into_iter().map(finish).collect()
    })
}

fn spectrum(of: LayerName, gate: &str, units: usize, found: Option<Vec<[f32; 2]>>) -> Spectrum {
    let size = |[re, im]: &[f32; 2]| f64::from(*re).hypot(f64::from(*im));
    let radius = found
        .as_ref()
        .map(|found| found.iter().map(size).fold(0.0, f64::max));
    // Enough digits for a picture, in a fifth of the space.
    let short = |x: f32| (x * 1e4).round() / 1e4;
    let upper = found.into_iter().flatten().filter(|[_, im]| *im >= 0.0);
    Spectrum {
        of,
        gate: gate.to_string(),
        units,
        radius,
        eigenvalues: upper.map(|value| value.map(short)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut values: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
        values.sort_by(|a, b| a.partial_cmp(b).unwrap());
        values
    }

    fn assert_close(found: &[[f32; 2]], expected: &[[f32; 2]]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn a_scaled_rotation_turns_and_shrinks() {
        // A rotation by 60 degrees, scaled by 0.8, and beside it a number: 1.25.
        let (cos, sin) = (0.4, 0.692_820_3);
        let rows = [cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.25];
        let found = sorted(eigenvalues(&rows, 3).unwrap());
        let expected = [[cos, -sin], [cos, sin], [1.25, 0.0]];
        assert_close(&found, &expected);
        let spectrum = spectrum(LayerName::layer(1), "hidden", 3, Some(found));
        assert!((spectrum.radius.unwrap() - 1.25).abs() < 1e-6);
        assert_eq!(spectrum.eigenvalues.len(), 2);
        assert_close(&sorted(spectrum.all().collect()), &expected);
    }

    /// Recorded by `spectrum/numpy.py`, as exact as single precision is.
    #[test]
    fn eigenvalues_are_those_of_numpy() {
        #[derive(serde::Deserialize)]
        struct Case {
            size: usize,
            rows: Vec<f32>,
            eigenvalues: Vec<[f32; 2]>,
        }
        let cases: Vec<Case> = serde_json::from_str(include_str!("spectrum/numpy.json")).unwrap();
        for Case {
            size,
            rows,
            eigenvalues: expected,
        } in cases
        {
            let mut found = eigenvalues(&rows, size).unwrap();
            assert_eq!(found.len(), expected.len());
            // Each once, whatever their order.
            for value in expected {
                let distance = |other: &[f32; 2]| (value[0] - other[0]).hypot(value[1] - other[1]);
                let nearest = (0..found.len())
                    .min_by(|a, b| distance(&found[*a]).total_cmp(&distance(&found[*b])));
                let nearest = found.swap_remove(nearest.unwrap());
                assert!(distance(&nearest) < 1e-5, "{nearest:?} for {value:?}");
            }
        }
    }

    #[test]
    fn what_is_too_large_has_no_spectrum() {
        let large = spectrum(LayerName::layer(2), "update", 5000, None);
        let why = large.why_not().unwrap();
        assert_eq!(
            why,
            "spectrum of layer 2, update: 5000 units are more than 2048"
        );
    }
}
