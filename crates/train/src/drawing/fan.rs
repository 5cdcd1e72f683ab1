//! A series with what was foreseen of it: the middle, and how far it may be off.

use std::fmt::Write;

use super::canvas::{Anchor, BLUE, Canvas, Colour, INK, Panel, RED, rgb};

const SIZE: [f64; 2] = [900.0, 260.0];
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;

/// What was foreseen of some steps, one after the other.
pub(crate) struct Foreseen {
    /// The first of them.
    pub(crate) from: usize,
    pub(crate) mean: Vec<f64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
}

/// A series, step by step, and what was foreseen of it.
pub(crate) struct Fan<'a> {
    pub(crate) title: &'a str,
    /// The first step that is drawn.
    pub(crate) from: usize,
    /// The values from there on; `None` where one is missing.
    pub(crate) values: &'a [Option<f64>],
    /// One step ahead each, and all from the end.
    pub(crate) ahead: Foreseen,
    pub(crate) to_come: Option<Foreseen>,
    /// What a step is called.
    pub(crate) time: &'a dyn Fn(usize) -> String,
}

impl Fan<'_> {
    pub(crate) fn svg(&self) -> String {
        let mut canvas = Canvas::new(SIZE);
        canvas.text([LEFT, 20.0], Anchor::Start, 15, self.title);
        let parts = || {
            [Some(&self.ahead), self.to_come.as_ref()]
                .into_iter()
                .flatten()
        };
        let numbers = parts().flat_map(|part| {
            let numbers = part.lower.iter().chain(&part.upper).chain(&part.mean);
            numbers.copied()
        });
        let numbers = numbers.chain(self.values.iter().copied().flatten());
        let numbers: Vec<f64> = numbers.filter(|number| number.is_finite()).collect();
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if numbers.is_empty() {
            return canvas.svg();
        }
        let room = match greatest > least {
            true => (greatest - least) * 0.05,
            false => 1.0,
        };
        let last = parts().map(|part| part.from + part.mean.len()).max();
        let last = last.unwrap_or(0).max(self.from + self.values.len());
        let (first, last) = (self.from as f64, last.max(self.from + 1) as f64);
        let panel = Panel {
            place: [LEFT, TOP],
            size: [SIZE[0] - LEFT - 20.0, SIZE[1] - TOP - 30.0],
            x: [first, last],
            y: [least - room, greatest + room],
        };
        for (part, colour) in parts().zip([BLUE, RED]) {
            band(&mut canvas, &panel, part, colour);
        }
        let steps = self.values.iter().enumerate();
        let points = steps.map(|(step, value)| value.map(|value| [first + step as f64, value]));
        path(&mut canvas, &panel, points, INK);
        for (part, colour) in parts().zip([BLUE, RED]) {
            let steps = part.mean.iter().enumerate();
            let points = steps.map(|(step, mean)| Some([(part.from + step) as f64, *mean]));
            path(&mut canvas, &panel, points, colour);
        }
        panel.frame(&mut canvas, &[], &[short(least), short(greatest)]);
        // In the middle, where what was foreseen begins.
        let ends = [
            (first, Anchor::Start),
            (self.ahead.from as f64, Anchor::Middle),
            (last - 1.0, Anchor::End),
        ];
        for (step, anchor) in ends {
            let place = [panel.at([step, least])[0], SIZE[1] - 17.0];
            canvas.text(place, anchor, 10, &(self.time)(step as usize));
        }
        canvas.svg()
    }
}

/// A number with four digits that count.
fn short(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

fn band(canvas: &mut Canvas, panel: &Panel, part: &Foreseen, colour: Colour) {
    let upper = part.upper.iter().enumerate();
    let lower = part.lower.iter().enumerate().rev();
    let mut points = String::new();
    for (step, value) in upper.chain(lower).filter(|(_, value)| value.is_finite()) {
        let [x, y] = panel.at([(part.from + step) as f64, *value]);
        write!(points, "{x:.1},{y:.1} ").expect("a string takes all");
    }
    canvas.add(format_args!(
        "<polygon points=\"{points}\" fill=\"{}\" fill-opacity=\"0.2\"/>",
        rgb(colour)
    ));
}

/// A line through points, with a gap where there is none.
fn path(
    canvas: &mut Canvas,
    panel: &Panel,
    points: impl Iterator<Item = Option<[f64; 2]>>,
    colour: Colour,
) {
    let (mut path, mut pen) = (String::new(), 'M');
    for point in points {
        let Some(point) = point.filter(|[_, y]| y.is_finite()) else {
            pen = 'M';
            continue;
        };
        let [x, y] = panel.at(point);
        // A point alone is seen by the ends of a line of no length.
        let dot = if pen == 'M' { "h0" } else { "" };
        write!(path, "{pen}{x:.1} {y:.1}{dot}").expect("a string takes all");
        pen = 'L';
    }
    canvas.add(format_args!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" stroke-linecap=\"round\"/>",
        rgb(colour)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_gaps_and_both_parts_are_drawn() {
        let foreseen = |from| Foreseen {
            from,
            mean: vec![1.0, 2.0],
            lower: vec![0.0, 0.5],
            upper: vec![2.0, 3.0],
        };
        let svg = Fan {
            title: "a < b",
            from: 3,
            values: &[Some(1.0), None, Some(2.0), Some(2.5)],
            ahead: foreseen(5),
            to_come: Some(foreseen(7)),
            time: &|step| (1990 + step).to_string(),
        }
        .svg();
        assert_eq!(svg.matches("<polygon").count(), 2);
        let own = svg.split("<path").nth(1).unwrap();
        assert_eq!(own.matches('M').count(), 2, "{own}");
        assert!(svg.contains("a &lt; b"));
        for time in ["1993", "1995", "1998"] {
            assert!(svg.contains(&format!(">{time}<")), "{svg}");
        }
        let nothing = Fan {
            title: "nothing",
            from: 0,
            values: &[None],
            ahead: Foreseen {
                from: 0,
                mean: Vec::new(),
                lower: Vec::new(),
                upper: Vec::new(),
            },
            to_come: None,
            time: &|step| step.to_string(),
        };
        assert!(!nothing.svg().contains("NaN"));
    }
}
