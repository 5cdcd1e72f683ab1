//! Curves with the same axes: over the steps of a training, or over the steps of a text.

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::hint::hint;
use super::mark::marked;
use crate::TrainError;
use crate::program::COLOURS;

const SIZE: (u32, u32) = (900, 300);
const FONT: &str = "sans-serif";
/// Numbers of the axis across, at most, but for 0.
const MOST_TICKS: f64 = 10.0;
/// Points of a curve that tell their number, about.
const HINTS: usize = 60;
/// The colour of what is there to compare with.
pub(crate) const GREY: usize = 7;

/// The colour of a run.
pub(crate) fn colour(index: usize) -> RGBColor {
    let [red, green, blue] = COLOURS[index % COLOURS.len()];
    RGBColor(red, green, blue)
}

/// How the upward axis goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// Where the names of the curves stand: where the curves are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Legend {
    /// Of curves that fall.
    Above,
    /// Of curves that rise.
    Below,
}

/// One curve.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    /// What it is called where it is pointed at, and in the legend.
    pub(crate) name: String,
    pub(crate) in_legend: bool,
    pub(crate) colour: usize,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) width: u32,
    pub(crate) dashed: bool,
}

/// Curves with the same axes.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// What its file is called.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What goes across.
    pub(crate) across: &'static str,
    pub(crate) scale: Scale,
    pub(crate) legend: Legend,
    pub(crate) curves: Vec<Curve>,
}

impl Chart {
    /// The greatest value.
    pub(crate) fn greatest(&self) -> f64 {
        self.values().fold(0.0, f64::max)
    }

    /// The last step, where the axis across ends.
    fn last(&self) -> f64 {
        let steps = self.curves.iter().flat_map(|curve| &curve.points);
        steps.map(|(step, _)| *step).fold(1.0, f64::max)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        points
            .map(|(_, value)| *value)
            .filter(|value| value.is_finite())
    }

    /// The picture.
    pub(crate) fn svg(&self) -> Result<String, TrainError> {
        let drawn = self.draw().map(marked);
        drawn.map_err(|reason| TrainError::Stopped { reason })
    }

    fn draw(&self) -> Result<String, String> {
        let last = self.last();
        let mut svg = String::new();
        let hints;
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(text)?;
            let mut builder = ChartBuilder::on(&root);
            builder
                .caption(&self.title, (FONT, 16))
                .margin(10)
                .x_label_area_size(36)
                .y_label_area_size(68);
            match self.scale {
                Scale::Linear => {
                    let top = self.greatest() * 1.05;
                    let top = if top > 0.0 { top } else { 1.0 };
                    let chart = builder.build_cartesian_2d(0.0..last, 0.0..top);
                    hints = self.fill(chart.map_err(text)?)?;
                }
                Scale::Logarithmic => {
                    let positive = self.values().filter(|value| *value > 0.0);
                    let least = positive.fold(f64::INFINITY, f64::min).min(self.greatest());
                    let least = if least > 0.0 { least } else { 1e-3 };
                    // Whole powers of ten, which are where an axis has its numbers.
                    let least = 10_f64.powf(least.log10().floor());
                    let mut top = 10_f64.powf((self.greatest().log10() + 0.01).ceil());
                    // Room for names above curves that do not fall.
                    if self.curves.iter().filter(|curve| curve.in_legend).count() > 2 {
                        top *= (top / least).powf(0.4);
                    }
                    let range = (least..top.max(least * 10.0)).log_scale();
                    let chart = builder.build_cartesian_2d(0.0..last, range);
                    hints = self.fill(chart.map_err(text)?)?;
                }
            }
            root.present().map_err(text)?;
        }
        let end = svg.rfind("</svg>").unwrap_or(svg.len());
        svg.insert_str(end, &hints);
        Ok(svg)
    }

    /// Draws the axes and the curves; gives what its points tell when they are pointed at.
    fn fill<'a, Y>(
        &self,
        mut chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    ) -> Result<String, String>
    where
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(self.across)
            .max_light_lines(0)
            .light_line_style(WHITE);
        mesh.x_label_formatter(&|step| format!("{step:.0}"));
        // Steps are whole: no number stands twice.
        mesh.x_labels(self.last().min(MOST_TICKS) as usize + 1);
        mesh.y_label_formatter(&|value| number(*value));
        mesh.draw().map_err(text)?;
        for curve in &self.curves {
            let style = colour(curve.colour).stroke_width(curve.width);
            let points = curve.points.iter().copied();
            let drawn = match (curve.dashed, curve.points.len()) {
                (true, _) => chart.draw_series(DashedLineSeries::new(points, 6, 4, style)),
                // A single evaluation is a point.
                (false, 1) => chart.draw_series(points.map(|point| Circle::new(point, 3, style))),
                (false, _) => chart.draw_series(LineSeries::new(points, style)),
            };
            let drawn = drawn.map_err(text)?;
            if curve.in_legend {
                drawn
                    .label(&curve.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            }
        }
        if self.curves.iter().any(|curve| curve.in_legend) {
            let mut legend = chart.configure_series_labels();
            legend.position(match self.legend {
                Legend::Above => SeriesLabelPosition::UpperRight,
                Legend::Below => SeriesLabelPosition::LowerRight,
            });
            legend
                .background_style(WHITE.mix(0.8))
                .draw()
                .map_err(text)?;
        }
        let mut hints = String::new();
        for curve in &self.curves {
            let name = &curve.name;
            let every = curve.points.len().div_ceil(HINTS).max(1);
            let finite = curve.points.iter().filter(|(_, value)| value.is_finite());
            for &(x, y) in finite.step_by(every) {
                let (left, top) = chart.backend_coord(&(x, y));
                let told = format!("{name}\n{} {x:.0}: {}", self.across, precise(y));
                hints += &hint([f64::from(left), f64::from(top)], &told);
                hints.push('\n');
            }
        }
        Ok(hints)
    }
}

/// A number as it is told, in five digits.
fn precise(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        size if (1e-3..1e6).contains(&size) => {
            let digits = (4 - size.log10().floor() as i32).max(0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.4e}"),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    format!("a picture cannot be drawn: {error}")
}

/// A number of an axis, short.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        size if size >= 1e4 => format!("{:.0}k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 0.01 => format!("{value:.3}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_string(),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_tell_their_numbers() {
        let told = [0.0, 0.123_456, 12.345_67, 123_456.0, 1e-7].map(precise);
        assert_eq!(told, ["0", "0.12346", "12.346", "123456", "1.0000e-7"]);
        let curve = |points: Vec<(f64, f64)>| Curve {
            name: "a <b>".to_string(),
            in_legend: true,
            colour: 0,
            points,
            width: 1,
            dashed: false,
        };
        let chart = Chart {
            name: "c".to_string(),
            title: "t".to_string(),
            across: "steps",
            scale: Scale::Linear,
            legend: Legend::Above,
            curves: vec![
                curve(vec![(1.0, 0.5), (2.0, f64::NAN)]),
                curve((0..1000).map(|step| (f64::from(step), 1.0)).collect()),
            ],
        };
        let svg = chart.svg().unwrap();
        assert!(
            svg.contains("<title>a &lt;b&gt;\nsteps 1: 0.50000</title>"),
            "{svg}"
        );
        assert_eq!(svg.matches("<title>").count(), 1 + 59);
        assert!(svg.trim_end().ends_with("</svg>") && !svg.contains("NaN"));
    }
}
