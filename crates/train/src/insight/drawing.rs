//! An insight as sections of a page.

mod activity;
mod coloured_text;
mod reach;
mod spectra;

use crate::drawing::chart::Chart;
use crate::drawing::html::escape;
use crate::drawing::{Inside, Picture, Section};
use crate::insight::spectrum::{MOST_UNITS_OFTEN, MOST_UNITS_SELDOM, Snapshot};
use crate::{Insight, Spectrum, TrainError};

/// What the recurrent matrices do, and what of it cannot be told.
pub(crate) fn what_recurs(
    spectra: &[Spectrum],
    snapshots: &[Snapshot],
) -> Result<(Section, Vec<String>), TrainError> {
    let mut missing = Vec::new();
    if snapshots.is_empty() && !spectra.is_empty() {
        let reason = "spectra over training: the run has no spectra.jsonl";
        missing.push(reason.to_string());
    }
    let over_training = snapshots.iter().flat_map(|snapshot| &snapshot.spectra);
    if over_training
        .into_iter()
        .any(|spectrum| spectrum.radius.is_none())
    {
        missing.push(format!(
            "some spectra over training: matrices of more than {MOST_UNITS_OFTEN} units are \
             looked at three times a run, of more than {MOST_UNITS_SELDOM} not at all"
        ));
    }
    let radii = spectra::radii(snapshots).into_iter();
    let radii = radii.map(picture).collect::<Result<Vec<_>, _>>()?;
    let panels = spectra::pictures(spectra, snapshots);
    let panels = panels
        .into_iter()
        .map(|(name, svg)| Picture::svg(name, svg));
    let section = Section {
        title: "What recurs".to_string(),
        about: "Each recurrent matrix by itself: along an eigenvector outside the unit \
                circle, what is fed back grows, inside it fades. Gates and nonlinearities \
                stand between the steps, so this is no bound of the whole cell."
            .to_string(),
        pictures: radii.into_iter().chain(panels).collect(),
    };
    Ok((section, missing))
}

fn picture(chart: Chart) -> Result<Picture, TrainError> {
    let svg = chart.svg()?;
    Ok(Picture::svg(chart.name, svg))
}

/// Draws an insight, and the spectra that were written over training.
pub(crate) fn draw(insight: &Insight, snapshots: &[Snapshot]) -> Result<Inside, TrainError> {
    let (recurs, more) = what_recurs(&insight.spectra, snapshots)?;
    let missing = [insight.missing.clone(), more].concat();
    let reach = reach::chart(&insight.gradients, insight.unroll);
    let reach = reach.map(picture).transpose()?;
    let gates = activity::pictures(&insight.activity);
    let units = insight.units.iter().map(|unit| Picture {
        name: format!("unit-{}", unit.feature.file()),
        svg: Some(coloured_text::svg(unit)),
        html: Some(format!(
            "<h3>{}</h3>\n{}",
            escape(&coloured_text::heading(unit)),
            coloured_text::html(&unit.passage)
        )),
    });
    let sections = vec![
        Section {
            title: "How far back gradients reach".to_string(),
            about: "The loss at one step of held-out text, and the norm of its gradient in the \
                    state of each step before (the median of some rows of text). A straight \
                    line downward is a gradient that vanishes, upward one that explodes. A \
                    curve that ends has fallen below 1e-12 of the greatest."
                .to_string(),
            pictures: reach.into_iter().collect(),
        },
        recurs,
        Section {
            title: "Gates".to_string(),
            about: "How often each value occurs (above; red: the bounds, beyond which a unit is \
                    left- or right-saturated), and each unit by the share of time in which it \
                    is that (below). Of a gate, left is shut and right is open; hidden is what \
                    the layer puts out, from -1 to 1. Stuck is what is saturated more than \
                    nine tenths of the time."
                .to_string(),
            pictures: gates
                .into_iter()
                .map(|(name, svg)| Picture::svg(name, svg))
                .collect(),
        },
        Section {
            title: "Telling units".to_string(),
            about: "For each feature of the text, the unit that follows it most closely: found \
                    on one part of held-out text, told and shown on another, after each \
                    character. Orange is above the unit's mean, blue below it."
                .to_string(),
            pictures: units.collect(),
        },
    ];
    Ok(Inside {
        sections,
        missing,
        skipped: None,
    })
}
