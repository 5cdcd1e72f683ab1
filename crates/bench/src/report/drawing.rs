//! Pictures: bars and lines.

use backdraft_train::program::COLOURS;
use plotters::prelude::*;

use crate::BenchError;

const FONT: &str = "sans-serif";

fn colour(index: usize) -> RGBColor {
    let [red, green, blue] = COLOURS[index % COLOURS.len()];
    RGBColor(red, green, blue)
}

fn failed(error: impl std::fmt::Display) -> BenchError {
    BenchError::Picture(error.to_string())
}

/// Bars side by side for each label, with their values beside them.
pub(crate) struct Bars {
    /// What it shows.
    pub title: String,
    /// What the bars of a label are, in their order.
    pub series: Vec<String>,
    /// The labels, each with as many values as there are series.
    pub groups: Vec<(String, Vec<f64>)>,
    /// A value to draw a line at.
    pub line: f64,
}

impl Bars {
    /// The picture.
    pub fn svg(&self) -> Result<String, BenchError> {
        const LABELS: i32 = 360;
        const WIDTH: i32 = 900;
        const BAR: i32 = 13;
        const HEAD: i32 = 70;
        let group = BAR * self.series.len() as i32 + 9;
        let height = HEAD + group * self.groups.len() as i32 + 16;
        let values = self.groups.iter().flat_map(|(_, values)| values);
        let largest = values.copied().fold(self.line, f64::max);
        let scale = f64::from(WIDTH - LABELS - 70) / largest;
        let right = |value: f64| LABELS + (value * scale).round() as i32;

        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32))
                .into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            let write = |text: &str, x: i32, y: i32, size: i32| {
                let text = Text::new(text.to_string(), (x, y), (FONT, size).into_font());
                root.draw(&text).map_err(failed)
            };
            let fill = |corners: [(i32, i32); 2], colour: RGBColor| {
                let bar = Rectangle::new(corners, colour.filled());
                root.draw(&bar).map_err(failed)
            };
            write(&self.title, 10, 10, 18)?;
            for (index, name) in self.series.iter().enumerate() {
                let left = LABELS + 160 * index as i32;
                fill([(left, 44), (left + 10, 54)], colour(index))?;
                write(name, left + 16, 42, 13)?;
            }
            for (number, (label, values)) in self.groups.iter().enumerate() {
                let top = HEAD + group * number as i32;
                write(label, 10, top + (group - 9) / 2 - 7, 13)?;
                for (index, &value) in values.iter().enumerate() {
                    let top = top + BAR * index as i32;
                    let corners = [(LABELS, top), (right(value), top + BAR - 1)];
                    fill(corners, colour(index))?;
                    write(&format!("{value:.2}"), right(value) + 4, top, 12)?;
                }
            }
            let line = [(right(self.line), HEAD - 6), (right(self.line), height - 8)];
            let line = PathElement::new(line, BLACK.stroke_width(1));
            root.draw(&line).map_err(failed)?;
            root.present().map_err(failed)?;
        }
        Ok(svg)
    }
}

/// Curves over one quantity; both axes are logarithmic.
pub(crate) struct Panel {
    /// What it shows.
    pub title: String,
    /// The quantity below.
    pub below: String,
    /// The curves, each with its name and its points.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Panels below each other.
pub(crate) fn lines(panels: &[Panel]) -> Result<String, BenchError> {
    const SIZE: (u32, u32) = (900, 330);
    let height = SIZE.1 * panels.len().max(1) as u32;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (SIZE.0, height)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let areas = root.split_evenly((panels.len().max(1), 1));
        for (panel, area) in panels.iter().zip(&areas) {
            let points = || panel.curves.iter().flat_map(|(_, points)| points);
            let (least, greatest) = ends(points().map(|point| point.0));
            let x = least / 1.2..greatest * 1.2;
            let (least, greatest) = ends(points().map(|point| point.1));
            // Whole powers of ten, which are where an axis has its numbers.
            let y = 10_f64.powf(least.log10().floor())..10_f64.powf(greatest.log10().ceil() + 0.01);
            let mut chart = ChartBuilder::on(area)
                .caption(&panel.title, (FONT, 17))
                .margin(12)
                .x_label_area_size(38)
                .y_label_area_size(70)
                .build_cartesian_2d(x.log_scale(), y.log_scale())
                .map_err(failed)?;
            let mut mesh = chart.configure_mesh();
            mesh.x_desc(&panel.below).max_light_lines(0);
            mesh.x_label_formatter(&short).y_label_formatter(&short);
            mesh.draw().map_err(failed)?;
            for (index, (name, points)) in panel.curves.iter().enumerate() {
                let colour = colour(index);
                let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
                let drawn = chart.draw_series(line.point_size(3)).map_err(failed)?;
                drawn.label(name.as_str()).legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
            }
            let mut legend = chart.configure_series_labels();
            legend.position(SeriesLabelPosition::UpperLeft);
            legend
                .background_style(WHITE.mix(0.8))
                .draw()
                .map_err(failed)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

/// The least and the greatest of some values.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let positive = values.filter(|&value| value > 0.0);
    let ends = positive.map(|value| (value, value));
    let ends = ends.reduce(|(least, greatest), (value, _)| (least.min(value), greatest.max(value)));
    ends.unwrap_or((1.0, 10.0))
}

/// A number of an axis, without the digits that its computation left behind.
fn short(value: &f64) -> String {
    format!("{}", (value * 1e6).round() / 1e6)
}
