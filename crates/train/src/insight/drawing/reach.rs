//! How far back gradients reach: their norm against the steps back from the loss.

use crate::drawing::chart::{Chart, Curve, GREY, Legend, Scale};
use crate::insight::{StateGradient, is_told};

/// What is smaller, beside the greatest norm, is not drawn: in single precision it is gone for
/// learning, and the rest would be squeezed together.
const LEAST: f64 = 1e-12;

/// The norms of what each layer puts out and remembers, if there are any.
pub(super) fn chart(gradients: &[StateGradient], unroll: usize) -> Option<Chart> {
    let shown = |one: &&StateGradient| is_told(&one.state);
    let gradients: Vec<&StateGradient> = gradients.iter().filter(shown).collect();
    let norms = gradients.iter().flat_map(|one| &one.norms);
    let finite = norms
        .map(|norm| norm.median)
        .filter(|value| value.is_finite());
    let greatest = finite.fold(0.0, f64::max);
    let least = greatest * LEAST;
    let curve = |(colour, of_state): (usize, &&StateGradient)| {
        let norms = of_state.norms.iter().map(|norm| norm.median).enumerate();
        let shown = norms.filter(|(_, norm)| *norm > least && norm.is_finite());
        Curve {
            name: Some(format!("layer {}, {}", of_state.layer, of_state.state)),
            colour,
            points: shown.map(|(back, norm)| (back as f64, norm)).collect(),
            width: 2,
            dashed: false,
        }
    };
    let mut curves: Vec<Curve> = gradients.iter().enumerate().map(curve).collect();
    let values = curves.iter().flat_map(|curve| &curve.points);
    let lowest = values.map(|(_, norm)| *norm).reduce(f64::min)?;
    let furthest = gradients
        .iter()
        .map(|one| one.norms.len())
        .max()
        .unwrap_or(0);
    if unroll < furthest {
        let unroll = unroll as f64;
        curves.push(Curve {
            name: None,
            colour: GREY,
            points: vec![(unroll, lowest), (unroll, greatest)],
            width: 1,
            dashed: true,
        });
    }
    Some(Chart {
        name: "gradient-through-time".to_string(),
        title: "Norm of dL/dh_t, by how far t is back from the loss (dashed: a window of training)"
            .to_string(),
        across: "steps back",
        scale: Scale::Logarithmic,
        legend: Legend::Above,
        curves,
    })
}
