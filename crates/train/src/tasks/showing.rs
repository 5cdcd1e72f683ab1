//! What a page shows of a run: what its model makes of the examples that were held out.

use std::path::Path;

use burn::tensor::Device;

use super::ExampleTask;
use super::evaluation::held_out_again;
use crate::drawing::html::escape;
use crate::road::Opened;
use crate::{Picture, Section, TrainError};

/// The figures of a run on its held-out examples, and what its task shows of them.
///
/// # Errors
///
/// When the run cannot be used, or its held-out examples are not there any more.
pub(super) fn show_task<T: ExampleTask>(path: &Path) -> Result<Vec<Section>, TrainError> {
    let Opened {
        task,
        description,
        model,
        ..
    } = Opened::<T>::open(path, &Device::flex())?;
    let gathered = held_out_again(path, &task, &description)?;
    let (examples, rows) = (gathered.held_out, description.settings.training.batch);
    let scores = task.score(&model, &examples, rows)?;
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
    let shown = task.shown(&model, &examples, rows)?;
    Ok([figures].into_iter().chain(shown).collect())
}
