//! What a page shows of a run: what its model makes of the examples that were held out, and what goes on inside it.

use std::path::Path;

use burn::tensor::Device;

use super::ExampleTask;
use super::evaluation::held_out_again;
use crate::drawing::Inside;
use crate::drawing::html::escape;
use crate::insight::drawing::{gates, reach, what_recurs};
use crate::insight::snapshots::Snapshots;
use crate::insight::spectrum::{MOST_UNITS, Spectrum, spectra};
use crate::insight::{activity, gradient_through_time};
use crate::road::Opened;
use crate::{Picture, Section, TrainError};

/// All that a page shows of the model of a run.
///
/// # Errors
///
/// When the run cannot be used; what is missing of it is told of instead.
pub(super) fn inside<T: ExampleTask>(path: &Path) -> Result<Inside, TrainError> {
    let opened = match Opened::<T>::open(path, &Device::flex()) {
        Ok(opened) => opened,
        Err(error @ (TrainError::NoWeights { .. } | TrainError::Missing { .. })) => {
            return Ok(Inside::missing(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    let snapshots = Snapshots::read(&opened.run)?;
    let found = spectra(&T::layers(&opened.model), MOST_UNITS);
    let (recurs, mut missing) = what_recurs(&found, &snapshots.spectra)?;
    missing.extend(found.iter().filter_map(Spectrum::why_not));
    if found.is_empty() {
        let reason = "spectra: no matrix multiplies the last state of this cell";
        missing.push(reason.to_string());
    }
    let mut sections = Vec::new();
    match held_out_again(path, &opened.task, &opened.description) {
        Ok(gathered) => {
            let examples = gathered.held_out;
            sections.extend(answers(&opened, &examples)?);
            let gradients =
                gradient_through_time::of_examples(&opened.task, &opened.model, &examples)?;
            if gradients.is_empty() {
                missing.push(format!(
                    "gradients through time and gates: every held-out example has more than {} steps",
                    gradient_through_time::LONGEST
                ));
            }
            sections.push(reach(ABOUT_LOSS, &gradients, &snapshots, None)?);
            sections.push(recurs);
            let activity = activity::of_examples(&opened.task, &opened.model, &examples)?;
            sections.push(gates(&activity));
        }
        Err(
            error @ (TrainError::Missing { .. }
            | TrainError::NoHeldOut { .. }
            | TrainError::Moved { .. }),
        ) => {
            missing.push(error.to_string());
            sections.push(reach(ABOUT_LOSS, &[], &snapshots, None)?);
            sections.push(recurs);
        }
        Err(error) => return Err(error),
    }
    missing.extend(snapshots.missing());
    Ok(Inside {
        sections,
        missing,
        skipped: snapshots.skipped,
    })
}

/// Which loss it is whose gradients are looked at.
const ABOUT_LOSS: &str = "L is the loss of a held-out example, or the last of its losses if it has several, of some \
    examples each alone. Of tags and transcripts, whose loss is one of all steps together, L is half the square of what \
    the highest layer puts out at the step in the middle. Steps back are those that a direction has read before.";

/// The figures of a run on its held-out examples, and what its task shows of them.
fn answers<T: ExampleTask>(
    opened: &Opened<T>,
    examples: &[T::Example],
) -> Result<Vec<Section>, TrainError> {
    let Opened {
        task,
        description,
        model,
        ..
    } = opened;
    let rows = description.settings.training.batch;
    let scores = task.score(model, examples, rows)?;
    let mut text: String = scores
        .figures
        .iter()
        .map(|(name, figure)| format!("{:<22} {figure:.4}\n", name.replace('_', " ")))
        .collect();
    if let Some(table) = &scores.table {
        text += &format!("\n{table}\n");
    }
    let html = format!("<pre>{}</pre>", escape(&text));
    let figures = Section {
        title: "How well the model answers".to_string(),
        about: format!("Figures of the {} held-out examples.", examples.len()),
        pictures: vec![Picture::page("figures", html)],
    };
    let shown = task.shown(model, examples, rows)?;
    Ok([figures].into_iter().chain(shown).collect())
}
