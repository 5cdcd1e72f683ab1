//! What is in each panel of the figure.

use std::error::Error;
use std::path::Path;

use crate::curves::Curve;
use crate::drawing::{self, Line, Panel, Plane};
use crate::nets::SHORT;
use crate::{Findings, RADII, spectra};

/// Draws it.
pub fn draw(path: &Path, found: &Findings) -> Result<(), Box<dyn Error>> {
    let spectra = RADII.iter().zip(&found.matrices);
    let plane = Plane {
        title: "Eigenvalues of U, and the unit circle",
        spectra: spectra
            .map(|(rho, matrix)| (format!("rho {rho:.1}"), spectra::eigenvalues(matrix)))
            .collect(),
    };
    let at_rest = RADII.map(powers);
    let bounds = found.driven.iter().zip(&found.matrices);
    let bounds: Vec<_> = bounds
        .map(|(curve, matrix)| powers(curve.gamma * spectra::norm(matrix)))
        .collect();
    let loosest = RADII[RADII.len() - 1];
    let panels = [
        Panel {
            title: "Plain net at rest: |dh_T/dh_i| = |U^(T-i)|",
            dashes: "rho^(T-i)",
            lines: lines(&found.at_rest, &at_rest),
            powers: (-12, 8),
        },
        Panel {
            title: "Plain net, input of strength 1: |dh_T/dh_i|",
            dashes: "bound",
            lines: lines(&found.driven, &bounds),
            powers: (-16, 4),
        },
        Panel {
            title: "Plain net, rho 1.5, from rest to saturation",
            dashes: "1.5^(T-i)",
            lines: lines(&found.saturated, &[powers(loosest)]),
            powers: (-14, 8),
        },
        Panel {
            title: "LSTM: |d(h,c)_T/d(h,c)_i|",
            dashes: "f f .. f",
            lines: lines(&found.lstm, &direct(&found.lstm)),
            powers: (-12, 2),
        },
        Panel {
            title: "GRU: |dh_T/dh_i|",
            dashes: "z z .. z",
            lines: lines(&found.gru, &direct(&found.gru)),
            powers: (-12, 2),
        },
    ];
    drawing::draw(path, &plane, &panels)
}

fn powers(base: f64) -> Vec<f64> {
    (1..=SHORT as i32).map(|back| base.powi(back)).collect()
}

fn direct(curves: &[Curve]) -> Vec<Vec<f64>> {
    let of = |curve: &Curve| curve.direct.as_ref().map(|direct| direct.predicted.clone());
    curves.iter().filter_map(of).collect()
}

/// The curves, the first of them with the first of `beside`, and so on.
fn lines<'a>(curves: &'a [Curve], beside: &[Vec<f64>]) -> Vec<Line<'a>> {
    let beside = beside
        .iter()
        .cloned()
        .chain(std::iter::repeat_with(Vec::new));
    let pairs = curves.iter().zip(beside);
    let line = |(curve, beside): (&'a Curve, Vec<f64>)| Line {
        name: &curve.name,
        norms: &curve.whole,
        beside,
    };
    pairs.map(line).collect()
}
