//! What models said of the held-out steps of a series, drawn beside each other.

use backdraft_models::Predictive;

use super::scoring::Foreseen;
use crate::baselines::BaselineRow;
use crate::drawing::fan::Fan;
use crate::tasks::forecast::showing::foreseen;
use crate::{Backtesting, Picture, Section, SeriesExample};

/// Series that are drawn.
pub(super) const DRAWN: usize = 3;
/// Steps before what is held out that are drawn, for each that is held out; and at least.
const BEFORE: usize = 1;
const LEAST: usize = 20;

/// A model, and what it said of the first series.
pub(super) type Row = (BaselineRow, Vec<Foreseen>);

/// A part of a page for each of the first series, with a picture for each model.
pub(super) fn sections(
    held_out: &[SeriesExample],
    rows: &[Row],
    rolling: Option<Backtesting>,
) -> Vec<Section> {
    let how = match rolling {
        None => "one step ahead each".to_string(),
        Some(asked) => format!("the first {} all from the first", asked.horizon),
    };
    let drawn = held_out.iter().take(DRAWN).enumerate();
    let sections = drawn.map(|(place, example)| {
        let name = example.name.clone();
        let name = name.unwrap_or_else(|| "the series".to_string());
        let pictures = rows.iter().enumerate().filter_map(|(number, (row, told))| {
            let svg = drawn_of(&row.model, example, told.get(place)?);
            Some(Picture::svg(format!("{}-{}", place + 1, number + 1), svg))
        });
        Section {
            title: format!("What each model said of {name}"),
            about: format!(
                "Black: the values. Blue: the mean of the held-out steps, {how}, and the interval that is to hold \
                 nine in ten."
            ),
            pictures: pictures.collect(),
        }
    });
    sections.collect()
}

fn drawn_of(model: &str, example: &SeriesExample, told: &[Predictive]) -> String {
    let (known, steps) = (example.known, example.series.values.len());
    let from = known.saturating_sub((BEFORE * (steps - known)).max(LEAST));
    let fan = Fan {
        title: model,
        from,
        values: &example.series.values[from..],
        ahead: foreseen(known, told),
        to_come: None,
        time: &|step| example.time(step),
    };
    fan.svg()
}
