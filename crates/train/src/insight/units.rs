//! Which unit follows which feature of the text.
//!
//! ```text
//! r = covariance(unit, feature) / (deviation(unit) deviation(feature))        over all characters
//! ```
//!
//! The unit with the largest `|r|` is found on the first half of each row of text, and its `r` told
//! of the second half, which had no part in the choice: among many units one always fits by chance
//! what it was chosen by.
//!
//! Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks"; Karpathy, Johnson
//! and Li 2015, arXiv 1506.02078, section 4.1.

use serde::Serialize;

use super::Feature;
use super::features::features;
use super::recording::StateRecording;

/// A unit whose `|r|` is smaller where it was not found follows nothing.
const FOLLOWS: f64 = 0.1;
/// Characters of a passage, at most.
const PASSAGE: usize = 600;
/// Places at which a feature is to be something else than usual, at least.
const PLACES: usize = 10;

/// A unit that follows a feature of the text.
#[derive(Debug, Clone, Serialize)]
pub struct TellingUnit {
    /// What it follows.
    pub feature: Feature,
    /// The layer, from 1.
    pub layer: usize,
    /// The tensor of the state: `hidden` or `cell`.
    pub state: String,
    /// The unit, from 0.
    pub unit: usize,
    /// The correlation on the text that it was found on.
    pub found: f64,
    /// The correlation on text that it was not found on; none where the feature does not vary.
    pub correlation: Option<f64>,
    /// Some of that text.
    pub passage: Passage,
}

/// A text with what a unit did at each character of it.
#[derive(Debug, Clone, Serialize)]
pub struct Passage {
    /// The text.
    pub text: String,
    /// How far the unit was from its mean after each character, in standard deviations.
    pub activations: Vec<f32>,
}

/// The unit that follows each feature most closely; and of which features there is none.
pub(super) fn telling(
    states: &[StateRecording],
    text: &[Vec<char>],
) -> (Vec<TellingUnit>, Vec<String>) {
    let rows: Vec<Vec<[f32; 6]>> = text.iter().map(|row| features(row)).collect();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (index, feature) in Feature::ALL.into_iter().enumerate() {
        let values = |row: &Vec<[f32; 6]>| row.iter().map(|values| values[index]).collect();
        let values: Vec<Vec<f32>> = rows.iter().map(values).collect();
        match telling_of(feature, &values, states, text) {
            Ok(unit) => found.push(unit),
            Err(why) => missing.push(format!("a unit for \"{}\": {why}", feature.name())),
        }
    }
    (found, missing)
}

fn telling_of(
    feature: Feature,
    values: &[Vec<f32>],
    states: &[StateRecording],
    text: &[Vec<char>],
) -> Result<TellingUnit, String> {
    let steps = values.first().map_or(0, Vec::len);
    let (first, second) = (0..steps / 2, steps / 2..steps);
    if !varies(values, first.clone()) {
        return Err("it hardly changes in the held-out text that was read".to_string());
    }
    let mut best: Option<(f64, &StateRecording, usize)> = None;
    for state in states {
        let correlations = correlations(values, state, first.clone());
        for (unit, r) in correlations.into_iter().enumerate() {
            let Some(r) = r else { continue };
            if best.is_none_or(|(best, ..)| r.abs() > best.abs()) {
                best = Some((r, state, unit));
            }
        }
    }
    let (found, state, unit) = best.ok_or("no unit moves")?;
    let told = correlations(values, state, second.clone())[unit];
    if let Some(r) = told.filter(|r| r.abs() < FOLLOWS) {
        return Err(format!(
            "none follows it: the one that fits best has r = {r:.2} on text it was not found on"
        ));
    }
    let (row, from) = passage(values, second.clone());
    let to = (from + PASSAGE).min(second.end);
    let activations = standardized(state, unit);
    let start = row * steps;
    Ok(TellingUnit {
        feature,
        layer: state.layer,
        state: state.state.clone(),
        unit,
        found,
        correlation: told,
        passage: Passage {
            text: text[row][from..to].iter().collect(),
            activations: activations[start + from..start + to].to_vec(),
        },
    })
}

/// Whether there are enough places where the feature is not what it is at most of them.
fn varies(values: &[Vec<f32>], steps: std::ops::Range<usize>) -> bool {
    let all = values.iter().flat_map(|row| &row[steps.clone()]);
    let mut all: Vec<f32> = all.copied().collect();
    all.sort_by(f32::total_cmp);
    let equal = all.chunk_by(|a, b| a == b).map(<[f32]>::len);
    all.len() - equal.max().unwrap_or(0) >= PLACES
}

/// Of each unit, the correlation with the feature; none where one of the two does not vary.
fn correlations(
    values: &[Vec<f32>],
    state: &StateRecording,
    steps: std::ops::Range<usize>,
) -> Vec<Option<f64>> {
    let units = state.units;
    let all = values.first().map_or(0, Vec::len);
    let places = || {
        let rows = values.iter().enumerate();
        rows.flat_map(|(row, values)| {
            steps
                .clone()
                .map(move |step| (row * all + step, f64::from(values[step])))
        })
    };
    let count = places().count() as f64;
    let activations = |place: usize| &state.values[place * units..(place + 1) * units];
    let mean = places().map(|(_, value)| value).sum::<f64>() / count;
    let mut means = vec![0.0; units];
    for (place, _) in places() {
        for (mean, activation) in means.iter_mut().zip(activations(place)) {
            *mean += f64::from(*activation) / count;
        }
    }
    let mut variance = 0.0;
    let mut sums = vec![(0.0, 0.0); units];
    for (place, value) in places() {
        let from_mean = value - mean;
        variance += from_mean * from_mean;
        let units = sums.iter_mut().zip(&means).zip(activations(place));
        for (((squares, products), mean), activation) in units {
            let of_unit = f64::from(*activation) - mean;
            *squares += of_unit * of_unit;
            *products += of_unit * from_mean;
        }
    }
    let r = |((squares, products), mean): ((f64, f64), f64)| {
        // A unit that only rounding moves, as single precision has it, stands still.
        let stands_still = squares <= count * (1e-6 * mean).powi(2);
        let r = products / (squares * variance).sqrt();
        (r.is_finite() && !stands_still).then_some(r)
    };
    sums.into_iter().zip(means).map(r).collect()
}

/// The row and the step where a passage of those steps begins in which the feature varies most.
fn passage(values: &[Vec<f32>], steps: std::ops::Range<usize>) -> (usize, usize) {
    let length = PASSAGE.min(steps.len());
    let starts = (steps.start..=steps.end - length).step_by(20);
    let places = (0..values.len()).flat_map(|row| starts.clone().map(move |from| (row, from)));
    let spread = |&(row, from): &(usize, usize)| {
        let part = &values[row][from..from + length];
        let mean = part.iter().sum::<f32>() / length as f32;
        part.iter().map(|value| (value - mean).powi(2)).sum::<f32>()
    };
    // The first of equal ones.
    let places = places.map(|place| (spread(&place), place));
    let best = places.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or((0, steps.start), |(_, place)| place)
}

/// How far a unit is from its mean at each place, in standard deviations.
fn standardized(state: &StateRecording, unit: usize) -> Vec<f32> {
    let values: Vec<f64> = state.values[unit..]
        .iter()
        .step_by(state.units)
        .map(|value| f64::from(*value))
        .collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    let deviation = variance.sqrt();
    let standardized = |value: &f64| match deviation > 0.0 {
        true => ((value - mean) / deviation) as f32,
        false => 0.0,
    };
    values.iter().map(standardized).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of text with quotes; three units, of which the second is -1 inside quotes and 1
    /// outside, but for every tenth place, and the others do something else.
    fn by_hand() -> (Vec<StateRecording>, Vec<Vec<char>>) {
        let row = "he said \"no, not now\" and then \"yes\" and went. ".repeat(4);
        let text = vec![row.chars().collect::<Vec<char>>(); 2];
        let quotes: Vec<bool> = text
            .iter()
            .flat_map(|row| {
                let mut quoted = false;
                row.iter().map(move |&character| {
                    quoted ^= character == '"';
                    quoted
                })
            })
            .collect();
        let values = quotes.iter().enumerate().flat_map(|(place, quoted)| {
            let follows = if *quoted == (place % 10 == 0) {
                1.0
            } else {
                -1.0
            };
            [(place as f32 * 0.7).sin(), follows, 0.25]
        });
        let state = StateRecording {
            layer: 2,
            state: "cell".to_string(),
            units: 3,
            values: values.collect(),
        };
        (vec![state], text)
    }

    #[test]
    fn the_unit_that_follows_quotes_is_found() {
        let (states, text) = by_hand();
        let (found, missing) = telling(&states, &text);
        let unit = found
            .iter()
            .find(|unit| unit.feature == Feature::Quotes)
            .unwrap();
        assert_eq!((unit.layer, unit.state.as_str(), unit.unit), (2, "cell", 1));
        // Of two variables of two values, r is (p11 p00 - p10 p01) / sqrt(of the margins' product).
        let steps = text[0].len();
        let mut table = [[0.0; 2]; 2];
        for (place, values) in states[0].values.chunks(3).enumerate() {
            if place % steps >= steps / 2 {
                let before = text[place / steps][..=place % steps].iter();
                let quoted = before.filter(|character| **character == '"').count() % 2;
                table[quoted][usize::from(values[1] > 0.0)] += 1.0;
            }
        }
        let [[a, b], [c, d]] = table;
        let margins: f64 = (a + b) * (c + d) * (a + c) * (b + d);
        let expected = (a * d - b * c) / margins.sqrt();
        let told = unit.correlation.unwrap();
        assert!((told - expected).abs() < 1e-9, "{told} {expected}");
        assert!((-0.95..-0.7).contains(&told), "{told}");
        assert_eq!(
            unit.passage.text.chars().count(),
            unit.passage.activations.len()
        );
        let begins = text[0].len() / 2;
        let expected: String = text[0][begins..].iter().collect();
        assert_eq!(unit.passage.text, expected);
        // There are no brackets, braces or comments, and nothing is indented.
        let [_, brackets, braces, indentation, _, comment] = Feature::ALL.map(Feature::name);
        for name in [brackets, braces, indentation, comment] {
            let said = format!("a unit for \"{name}\": it hardly changes");
            let is_said = missing.iter().any(|missing| missing.starts_with(&said));
            assert!(is_said, "{name}: {missing:?}");
        }
    }

    #[test]
    fn a_unit_that_fits_by_chance_follows_nothing() {
        let (mut states, text) = by_hand();
        let steps = text[0].len();
        // In the half of each row in which it is not looked for, it does something else.
        for (place, values) in states[0].values.chunks_mut(3).enumerate() {
            if place % steps >= steps / 2 {
                values[1] = if place % 2 == 0 { 1.0 } else { -1.0 };
            }
        }
        let (found, missing) = telling(&states, &text);
        let of_quotes = |unit: &TellingUnit| unit.feature == Feature::Quotes;
        assert!(!found.iter().any(of_quotes));
        assert!(missing[0].contains("none follows it"), "{missing:?}");
    }

    #[test]
    fn a_unit_that_stands_still_follows_nothing() {
        let (mut states, text) = by_hand();
        states[0].values.fill(0.5);
        let (found, _) = telling(&states, &text);
        assert!(found.is_empty());
    }

    #[test]
    fn a_text_of_a_symbol_has_no_telling_unit() {
        let state = StateRecording {
            layer: 1,
            state: "hidden".to_string(),
            units: 2,
            values: vec![0.1, 0.2],
        };
        let (found, missing) = telling(&[state], &[vec!['a']]);
        assert!(found.is_empty());
        assert_eq!(missing.len(), Feature::ALL.len());
    }
}
