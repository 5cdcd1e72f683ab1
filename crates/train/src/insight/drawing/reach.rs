//! How far back gradients reach: their norm against the steps back from the loss.

use crate::drawing::chart::{Chart, Curve, GREY, Legend, Scale};
use crate::insight::gradient_through_time::GradientSnapshot;
use crate::insight::{GradientNorm, LayerName, StateGradient, is_told};

/// What is smaller, beside the greatest norm, is not drawn: in single precision it is gone for
/// learning, and the rest would be squeezed together.
const LEAST: f64 = 1e-12;

/// A chart for each stack of layers, of what each of its layers puts out and remembers; `unroll` is the length of a
/// window of training, beyond which no gradient goes.
pub(super) fn charts(gradients: &[StateGradient], unroll: Option<usize>) -> Vec<Chart> {
    let mut stacks: Vec<&Option<String>> = gradients.iter().map(|one| &one.of.stack).collect();
    stacks.dedup();
    let of_stack = |stack: &Option<String>| {
        let gradients = gradients.iter().filter(|one| one.of.stack == *stack);
        let (file, place) = match stack {
            Some(stack) => (
                format!("-{stack}"),
                format!(" in the layers of the {stack}"),
            ),
            None => Default::default(),
        };
        let mut chart = Chart {
            name: format!("gradient-through-time{file}"),
            title: format!("Norm of dL/dh_t{place}, by how far t is back from the loss"),
            across: "steps back",
            scale: Scale::Logarithmic,
            legend: Legend::Above,
            curves: curves(&gradients.collect::<Vec<_>>())?,
        };
        mark_window(&mut chart, unroll);
        Some(chart)
    };
    stacks.into_iter().filter_map(of_stack).collect()
}

fn curves(gradients: &[&StateGradient]) -> Option<Vec<Curve>> {
    let mut layers: Vec<&LayerName> = gradients.iter().map(|one| &one.of).collect();
    layers.dedup();
    let mut curves = Vec::new();
    for (colour, layer) in layers.into_iter().enumerate() {
        for (one, width) in of_layer(gradients, layer) {
            let name = format!("{}, {}", layer.in_stack(), one.state);
            curves.push(curve(one, name, colour, width));
        }
    }
    reaching(curves)
}

/// A chart for each layer: the same before training, during it and at its end.
pub(super) fn over_training(snapshots: &[GradientSnapshot]) -> Vec<Chart> {
    let Some(first) = snapshots.first() else {
        return Vec::new();
    };
    let mut layers: Vec<&LayerName> = first.gradients.iter().map(|one| &one.of).collect();
    layers.dedup();
    let of_moments = |layer: &LayerName| {
        let mut curves = Vec::new();
        for (index, snapshot) in snapshots.iter().enumerate() {
            let (colour, moment) = match snapshot.step {
                0 => (GREY, "untrained".to_string()),
                step => (snapshots.len() - 1 - index, format!("after {step} steps")),
            };
            let gradients: Vec<&StateGradient> = snapshot.gradients.iter().collect();
            for (one, width) in of_layer(&gradients, layer) {
                let name = format!("{}, {moment}", one.state);
                curves.push(curve(one, name, colour, width));
            }
        }
        reaching(curves).map(|curves| Chart {
            name: format!("gradient-over-training-{}", layer.file()),
            title: format!("{}: the same, as training went on", layer.title()),
            across: "steps back",
            scale: Scale::Logarithmic,
            legend: Legend::Above,
            curves,
        })
    };
    layers.into_iter().filter_map(of_moments).collect()
}

/// What is told of a layer, each with the width of its curve: what it puts out is drawn thicker than what it remembers.
fn of_layer<'a>(
    gradients: &[&'a StateGradient],
    layer: &LayerName,
) -> Vec<(&'a StateGradient, u32)> {
    let told = |one: &&&StateGradient| one.of == *layer && is_told(&one.state);
    let told = gradients.iter().filter(told).copied();
    let width = |index: usize| if index == 0 { 2 } else { 1 };
    told.enumerate()
        .map(|(index, one)| (one, width(index)))
        .collect()
}

fn curve(one: &StateGradient, name: String, colour: usize, width: u32) -> Curve {
    let norms = one
        .norms
        .iter()
        .map(|norm: &GradientNorm| norm.median)
        .enumerate();
    Curve {
        name,
        in_legend: true,
        colour,
        points: norms.map(|(back, norm)| (back as f64, norm)).collect(),
        width,
        dashed: false,
    }
}

/// The curves without what is too small beside the greatest norm of all; none where nothing is left.
fn reaching(mut curves: Vec<Curve>) -> Option<Vec<Curve>> {
    let norms = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|(_, norm)| *norm);
    let least = norms.fold(0.0, f64::max) * LEAST;
    for curve in &mut curves {
        curve.points.retain(|(_, norm)| *norm > least);
    }
    curves.retain(|curve| !curve.points.is_empty());
    (!curves.is_empty()).then_some(curves)
}

fn mark_window(chart: &mut Chart, unroll: Option<usize>) {
    let points = || chart.curves.iter().flat_map(|curve| &curve.points);
    let furthest = points().map(|(back, _)| *back).fold(0.0, f64::max);
    let lowest = points()
        .map(|(_, norm)| *norm)
        .fold(f64::INFINITY, f64::min);
    let greatest = points().map(|(_, norm)| *norm).fold(0.0, f64::max);
    let Some(unroll) = unroll
        .map(|unroll| unroll as f64)
        .filter(|unroll| *unroll < furthest)
    else {
        return;
    };
    chart.title += " (dashed: a window of training)";
    chart.curves.push(Curve {
        name: "window of training".to_string(),
        in_legend: false,
        colour: GREY,
        points: vec![(unroll, lowest), (unroll, greatest)],
        width: 1,
        dashed: true,
    });
}
