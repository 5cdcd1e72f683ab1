//! What every command can be asked: what to measure, how often, and how to tell.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;

use super::print;
use crate::threads::equal_for_ndarray;
use crate::{BenchError, CellKind, DeviceChoice, Row, Shape, set_threads, sgemm_gflops};

#[derive(Debug, clap::Args)]
pub(super) struct Measuring {
    /// The cells
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = CellKind::ALL)]
    pub cells: Vec<CellKind>,
    #[command(flatten)]
    pub how: How,
}

/// What every command can be asked, whatever it measures.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Shapes, as batch,time,input,hidden; several with `;` between them [default: from one row to
    /// many, from short to long, from 64 units to 1024; `launches` and `scaling` vary the first]
    #[arg(long, value_name = "B,T,I,H", value_delimiter = ';')]
    pub shapes: Vec<Shape>,
    /// Turns of each side [default: what a few seconds hold, within 5 and 25]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(2..=10_000))]
    pub pairs: Option<usize>,
    /// Threads on each side [default: one for each core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Draw it in this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// More would be a mistake in typing.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads: Option<NonZeroUsize> = text.parse().ok();
    threads
        .filter(|threads| threads.get() <= MOST_THREADS)
        .ok_or(format!("expected a number from 1 to {MOST_THREADS}"))
}

impl How {
    /// Makes ready for measuring on these devices; the number of threads.
    pub fn start(&self, devices: &[DeviceChoice]) -> Result<usize, BenchError> {
        print::check(self.svg.as_deref())?;
        equal_for_ndarray(devices, self.threads)?;
        set_threads(self.threads)
    }

    /// The shapes that were asked for, or all of the usual ones.
    pub fn shapes(&self) -> &[Shape] {
        match self.shapes.as_slice() {
            [] => &Shape::DEFAULT,
            some => some,
        }
    }

    /// The shapes that were asked for, or the first of the usual ones: for what varies them itself.
    pub fn bases(&self) -> &[Shape] {
        match self.shapes.as_slice() {
            [] => &Shape::DEFAULT[..1],
            some => some,
        }
    }
}

impl Measuring {
    /// Measures `rows` of every shape and cell. Where `on_cpu`, each shape begins with a look at
    /// what the processor can do at best.
    pub fn rows(
        &self,
        on_cpu: bool,
        mut rows: impl FnMut(CellKind, Shape) -> Result<Vec<Row>, BenchError>,
    ) -> Result<Vec<Row>, BenchError> {
        let mut all = Vec::new();
        for &shape in self.how.shapes() {
            let sgemm = if on_cpu { sgemm_gflops() } else { None };
            for &cell in &self.cells {
                for row in rows(cell, shape)? {
                    tell(cell.name(), &row);
                    all.push(if on_cpu { row.with_sgemm(sgemm) } else { row });
                }
            }
        }
        Ok(all)
    }
}

/// Says what was measured, while the rest is.
pub(super) fn tell(name: &str, row: &Row) {
    eprintln!(
        "{name} {} on {} against {}: forward {:.2}x, training {:.2}x{}",
        row.shape,
        row.device,
        row.against,
        row.forward_ratio,
        row.training_ratio,
        match row.is_steady() {
            true => "",
            false => "; UNSURE: the pairs disagree, is the machine busy?",
        }
    );
}
