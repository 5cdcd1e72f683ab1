//! The eigenvalues of each recurrent matrix in the complex plane, as training went on.

use crate::drawing::canvas::{Anchor, BLUE, Canvas, INK, PALE, Panel};
use crate::drawing::chart::{Chart, Curve, GREY, Legend, Scale};
use crate::insight::spectrum::SpectrumSnapshot;
use crate::insight::{LayerName, Spectrum};

/// Pixels of a panel, and around it.
const PANEL: f64 = 190.0;
const LEFT: f64 = 90.0;
const TOP: f64 = 56.0;
const GAP: f64 = 26.0;
/// Pixels of the longest title.
const TITLE: f64 = 680.0;
/// Moments of the training that are drawn, the last one included.
const MOMENTS: usize = 4;

/// A moment of a training: what it is called, and the spectra then.
struct Moment<'a> {
    name: String,
    spectra: &'a [Spectrum],
}

/// A picture for each layer: a row for each matrix, a column for each moment.
pub(super) fn pictures(kept: &[Spectrum], snapshots: &[SpectrumSnapshot]) -> Vec<(String, String)> {
    let snapshots: Vec<&SpectrumSnapshot> = snapshots
        .iter()
        .filter(|snapshot| snapshot.spectra.iter().any(|one| one.radius.is_some()))
        .collect();
    let mut moments: Vec<Moment> = spaced(&snapshots, MOMENTS - 1)
        .map(|snapshot| Moment {
            name: match snapshot.step {
                0 => "untrained".to_string(),
                step => format!("after {step} steps"),
            },
            spectra: &snapshot.spectra,
        })
        .collect();
    moments.push(Moment {
        name: "the weights kept".to_string(),
        spectra: kept,
    });
    layers(kept)
        .into_iter()
        .filter_map(|layer| {
            let picture = picture(layer, &moments)?;
            Some((format!("spectrum-{}", layer.file()), picture))
        })
        .collect()
}

/// The layers of spectra, in their order.
fn layers(spectra: &[Spectrum]) -> Vec<&LayerName> {
    let mut layers: Vec<&LayerName> = spectra.iter().map(|spectrum| &spectrum.of).collect();
    layers.dedup();
    layers
}

/// At most so many of the snapshots, at equal distances, the first one first.
fn spaced<'a>(
    snapshots: &[&'a SpectrumSnapshot],
    most: usize,
) -> impl Iterator<Item = &'a SpectrumSnapshot> {
    let every = snapshots.len().div_ceil(most).max(1);
    snapshots.iter().step_by(every).copied()
}

fn picture(layer: &LayerName, moments: &[Moment]) -> Option<String> {
    let of = |moment: &Moment| -> Vec<Spectrum> {
        let spectra = moment.spectra.iter();
        spectra
            .filter(|spectrum| spectrum.of == *layer)
            .cloned()
            .collect()
    };
    let columns: Vec<(&str, Vec<Spectrum>)> = moments
        .iter()
        .map(|moment| (moment.name.as_str(), of(moment)))
        .collect();
    let gates: Vec<&str> = columns
        .last()?
        .1
        .iter()
        .map(|one| one.gate.as_str())
        .collect();
    let all = || columns.iter().flat_map(|(_, spectra)| spectra);
    all().find(|spectrum| spectrum.radius.is_some())?;
    let size = [
        (LEFT + columns.len() as f64 * (PANEL + GAP)).max(TITLE),
        TOP + gates.len() as f64 * (PANEL + GAP),
    ];
    let mut canvas = Canvas::new(size);
    let title = format!(
        "{}: eigenvalues of each recurrent matrix, against the unit circle",
        layer.title()
    );
    canvas.text([size[0] / 2.0, 20.0], Anchor::Middle, 15, &title);
    for (row, gate) in gates.iter().enumerate() {
        let top = TOP + row as f64 * (PANEL + GAP);
        let of_gate = all().filter(|spectrum| spectrum.gate == *gate);
        // One scale for a matrix at all times, to see it grow, with the unit circle inside.
        let largest = of_gate.filter_map(|one| one.radius).fold(1.0, f64::max);
        let (limit, tick) = (largest * 1.08, largest.floor());
        let ticks = [-tick, 0.0, tick];
        canvas.text([LEFT - 28.0, top + PANEL / 2.0], Anchor::End, 12, gate);
        for (column, (moment, spectra)) in columns.iter().enumerate() {
            let left = LEFT + column as f64 * (PANEL + GAP);
            if row == 0 {
                canvas.text([left + PANEL / 2.0, TOP - 10.0], Anchor::Middle, 12, moment);
            }
            let panel = Panel {
                place: [left, top],
                size: [PANEL; 2],
                x: [-limit, limit],
                y: [-limit, limit],
            };
            let y: &[f64] = if column == 0 { &ticks } else { &[] };
            panel.frame(&mut canvas, &ticks, y);
            panel.line(&mut canvas, [[-limit, 0.0], [limit, 0.0]], PALE);
            panel.line(&mut canvas, [[0.0, -limit], [0.0, limit]], PALE);
            panel.circle(&mut canvas, 1.0, INK);
            let found = spectra.iter().find(|spectrum| spectrum.gate == *gate);
            let told = match found.and_then(|spectrum| Some((spectrum, spectrum.radius?))) {
                Some((spectrum, radius)) => {
                    let dots = spectrum.all().map(|value| value.map(f64::from));
                    panel.dots(&mut canvas, dots, BLUE);
                    format!("radius {radius:.2}")
                }
                None => "not computed".to_string(),
            };
            canvas.text([left + 5.0, top + 13.0], Anchor::Start, 11, &told);
        }
    }
    Some(canvas.svg())
}

/// The spectral radius of each matrix over the steps of the training: a chart for each layer, if
/// the training left snapshots.
pub(super) fn radii(snapshots: &[SpectrumSnapshot]) -> Vec<Chart> {
    let first = snapshots.first().map(|snapshot| &snapshot.spectra[..]);
    let layers = layers(first.unwrap_or_default()).into_iter();
    layers
        .filter_map(|layer| radii_of(layer, snapshots))
        .collect()
}

fn radii_of(layer: &LayerName, snapshots: &[SpectrumSnapshot]) -> Option<Chart> {
    let last = snapshots.last()?.step.max(1) as f64;
    let first = snapshots.first()?.spectra.iter().enumerate();
    let curves = first
        .filter(|(_, spectrum)| spectrum.of == *layer)
        .map(|(index, spectrum)| {
            let points = snapshots.iter().filter_map(|snapshot| {
                let radius = snapshot.spectra.get(index)?.radius?;
                Some((snapshot.step as f64, radius))
            });
            (spectrum.gate.clone(), points.collect::<Vec<_>>())
        })
        .filter(|(_, points)| !points.is_empty());
    let mut curves: Vec<Curve> = curves
        .enumerate()
        .map(|(colour, (gate, points))| Curve {
            name: gate,
            in_legend: true,
            colour,
            points,
            width: 2,
            dashed: false,
        })
        .collect();
    if curves.is_empty() {
        return None;
    }
    curves.push(Curve {
        name: "unit circle".to_string(),
        in_legend: false,
        colour: GREY,
        points: vec![(0.0, 1.0), (last, 1.0)],
        width: 1,
        dashed: true,
    });
    Some(Chart {
        name: format!("spectral-radius-{}", layer.file()),
        title: format!(
            "{}: spectral radius of each recurrent matrix (dashed: 1)",
            layer.title()
        ),
        across: "steps",
        scale: Scale::Linear,
        legend: Legend::Below,
        curves,
    })
}
