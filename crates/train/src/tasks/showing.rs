//! What a page shows of a run: what its model makes of the examples that were held out, and what recurs in it.

use std::path::Path;

use burn::tensor::Device;

use super::ExampleTask;
use super::evaluation::held_out_again;
use crate::drawing::Inside;
use crate::drawing::html::escape;
use crate::insight::drawing::what_recurs;
use crate::insight::layer_name::of_stacks;
use crate::insight::spectrum::{MOST_UNITS, Snapshot, Spectrum, spectra};
use crate::road::Opened;
use crate::run::SPECTRA;
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
    let snapshots = Snapshot::read(&opened.run.file(SPECTRA))?;
    let found = spectra(&of_stacks(&T::layers(&opened.model)), MOST_UNITS);
    let (recurs, mut missing) = what_recurs(&found, &snapshots.lines)?;
    missing.extend(found.iter().filter_map(Spectrum::why_not));
    if found.is_empty() {
        let reason = "spectra: no matrix multiplies the last state of this cell";
        missing.push(reason.to_string());
    }
    let mut sections = match answers(path, &opened) {
        Ok(sections) => sections,
        Err(
            error @ (TrainError::Missing { .. }
            | TrainError::NoHeldOut { .. }
            | TrainError::Moved { .. }),
        ) => {
            missing.push(error.to_string());
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    sections.push(recurs);
    Ok(Inside {
        sections,
        missing,
        skipped: snapshots.skipped,
    })
}

/// The figures of a run on its held-out examples, and what its task shows of them.
fn answers<T: ExampleTask>(path: &Path, opened: &Opened<T>) -> Result<Vec<Section>, TrainError> {
    let Opened {
        task,
        description,
        model,
        ..
    } = opened;
    let gathered = held_out_again(path, task, description)?;
    let (examples, rows) = (gathered.held_out, description.settings.training.batch);
    let scores = task.score(model, &examples, rows)?;
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
    let shown = task.shown(model, &examples, rows)?;
    Ok([figures].into_iter().chain(shown).collect())
}
