//! A matrix as squares, the darker the greater.

use super::canvas::{Anchor, Canvas, Colour, rgb};
use super::html::escape;

/// Pixels of a square, and of a character of a name.
const SQUARE: f64 = 26.0;
const CHARACTER: f64 = 6.6;
/// Characters of a name, at most.
const LONGEST: usize = 24;
const TOP: f64 = 44.0;
const MARGIN: f64 = 12.0;
/// The colour of 1; 0 is white.
const FULL: Colour = [31, 119, 180];

/// A matrix whose numbers are from 0 to 1.
pub(crate) struct HeatMap<'a> {
    pub(crate) title: &'a str,
    /// What a row is, and what a column is.
    pub(crate) axes: [&'a str; 2],
    pub(crate) rows: &'a [String],
    pub(crate) columns: &'a [String],
    /// Row by row.
    pub(crate) values: &'a [f64],
    /// What is written in each square; nothing if there is none.
    pub(crate) labels: &'a [String],
}

/// A name, cut where it is long.
fn short(name: &str) -> String {
    match name.chars().count() > LONGEST {
        true => name.chars().take(LONGEST - 2).chain("..".chars()).collect(),
        false => name.to_string(),
    }
}

impl HeatMap<'_> {
    pub(crate) fn svg(&self) -> String {
        let width = |names: &[String]| {
            let longest = names.iter().map(|name| short(name).chars().count()).max();
            longest.unwrap_or(0) as f64 * CHARACTER
        };
        let left = MARGIN + 16.0 + width(self.rows) + 6.0;
        let top = TOP + 16.0 + width(self.columns) + 6.0;
        let [across, down] = [self.columns, self.rows].map(|names| names.len() as f64 * SQUARE);
        let title = self.title.chars().count() as f64 * CHARACTER * 1.2;
        let size = [
            (left + across + MARGIN).max(title + 2.0 * MARGIN),
            top + down + MARGIN,
        ];
        let mut canvas = Canvas::new(size);
        canvas.text([MARGIN, 20.0], Anchor::Start, 15, self.title);
        let [row, column] = self.axes;
        canvas.text([left + across / 2.0, TOP], Anchor::Middle, 11, column);
        canvas.upright([MARGIN + 8.0, top + down / 2.0], Anchor::Middle, 11, row);
        for (place, name) in self.columns.iter().enumerate() {
            let x = left + (place as f64 + 0.5) * SQUARE + 4.0;
            canvas.upright([x, top - 6.0], Anchor::Start, 11, &short(name));
        }
        for (place, name) in self.rows.iter().enumerate() {
            let y = top + (place as f64 + 0.5) * SQUARE + 4.0;
            canvas.text([left - 6.0, y], Anchor::End, 11, &short(name));
        }
        for (at, value) in self.values.iter().enumerate() {
            let (row, column) = (at / self.columns.len(), at % self.columns.len());
            let place = [left + column as f64 * SQUARE, top + row as f64 * SQUARE];
            let label = self.labels.get(at).filter(|label| !label.is_empty());
            let told = label.map_or_else(|| format!("{value:.3}"), Clone::clone);
            let told = format!("{}, {}: {told}", self.rows[row], self.columns[column]);
            square(&mut canvas, place, *value, self.labels.get(at), &told);
        }
        canvas.svg()
    }
}

/// A square of the map; `told` where it is pointed at.
fn square(canvas: &mut Canvas, [x, y]: [f64; 2], value: f64, label: Option<&String>, told: &str) {
    let strength = value.clamp(0.0, 1.0);
    let colour = FULL.map(|full| (255.0 - (255.0 - f64::from(full)) * strength).round() as u8);
    canvas.add(format_args!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{SQUARE}\" height=\"{SQUARE}\" fill=\"{}\" \
         stroke=\"#e8e8e8\"><title>{}</title></rect>",
        rgb(colour),
        escape(told)
    ));
    if let Some(label) = label {
        let place = [x + SQUARE / 2.0, y + SQUARE / 2.0 + 4.0];
        canvas.text(place, Anchor::Middle, 10, label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_square() {
        let names = ["a<b".to_string(), "x".repeat(40)];
        let map = HeatMap {
            title: "Confusion",
            axes: ["right", "predicted"],
            rows: &names,
            columns: &names,
            values: &[1.0, 0.0, 0.5, 2.0],
            labels: &["7".to_string(), String::new()],
        };
        let svg = map.svg();
        assert_eq!(svg.matches("<rect x=").count(), 4);
        let full = format!("fill=\"{}\" stroke", rgb(FULL));
        assert_eq!(svg.matches(&full).count(), 2);
        assert_eq!(svg.matches("fill=\"#ffffff\" stroke").count(), 1);
        assert!(svg.contains("<title>a&lt;b, a&lt;b: 7</title>"));
        assert!(svg.contains(&format!("<title>{}, a&lt;b: 0.500</title>", "x".repeat(40))));
        assert!(svg.contains("a&lt;b") && svg.contains(&format!("{}..", "x".repeat(22))));
    }
}
