//! An insight as sections of a page.

mod activity;
mod coloured_text;
mod reach;
mod spectra;

use crate::drawing::chart::Chart;
use crate::drawing::html::escape;
use crate::drawing::{Inside, Picture, Section};
use crate::insight::snapshots::Snapshots;
use crate::insight::spectrum::{MOST_UNITS_OFTEN, MOST_UNITS_SELDOM, SpectrumSnapshot};
use crate::insight::{StateGradient, UnitActivity};
use crate::{Insight, Spectrum, TrainError};

/// What the recurrent matrices do, and what of it cannot be told.
pub(crate) fn what_recurs(
    spectra: &[Spectrum],
    snapshots: &[SpectrumSnapshot],
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

/// How far back gradients reach, now and as training went on. `about` says of which loss; `unroll` is the length of a
/// window of training, where there is one.
pub(crate) fn reach(
    about: &str,
    gradients: &[StateGradient],
    snapshots: &Snapshots,
    unroll: Option<usize>,
) -> Result<Section, TrainError> {
    let now = reach::charts(gradients, unroll).into_iter();
    let charts = now.chain(reach::over_training(&snapshots.gradients));
    Ok(Section {
        title: "How far back gradients reach".to_string(),
        about: format!(
            "{about} Drawn is the norm of the gradient of L in the state of each step before, the median of all. A straight line \
             downward is a gradient that vanishes, upward one that explodes. A curve ends where fewer than \
             half of the examples reach, or below 1e-12 of the greatest. Thick: what a layer puts out; thin: what it remembers beside that."
        ),
        pictures: charts.map(picture).collect::<Result<_, _>>()?,
    })
}

/// How open the gates are.
pub(crate) fn gates(activity: &[UnitActivity]) -> Section {
    let pictures = activity::pictures(activity).into_iter();
    Section {
        title: "Gates".to_string(),
        about: "How often each value occurs (above; red: the bounds, beyond which a unit is \
                left- or right-saturated), and each unit by the share of time in which it \
                is that (below). Of a gate, left is shut and right is open; hidden is what \
                the layer puts out, from -1 to 1. Stuck is what is saturated more than \
                nine tenths of the time."
            .to_string(),
        pictures: pictures
            .map(|(name, svg)| Picture::svg(name, svg))
            .collect(),
    }
}

fn picture(chart: Chart) -> Result<Picture, TrainError> {
    let svg = chart.svg()?;
    Ok(Picture::svg(chart.name, svg))
}

/// Draws an insight, and what was written of it over training.
pub(crate) fn draw(insight: &Insight, snapshots: &Snapshots) -> Result<Inside, TrainError> {
    let (recurs, more) = what_recurs(&insight.spectra, &snapshots.spectra)?;
    let gradients = snapshots.missing().into_iter().collect();
    let missing = [insight.missing.clone(), more, gradients].concat();
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
        reach(
            "L is the loss at one step of held-out text, for some rows of it.",
            &insight.gradients,
            snapshots,
            Some(insight.unroll),
        )?,
        recurs,
        gates(&insight.activity),
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
        skipped: snapshots.skipped.clone(),
    })
}
