//! How time and memory grow with the steps, the rows and the units.

use serde::Serialize;

use crate::alternate::in_turns;
use crate::report::drawing::{Panel, lines};
use crate::report::table::{digits, digits_or_nothing, table};
use crate::statistics::median;
use crate::{BenchError, CellKind, Contender, FoundDevice, Report, Shape, Way, Work, ours};

/// The quantity that varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sweep {
    /// `T`, steps.
    Time,
    /// `B`, rows.
    Batch,
    /// `H`, units.
    Hidden,
}

impl Sweep {
    const ALL: [Self; 3] = [Self::Time, Self::Batch, Self::Hidden];

    /// Its letter.
    const fn letter(self) -> &'static str {
        match self {
            Self::Time => "T",
            Self::Batch => "B",
            Self::Hidden => "H",
        }
    }

    /// What it counts.
    const fn unit(self) -> &'static str {
        match self {
            Self::Time => "steps",
            Self::Batch => "rows",
            Self::Hidden => "units",
        }
    }

    /// Its size in `shape`.
    const fn of(self, shape: Shape) -> usize {
        match self {
            Self::Time => shape.time,
            Self::Batch => shape.batch,
            Self::Hidden => shape.hidden,
        }
    }
}

/// A shape of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The shape that the sweep is around.
    pub base: Shape,
    /// The quantity that varies.
    pub sweep: Sweep,
    /// The shape.
    pub shape: Shape,
}

/// How time and memory grow.
#[derive(Debug, Clone, Serialize)]
pub struct Scaling {
    /// The command that measured.
    pub command: &'static str,
    /// What the numbers are.
    pub meaning: &'static str,
    /// Threads.
    pub threads: usize,
    /// Each cell at each shape.
    pub rows: Vec<ScalingRow>,
}

/// A cell at a shape.
#[derive(Debug, Clone, Serialize)]
pub struct ScalingRow {
    /// The cell.
    pub cell: CellKind,
    /// The quantity that varies between this row and its neighbours.
    pub sweep: Sweep,
    /// The sizes.
    #[serde(flatten)]
    pub shape: Shape,
    /// The shape that the sweep is around.
    pub base: String,
    /// Where it runs.
    pub device: &'static str,
    /// The path that it takes.
    pub path: String,
    /// Milliseconds; the median of the turns.
    pub forward_ms: f64,
    /// Milliseconds; the median of the turns.
    pub training_ms: f64,
    /// Turns, of each of the two.
    pub turns: usize,
    /// Bytes that forward keeps for backward, the outputs included; counted, not calculated. Not on
    /// a GPU.
    pub bytes_kept: Option<usize>,
    /// Numbers (of four bytes) kept a row, step and unit, beside the output.
    pub floats_per_unit: Option<f64>,
}

/// The shapes of the sweeps around `base`: four times as many steps three times over, and a quarter
/// and four times as many rows, and units.
pub fn sweeps(base: Shape) -> Vec<Vec<Point>> {
    let around = |size: usize| {
        let mut sizes = vec![(size / 4).max(1), size, size * 4];
        sizes.dedup();
        sizes
    };
    let sweep = |sweep: Sweep, sizes: Vec<usize>| {
        let shapes = sizes.into_iter().map(|size| match sweep {
            Sweep::Time => Shape { time: size, ..base },
            Sweep::Batch => Shape {
                batch: size,
                ..base
            },
            Sweep::Hidden => Shape {
                hidden: size,
                ..base
            },
        });
        shapes.map(|shape| Point { base, sweep, shape }).collect()
    };
    vec![
        sweep(
            Sweep::Time,
            [1, 4, 16, 64].map(|factor| base.time * factor).to_vec(),
        ),
        sweep(Sweep::Batch, around(base.batch)),
        sweep(Sweep::Hidden, around(base.hidden)),
    ]
}

impl Scaling {
    /// Measures one cell over one sweep, its shapes by turns.
    ///
    /// # Errors
    ///
    /// When a layer cannot be built or run.
    pub fn measure(
        cell: CellKind,
        points: &[Point],
        place: &FoundDevice,
        turns: Option<usize>,
    ) -> Result<Vec<ScalingRow>, BenchError> {
        let build = |point: &Point| ours(cell, point.shape, place, Way::Kernel);
        let mut contenders: Vec<_> = points.iter().map(build).collect::<Result<_, _>>()?;
        let kept: Vec<_> = contenders
            .iter()
            .map(|contender| contender.bytes_kept())
            .collect();
        let mut each: Vec<&mut dyn Contender> = Vec::new();
        each.extend(contenders.iter_mut().map(|contender| &mut **contender as _));
        let forward = in_turns(&mut each, Work::Forward, turns)?;
        let training = in_turns(&mut each, Work::Training, turns)?;
        let rows = points.iter().enumerate().map(|(index, point)| ScalingRow {
            cell,
            sweep: point.sweep,
            shape: point.shape,
            base: point.base.to_string(),
            device: place.name,
            path: each[index].description().to_string(),
            forward_ms: median(&forward[index]),
            training_ms: median(&training[index]),
            turns: forward[index].len().min(training[index].len()),
            bytes_kept: kept[index],
            floats_per_unit: kept[index].map(|bytes| floats_per_unit(bytes, point.shape)),
        });
        Ok(rows.collect())
    }
}

/// Numbers kept a row, step and unit, beside the output, which is one of them.
fn floats_per_unit(bytes: usize, shape: Shape) -> f64 {
    let units = shape.symbols() * shape.hidden;
    bytes as f64 / size_of::<f32>() as f64 / units as f64 - 1.0
}

fn megabytes(row: &ScalingRow) -> Option<f64> {
    row.bytes_kept.map(|bytes| bytes as f64 / 1e6)
}

impl Report for Scaling {
    fn table(&self) -> String {
        let headings = [
            "cell",
            "over",
            "B",
            "T",
            "I",
            "H",
            "device",
            "fwd ms",
            "train ms",
            "MB kept",
            "floats/unit",
        ];
        let cells = |row: &ScalingRow| {
            vec![
                row.cell.name().to_string(),
                row.sweep.letter().to_string(),
                row.shape.batch.to_string(),
                row.shape.time.to_string(),
                row.shape.input.to_string(),
                row.shape.hidden.to_string(),
                row.device.to_string(),
                digits(row.forward_ms),
                digits(row.training_ms),
                digits_or_nothing(megabytes(row)),
                digits_or_nothing(row.floats_per_unit),
            ]
        };
        let rows: Vec<_> = self.rows.iter().map(cells).collect();
        let (meaning, threads) = (self.meaning, self.threads);
        format!(
            "{meaning}; {threads} threads\n\n{}",
            table(&headings, &rows)
        )
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("our own types are valid JSON")
    }

    fn svg(&self) -> Result<String, BenchError> {
        let mut panels = Vec::new();
        for sweep in Sweep::ALL {
            let mut curves = |what: &str, value: fn(&ScalingRow) -> Option<f64>| {
                let mut curves: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
                for row in self.rows.iter().filter(|row| row.sweep == sweep) {
                    let Some(value) = value(row) else { continue };
                    let point = (sweep.of(row.shape) as f64, value);
                    let curve = format!("{} around {}", row.cell.name(), row.base);
                    match curves.iter_mut().find(|(name, _)| *name == curve) {
                        Some((_, points)) => points.push(point),
                        None => curves.push((curve, vec![point])),
                    }
                }
                if !curves.is_empty() {
                    panels.push(Panel {
                        title: what.to_string(),
                        below: format!("{}, {}", sweep.letter(), sweep.unit()),
                        curves,
                    });
                }
            };
            curves("milliseconds of a training step", |row| {
                Some(row.training_ms)
            });
            curves("megabytes kept for backward", megabytes);
        }
        lines(&panels)
    }
}
