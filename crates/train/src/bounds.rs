//! What a number can be that somebody asks for: a count, a part of a whole, a weight. What is not is refused by
//! name, with what would be possible.

use std::fmt::Display;

use crate::TrainError;

/// Features or units, of which a weight has the square.
const MOST_FEATURES: usize = 1 << 14;

/// Texts that a beam search keeps, each with all that could come next.
const MOST_BEAMS: usize = 1 << 12;

/// Rows that are computed side by side.
const MOST_ROWS: usize = 1 << 20;

/// The largest whole number that a file can hold.
pub(crate) const MOST: usize = i64::MAX as usize;

pub(crate) fn counts<const N: usize>(counts: [(&'static str, usize); N]) -> Result<(), TrainError> {
    within(MOST, counts)
}

/// Counts that may be 0.
pub(crate) fn bounded<const N: usize>(
    counts: [(&'static str, usize); N],
) -> Result<(), TrainError> {
    for (setting, count) in counts {
        require(setting, &format!("at most {MOST}"), count, count <= MOST)?;
    }
    Ok(())
}

/// Features or units of a small part of a model.
pub(crate) fn features<const N: usize>(
    sizes: [(&'static str, usize); N],
) -> Result<(), TrainError> {
    within(MOST_FEATURES, sizes)
}

/// Rows that are computed side by side.
pub(crate) fn rows<const N: usize>(rows: [(&'static str, usize); N]) -> Result<(), TrainError> {
    within(MOST_ROWS, rows)
}

/// The width of a beam search.
pub(crate) fn beam(width: usize) -> Result<(), TrainError> {
    within(MOST_BEAMS, [("beam", width)])
}

/// Answers that a beam search of this width gives.
pub(crate) fn n_best(best: usize, width: usize) -> Result<(), TrainError> {
    let expected = format!("at least 1 and at most {width}, the width of the beam");
    require("n_best", &expected, best, (1..=width).contains(&best))
}

/// Things of a list, each of which is there once.
pub(crate) fn different<T: PartialEq>(
    setting: &'static str,
    all: &[T],
    name: impl Fn(&T) -> String,
) -> Result<(), TrainError> {
    let again = (1..all.len()).find(|&place| all[..place].contains(&all[place]));
    match again {
        Some(place) => Err(TrainError::Invalid {
            setting,
            expected: "each once".to_string(),
            found: format!("{} twice", name(&all[place])),
        }),
        None => Ok(()),
    }
}

fn within<const N: usize>(
    most: usize,
    counts: [(&'static str, usize); N],
) -> Result<(), TrainError> {
    for (setting, count) in counts {
        require(setting, "at least 1", count, count > 0)?;
        require(setting, &format!("at most {most}"), count, count <= most)?;
    }
    Ok(())
}

/// The part of the data that is held out.
pub(crate) fn held_out(part: f64) -> Result<(), TrainError> {
    let holds = part > 0.0 && part < 1.0;
    require("valid_fraction", "above 0 and below 1", part, holds)
}

/// Numbers that may not be given.
pub(crate) fn positive<const N: usize>(
    numbers: [(&'static str, Option<f64>); N],
) -> Result<(), TrainError> {
    for (setting, number) in numbers {
        let Some(number) = number else { continue };
        // It is computed with in single precision.
        let holds = (number as f32).is_finite() && number as f32 > 0.0;
        require(setting, "a finite number above 0", told(number), holds)?;
    }
    Ok(())
}

/// Parts of a whole that they are not to use up.
pub(crate) fn parts<const N: usize>(parts: [(&'static str, f64); N]) -> Result<(), TrainError> {
    for (setting, part) in parts {
        let holds = (0.0..1.0).contains(&part);
        require(setting, "at least 0 and below 1", part, holds)?;
    }
    Ok(())
}

pub(crate) fn weights<const N: usize>(weights: [(&'static str, f64); N]) -> Result<(), TrainError> {
    for (setting, weight) in weights {
        let holds = (weight as f32).is_finite() && weight >= 0.0;
        require(setting, "a finite number, at least 0", told(weight), holds)?;
    }
    Ok(())
}

/// A number as somebody would type it: without its hundred digits.
pub(crate) fn told(number: f64) -> String {
    let size = number.abs();
    match size >= 1e15 || (size > 0.0 && size < 1e-5) {
        true => format!("{number:e}"),
        false => number.to_string(),
    }
}

/// What something is multiplied by that is not to grow.
pub(crate) fn factor(setting: &'static str, factor: f64) -> Result<(), TrainError> {
    let holds = factor > 0.0 && factor <= 1.0;
    require(setting, "above 0 and at most 1", factor, holds)
}

/// Refuses a value that is never possible as things are.
pub(crate) fn refuse(setting: &'static str, expected: &str, found: &str) -> Result<(), TrainError> {
    require(setting, expected, found, false)
}

/// Refuses two settings that are possible one by one.
pub(crate) fn exclude(setting: &'static str, other: &'static str) -> Result<(), TrainError> {
    Err(TrainError::Excluded { setting, other })
}

pub(crate) fn require(
    setting: &'static str,
    expected: &str,
    found: impl Display,
    holds: bool,
) -> Result<(), TrainError> {
    if holds {
        return Ok(());
    }
    Err(TrainError::Invalid {
        setting,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}
