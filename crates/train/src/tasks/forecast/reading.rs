//! What is read of a table where a run is known, and what is said of it.

use std::path::Path;

use backdraft_data::DataError;

use super::{Forecast, ForecastOptions, SeriesExample};
use crate::TrainError;
use crate::say::say;
use crate::tasks::Rows;

impl Forecast {
    /// Says of which series fewer steps are forecast than were asked for.
    pub(super) fn tell_shortened(&self, path: &Path, examples: &[SeriesExample]) {
        let ahead = |one: &&SeriesExample| self.steps_ahead(one);
        let few = |one: &&SeriesExample| (1..self.horizon).contains(&ahead(one));
        if let Some(first) = examples.iter().find(few) {
            let name = first.name.as_ref();
            let name = name.map_or_else(String::new, |name| format!(" of series `{name}`"));
            say(format_args!(
                "note: {}: {} forecast{name}, and not {}, as the covariates of no more are known",
                path.display(),
                match ahead(&first) {
                    1 => "1 step is".to_string(),
                    steps => format!("{steps} steps are"),
                },
                self.horizon
            ));
        }
    }

    /// Says which categories of series are not known.
    pub(super) fn tell_unknown(&self, path: &Path, examples: &[SeriesExample]) {
        if let Some(unknown) = self.known.unknown(examples) {
            say(format_args!("note: {}: {unknown}", path.display()));
        }
    }
}

/// The series of a table that have a value.
pub(super) fn usable(
    path: &Path,
    options: &ForecastOptions,
    known: Option<&Forecast>,
    read: impl Fn(&ForecastOptions) -> Result<Vec<SeriesExample>, TrainError>,
) -> Result<Rows<SeriesExample>, TrainError> {
    let all = Rows::new(of_known_column(path, options, known, read)?, 0);
    Ok(all.only(|example| example.known > 0))
}

/// The series of the column that was learned from; of the one that is there, if that is called otherwise, which is said.
fn of_known_column(
    path: &Path,
    options: &ForecastOptions,
    known: Option<&Forecast>,
    read: impl Fn(&ForecastOptions) -> Result<Vec<SeriesExample>, TrainError>,
) -> Result<Vec<SeriesExample>, TrainError> {
    let Some((name, named)) = known.and_then(|known| known.known.named(options)) else {
        return read(options);
    };
    match read(&named) {
        Err(TrainError::Data(DataError::NoColumn { column, .. }))
            if column == format!("`{name}`") =>
        {
            let all = read(options)?;
            let other = all.first().map_or("", |one| &one.column);
            say(format_args!(
                "note: {}: there is no column `{name}`, which was learned from: `{other}` is read",
                path.display()
            ));
            Ok(all)
        }
        read => read,
    }
}
