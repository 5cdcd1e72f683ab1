//! A picture of panels, each with its own axes: where a chart of curves is not enough.

use std::fmt::{Display, Write};

use super::hint::hint;
use super::html::escape;
use super::mark::marked;

/// Dots of a panel that tell their numbers: those that are furthest from 0.
const HINTS: usize = 64;

/// A colour, as three numbers below 256.
pub(crate) type Colour = [u8; 3];

/// Dark grey, of text and axes.
pub(crate) const INK: Colour = [68, 68, 68];
/// Light grey, of what is only to compare with.
pub(crate) const PALE: Colour = [190, 190, 190];
/// Blue, of what is shown.
pub(crate) const BLUE: Colour = [31, 119, 180];
/// Red, of bounds.
pub(crate) const RED: Colour = [214, 39, 40];

/// An SVG picture that is being drawn; sizes in pixels.
#[derive(Debug)]
pub(crate) struct Canvas {
    size: [f64; 2],
    body: String,
}

/// Where a text stands by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    /// An empty one, white.
    pub(crate) fn new(size: [f64; 2]) -> Self {
        Self {
            size,
            body: String::new(),
        }
    }

    /// Adds an element as it is.
    pub(crate) fn add(&mut self, element: impl Display) {
        writeln!(self.body, "{element}").expect("a string takes all");
    }

    /// Text of so many pixels.
    pub(crate) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, size: u32, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (colour, text) = (rgb(INK), escape(text));
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
             fill=\"{colour}\">{text}</text>"
        ));
    }

    /// The same from below to above.
    pub(crate) fn upright(&mut self, [x, y]: [f64; 2], anchor: Anchor, size: u32, text: &str) {
        self.add(format_args!("<g transform=\"rotate(-90 {x:.1} {y:.1})\">"));
        self.text([x, y], anchor, size, text);
        self.add("</g>");
    }

    /// The picture.
    pub(crate) fn svg(self) -> String {
        let [width, height] = self.size;
        marked(format!(
            "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.body
        ))
    }
}

/// A colour, as SVG and HTML have it.
pub(crate) fn rgb([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A rectangle of a picture with axes: from numbers to pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    /// The upper left corner.
    pub(crate) place: [f64; 2],
    pub(crate) size: [f64; 2],
    /// The least and the greatest number across, and upward.
    pub(crate) x: [f64; 2],
    pub(crate) y: [f64; 2],
}

impl Panel {
    fn across(&self, x: f64) -> f64 {
        self.place[0] + (x - self.x[0]) / (self.x[1] - self.x[0]) * self.size[0]
    }

    fn down(&self, y: f64) -> f64 {
        self.place[1] + (self.y[1] - y) / (self.y[1] - self.y[0]) * self.size[1]
    }

    /// A point, in pixels.
    pub(crate) fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.across(x), self.down(y)]
    }

    /// The frame, and numbers at some places of the axes.
    pub(crate) fn frame(&self, canvas: &mut Canvas, x: &[f64], y: &[f64]) {
        let ([left, top], [width, height]) = (self.place, self.size);
        canvas.add(format_args!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"none\" stroke=\"{}\"/>",
            rgb(PALE)
        ));
        for x in x {
            let place = [self.across(*x), top + height + 13.0];
            canvas.text(place, Anchor::Middle, 10, &x.to_string());
        }
        for y in y {
            let place = [left - 4.0, self.down(*y) + 3.5];
            canvas.text(place, Anchor::End, 10, &y.to_string());
        }
    }

    /// A circle around 0; both axes are to have the same scale.
    pub(crate) fn circle(&self, canvas: &mut Canvas, radius: f64, colour: Colour) {
        let pixels = self.across(radius) - self.across(0.0);
        canvas.add(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{pixels:.1}\" fill=\"none\" stroke=\"{}\"/>",
            self.across(0.0),
            self.down(0.0),
            rgb(colour)
        ));
    }

    /// A straight line.
    pub(crate) fn line(&self, canvas: &mut Canvas, [from, to]: [[f64; 2]; 2], colour: Colour) {
        canvas.add(format_args!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{}\" stroke-dasharray=\"3 3\"/>",
            self.across(from[0]),
            self.down(from[1]),
            self.across(to[0]),
            self.down(to[1]),
            rgb(colour)
        ));
    }

    /// Dots, as one path: a line of no length has round ends. Those furthest from 0 tell their numbers.
    pub(crate) fn dots(
        &self,
        canvas: &mut Canvas,
        dots: impl IntoIterator<Item = [f64; 2]>,
        colour: Colour,
    ) {
        let mut path = String::new();
        let mut dots: Vec<[f64; 2]> = dots.into_iter().collect();
        for [x, y] in &dots {
            let (x, y) = (self.across(*x), self.down(*y));
            write!(path, "M{x:.1} {y:.1}h0").expect("a string takes all");
        }
        canvas.add(format_args!(
            "<path d=\"{path}\" stroke=\"{}\" stroke-width=\"3\" stroke-linecap=\"round\" \
             stroke-opacity=\"0.7\"/>",
            rgb(colour)
        ));
        dots.sort_by(|[x, y], [a, b]| a.hypot(*b).total_cmp(&x.hypot(*y)));
        for dot in dots.into_iter().take(HINTS) {
            let [x, y] = dot;
            canvas.add(hint(self.at(dot), &format!("{x:.3}, {y:.3}")));
        }
    }

    /// Bars of equal width over the whole panel, from 0 upward, each a share of all.
    pub(crate) fn bars(&self, canvas: &mut Canvas, heights: &[f64], colour: Colour) {
        let width = self.size[0] / heights.len() as f64;
        let base = self.down(0.0);
        let mut path = String::new();
        for (index, height) in heights.iter().enumerate() {
            let left = self.place[0] + index as f64 * width;
            let top = self.down(*height);
            write!(
                path,
                "M{left:.1} {base:.1}V{top:.1}h{:.1}V{base:.1}z",
                width - 1.0
            )
            .expect("a string takes all");
        }
        canvas.add(format_args!(
            "<path d=\"{path}\" fill=\"{}\"/>",
            rgb(colour)
        ));
        let wide = (self.x[1] - self.x[0]) / heights.len() as f64;
        for (index, height) in heights.iter().enumerate() {
            let from = self.x[0] + index as f64 * wide;
            let told = format!("{from:.2} to {:.2}: {:.2} %", from + wide, height * 100.0);
            let top = self.at([from + wide / 2.0, *height]);
            canvas.add(hint(top, &told));
        }
    }
}
