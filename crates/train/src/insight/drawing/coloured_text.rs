//! A text, each character on the colour of what a unit did there.

use std::fmt::Write;

use crate::drawing::canvas::{Anchor, Canvas, Colour, rgb};
use crate::drawing::html::escape;
use crate::insight::{Passage, TellingUnit};

/// Below the unit's mean, and above it; white is the mean.
const BELOW: Colour = [0, 114, 178];
const ABOVE: Colour = [230, 120, 0];
/// Colours on each side.
const SHADES: f32 = 8.0;
/// Characters of a line of the picture.
const COLUMNS: usize = 110;
/// The same at least, as the heading needs.
const LEAST: usize = 70;
/// Pixels of a character and of a line.
const ADVANCE: f64 = 7.225;
const LINE: f64 = 17.0;
const MARGIN: f64 = 14.0;
const TOP: f64 = 54.0;

/// What is written above the text.
pub(super) fn heading(unit: &TellingUnit) -> String {
    let told = match unit.correlation {
        Some(r) => format!("r = {r:.2}"),
        None => format!(
            "r = {:.2} where it was found, and no other place to tell",
            unit.found
        ),
    };
    format!(
        "{}: layer {}, {} unit {}, {told}",
        unit.feature.name(),
        unit.layer,
        unit.state,
        unit.unit
    )
}

/// Runs of characters of the same colour; a line break ends one.
fn runs(passage: &Passage) -> Vec<(String, Colour)> {
    let mut runs: Vec<(String, Colour)> = Vec::new();
    for (character, activation) in passage.text.chars().zip(&passage.activations) {
        let colour = colour(*activation);
        match runs.last_mut() {
            Some((text, last)) if *last == colour && !text.ends_with('\n') => text.push(character),
            _ => runs.push((character.to_string(), colour)),
        }
    }
    runs
}

/// `tanh` of the activation, in some shades.
fn colour(activation: f32) -> Colour {
    let strength = (activation.tanh() * SHADES).round() / SHADES;
    let full = if strength < 0.0 { BELOW } else { ABOVE };
    let strength = strength.abs() * 0.75;
    full.map(|part| (255.0 - (255.0 - f32::from(part)) * strength).round() as u8)
}

/// The passage as HTML. A line break has a sign of its own, so that its colour is seen.
pub(super) fn html(passage: &Passage) -> String {
    let mut html = String::from("<pre class=t>");
    for (text, colour) in runs(passage) {
        let text = escape(&text).replace('\n', "\u{21B5}</span>\n");
        let end = if text.ends_with('\n') { "" } else { "</span>" };
        write!(
            html,
            "<span style=\"background:{}\">{text}{end}",
            rgb(colour)
        )
        .expect("a string takes all");
    }
    html.push_str("</pre>\n");
    html
}

/// The same as a picture.
pub(super) fn svg(unit: &TellingUnit) -> String {
    let lines = lines(&unit.passage);
    let widest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let size = [
        2.0 * MARGIN + widest.clamp(LEAST, COLUMNS) as f64 * ADVANCE,
        TOP + lines.len() as f64 * LINE + MARGIN,
    ];
    let mut canvas = Canvas::new(size);
    canvas.text([MARGIN, 22.0], Anchor::Start, 15, &heading(unit));
    let legend = "orange: above the unit's mean; blue: below it";
    canvas.text([MARGIN, 40.0], Anchor::Start, 11, legend);
    for (row, line) in lines.iter().enumerate() {
        let top = TOP + row as f64 * LINE;
        let mut text = String::new();
        for (column, (character, colour)) in line.iter().enumerate() {
            let left = MARGIN + column as f64 * ADVANCE;
            canvas.add(format_args!(
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{LINE}\" fill=\"{}\"/>",
                ADVANCE + 0.1,
                rgb(*colour)
            ));
            text.push(*character);
        }
        canvas.add(format_args!(
            "<text x=\"{MARGIN}\" y=\"{:.1}\" font-family=\"monospace\" font-size=\"12\" \
             xml:space=\"preserve\">{}</text>",
            top + 12.5,
            escape(&text)
        ));
    }
    canvas.svg()
}

/// The passage in lines that fit, each character with its colour.
fn lines(passage: &Passage) -> Vec<Vec<(char, Colour)>> {
    let mut lines = vec![Vec::new()];
    for (character, activation) in passage.text.chars().zip(&passage.activations) {
        let shown = match character {
            '\n' => '\u{21B5}',
            // XML has no place for them, and a tab has no width.
            control if control.is_control() => ' ',
            other => other,
        };
        let line: &mut Vec<_> = lines.last_mut().expect("there is a line");
        line.push((shown, colour(*activation)));
        if character == '\n' || line.len() == COLUMNS {
            lines.push(Vec::new());
        }
    }
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_its_colour() {
        let passage = Passage {
            text: "<a>\nb".to_string(),
            activations: vec![0.0, 0.0, 9.0, 9.0, -9.0],
        };
        assert_eq!(colour(0.0), [255; 3]);
        let above = rgb(colour(9.0));
        let below = rgb(colour(-9.0));
        let expected = format!(
            "<pre class=t><span style=\"background:#ffffff\">&lt;a</span>\
             <span style=\"background:{above}\">&gt;\u{21B5}</span>\n\
             <span style=\"background:{below}\">b</span></pre>\n"
        );
        assert_eq!(html(&passage), expected);
        let lengths: Vec<usize> = lines(&passage).iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 1]);
    }

    #[test]
    fn a_long_line_is_broken() {
        let passage = Passage {
            text: "x".repeat(2 * COLUMNS),
            activations: vec![0.5; 2 * COLUMNS],
        };
        let lengths: Vec<usize> = lines(&passage).iter().map(Vec::len).collect();
        assert_eq!(lengths, [COLUMNS, COLUMNS]);
    }
}
