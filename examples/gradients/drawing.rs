//! The figure: eigenvalues in the complex plane, and norms against `T - i` in logarithms.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::curves::Norms;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(240, 150, 0),
    RGBColor(214, 39, 40),
    RGBColor(148, 103, 189),
    RGBColor(90, 90, 90),
];
const FONT: &str = "sans-serif";
const PANEL: (u32, u32) = (560, 400);
/// Pixels of a panel's labels: on the left, below, on the right of it for the legend.
const LABELS: (u32, u32, u32) = (62, 46, 124);

/// The eigenvalues of matrices.
pub struct Plane<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Each matrix by its name.
    pub spectra: Vec<(String, Vec<(f64, f64)>)>,
}

/// A curve of a panel.
pub struct Line<'a> {
    /// Its name.
    pub name: &'a str,
    /// A line, and dots on it.
    pub norms: &'a Norms,
    /// Dashes beside it.
    pub beside: Vec<f64>,
}

/// Curves over `T - i`.
pub struct Panel<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What the dashes are.
    pub dashes: &'a str,
    /// The curves.
    pub lines: Vec<Line<'a>>,
    /// Powers of ten at the foot and at the head.
    pub powers: (i32, i32),
}

/// All of it, two panels in a row.
pub fn draw(path: &Path, plane: &Plane, panels: &[Panel]) -> Result<(), Box<dyn Error>> {
    let rows = (panels.len() + 1).div_ceil(2);
    let size = (2 * PANEL.0, rows as u32 * PANEL.1);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((rows, 2));
    eigenvalues(&areas[0], plane)?;
    for (area, panel) in areas[1..].iter().zip(panels) {
        norms(area, panel)?;
    }
    root.present()?;
    Ok(())
}

fn eigenvalues(area: &Area, plane: &Plane) -> Result<(), Box<dyn Error>> {
    let area = area.titled(plane.title, (FONT, 19))?;
    legend(&area, plane.spectra.iter().map(|(name, _)| name.as_str()))?;
    // As many pixels to a unit in one direction as in the other.
    let (width, height) = area.dim_in_pixel();
    let (left, below, right) = LABELS;
    let ratio = f64::from(width - left - right - 10) / f64::from(height - below - 20);
    let up = 1.65;
    let mut chart = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_bottom(10)
        .margin_left(10)
        .margin_right(right)
        .x_label_area_size(below)
        .y_label_area_size(left)
        .build_cartesian_2d(-up * ratio..up * ratio, -up..up)?;
    let mut mesh = chart.configure_mesh();
    mesh.max_light_lines(0).label_style((FONT, 16));
    mesh.x_desc("real part").y_desc("imaginary part");
    mesh.x_label_formatter(&|x| format!("{x:.1}"));
    mesh.y_label_formatter(&|y| format!("{y:.1}"));
    mesh.draw()?;
    let around = (0..=200).map(|at| f64::from(at) * std::f64::consts::TAU / 200.0);
    let circle = around.map(|angle| (angle.cos(), angle.sin()));
    chart.draw_series(LineSeries::new(circle, BLACK.stroke_width(1)))?;
    for ((_, values), colour) in plane.spectra.iter().zip(COLOURS) {
        let dots = values.iter().map(|&at| Circle::new(at, 3, colour.filled()));
        chart.draw_series(dots)?;
    }
    Ok(())
}

fn norms(area: &Area, panel: &Panel) -> Result<(), Box<dyn Error>> {
    let area = area.titled(panel.title, (FONT, 19))?;
    legend(&area, panel.lines.iter().map(|line| line.name))?;
    let (left, below, right) = LABELS;
    let top = area.dim_in_pixel().1 as i32 - 96;
    let note = [
        "line: formula",
        "dots: autodiff",
        &format!("dashes: {}", panel.dashes),
    ];
    for (text, at) in note.into_iter().zip(0..) {
        let place = ((PANEL.0 - right + 8) as i32, top + 18 * at);
        area.draw(&Text::new(text.to_string(), place, (FONT, 14)))?;
    }

    let last = panel.lines.iter().map(|line| line.norms.predicted.len());
    let last = last.max().unwrap_or(1);
    let (foot, head) = panel.powers;
    let range = 10f64.powi(foot)..10f64.powi(head);
    let mut chart = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_bottom(10)
        .margin_left(10)
        .margin_right(right)
        .x_label_area_size(below)
        .y_label_area_size(left)
        .build_cartesian_2d(0.0..last as f64, range.clone().log_scale())?;
    let mut mesh = chart.configure_mesh();
    mesh.max_light_lines(0).label_style((FONT, 16));
    mesh.x_desc("T - i, steps back");
    mesh.x_label_formatter(&|back| format!("{back:.0}"));
    mesh.y_label_formatter(&|norm| format!("1e{}", norm.log10().round() as i32));
    mesh.draw()?;
    // What leaves the panel is not drawn along its edge.
    let inside = |values: &[f64]| -> Vec<(f64, f64)> {
        let points = (1..).map(f64::from).zip(values.iter().copied());
        points
            .take_while(|(_, norm)| range.contains(norm))
            .collect()
    };
    for (line, colour) in panel.lines.iter().zip(COLOURS) {
        let beside = DashedLineSeries::new(inside(&line.beside), 5, 4, colour.stroke_width(1));
        chart.draw_series(beside)?;
        let predicted = inside(&line.norms.predicted);
        chart.draw_series(LineSeries::new(predicted, colour.stroke_width(2)))?;
        let some = inside(&line.norms.measured);
        let some = some.into_iter().step_by(last / 20);
        chart.draw_series(some.map(|at| Circle::new(at, 3, colour.filled())))?;
    }
    Ok(())
}

/// Names and colours, on the right of a panel.
fn legend<'a>(area: &Area, names: impl Iterator<Item = &'a str>) -> Result<(), Box<dyn Error>> {
    let left = (PANEL.0 - LABELS.2 + 8) as i32;
    for ((name, colour), row) in names.zip(COLOURS).zip(0..) {
        let top = 14 + 22 * row;
        let mark = [(left, top + 8), (left + 20, top + 8)];
        area.draw(&PathElement::new(mark, colour.stroke_width(3)))?;
        area.draw(&Text::new(name.to_string(), (left + 26, top), (FONT, 16)))?;
    }
    Ok(())
}
