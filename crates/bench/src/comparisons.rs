//! Two ways of computing the same, over cells and shapes.

use serde::Serialize;

use crate::report::drawing::Bars;
use crate::report::table::{digits, digits_or_nothing, table};
use crate::statistics::geometric_mean;
use crate::{
    BenchError, CellKind, Comparison, Contender, ModelRow, Report, Shape, Work, alternate,
};

/// What was compared, over cells and shapes.
#[derive(Debug, Clone, Serialize)]
pub struct Comparisons {
    /// The command that measured.
    pub command: &'static str,
    /// What the numbers are.
    pub meaning: &'static str,
    /// Threads on either side.
    pub threads: usize,
    /// What was compared, in words.
    pub contenders: Vec<String>,
    /// Each comparison.
    pub rows: Vec<Row>,
    /// The geometric means of the ratios, by cell and by what we are compared with.
    pub means: Vec<Mean>,
    /// The same of whole models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelRow>,
}

/// One comparison: ours against another.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The cell.
    pub cell: CellKind,
    /// The sizes.
    #[serde(flatten)]
    pub shape: Shape,
    /// Where ours runs.
    pub device: &'static str,
    /// The path that ours takes.
    pub path: String,
    /// What it is compared with.
    pub against: String,
    /// How many times as fast ours is, forward: the median of the pairs.
    pub forward_ratio: f64,
    /// How many times as fast ours is in a training step: the median of the pairs.
    pub training_ratio: f64,
    /// What half of the pairs' ratios lie between.
    pub forward_ratio_quartiles: [f64; 2],
    /// What half of the pairs' ratios lie between.
    pub training_ratio_quartiles: [f64; 2],
    /// Pairs of turns.
    pub forward_pairs: usize,
    /// Pairs of turns.
    pub training_pairs: usize,
    /// Milliseconds of ours; the median.
    pub forward_ms: f64,
    /// Milliseconds of the other; the median.
    pub against_forward_ms: f64,
    /// Milliseconds of ours; the median.
    pub training_ms: f64,
    /// Milliseconds of the other; the median.
    pub against_training_ms: f64,
    /// Symbols a second, of ours: rows times steps, padding aside.
    pub forward_symbols_per_second: f64,
    /// Symbols a second, of the other: rows times steps, padding aside.
    pub against_forward_symbols_per_second: f64,
    /// Symbols a second, of ours: rows times steps, padding aside.
    pub training_symbols_per_second: f64,
    /// Symbols a second, of the other: rows times steps, padding aside.
    pub against_training_symbols_per_second: f64,
    /// The rate of the matrix products of our training step, in 10^9 operations a second, as if
    /// the step had nothing else to do; on the CPU.
    pub gflops: Option<f64>,
    /// The rate of one large matrix product on this machine in this run; on the CPU.
    pub sgemm_gflops: Option<f64>,
}

/// The geometric means over the shapes.
#[derive(Debug, Clone, Serialize)]
pub struct Mean {
    /// The cell.
    pub cell: CellKind,
    /// Where ours runs.
    pub device: &'static str,
    /// What it is compared with.
    pub against: String,
    /// How many times as fast ours is, forward.
    pub forward_ratio: f64,
    /// How many times as fast ours is in a training step.
    pub training_ratio: f64,
    /// How many shapes that is the mean of.
    pub shapes: usize,
}

impl Row {
    /// Compares ours, which runs on `device`, with another.
    ///
    /// # Errors
    ///
    /// When either cannot run.
    pub fn measure(
        (cell, shape): (CellKind, Shape),
        device: &'static str,
        ours: &mut dyn Contender,
        theirs: &mut dyn Contender,
        against: &str,
        pairs: Option<usize>,
    ) -> Result<Self, BenchError> {
        let path = ours.description().to_string();
        let forward = alternate(ours, theirs, Work::Forward, pairs)?;
        let training = alternate(ours, theirs, Work::Training, pairs)?;
        Ok(Self::of(
            (cell, shape),
            device,
            path,
            against,
            [forward, training],
        ))
    }

    fn of(
        (cell, shape): (CellKind, Shape),
        device: &'static str,
        path: String,
        against: &str,
        [forward, training]: [Comparison; 2],
    ) -> Self {
        let rate = |milliseconds: f64| shape.symbols() as f64 / milliseconds * 1e3;
        Self {
            cell,
            shape,
            device,
            path,
            against: against.to_string(),
            forward_ratio: forward.ratio(),
            training_ratio: training.ratio(),
            forward_ratio_quartiles: forward.ratio_quartiles(),
            training_ratio_quartiles: training.ratio_quartiles(),
            forward_pairs: forward.pairs(),
            training_pairs: training.pairs(),
            forward_ms: forward.ms(),
            against_forward_ms: forward.against_ms(),
            training_ms: training.ms(),
            against_training_ms: training.against_ms(),
            forward_symbols_per_second: rate(forward.ms()),
            against_forward_symbols_per_second: rate(forward.against_ms()),
            training_symbols_per_second: rate(training.ms()),
            against_training_symbols_per_second: rate(training.against_ms()),
            gflops: None,
            sgemm_gflops: None,
        }
    }

    /// Whether the pairs agree: half of them lie within a factor of two. They do unless something
    /// else runs on the machine.
    pub fn is_steady(&self) -> bool {
        let quartiles = [self.forward_ratio_quartiles, self.training_ratio_quartiles];
        quartiles.iter().all(|[low, high]| high / low < 2.0)
    }

    /// Adds how near our training step comes to what the processor can do at best.
    #[must_use]
    pub fn with_sgemm(self, sgemm_gflops: Option<f64>) -> Self {
        let flops = self.shape.training_flops(self.cell);
        self.with_rate(flops, sgemm_gflops)
    }

    /// The same of rows that are padded, which have so many symbols.
    #[must_use]
    pub(crate) fn with_symbols(mut self, symbols: f64) -> Self {
        let part = symbols / self.shape.symbols() as f64;
        let rates = [
            &mut self.forward_symbols_per_second,
            &mut self.against_forward_symbols_per_second,
            &mut self.training_symbols_per_second,
            &mut self.against_training_symbols_per_second,
        ];
        rates.into_iter().for_each(|rate| *rate *= part);
        self
    }

    /// Adds the same for a training step whose matrix products are so many operations.
    pub(crate) fn with_rate(mut self, flops: f64, sgemm_gflops: Option<f64>) -> Self {
        let seconds = self.training_ms / 1e3;
        self.gflops = Some(flops / seconds / 1e9);
        self.sgemm_gflops = sgemm_gflops;
        self
    }
}

impl Mean {
    /// The means by cell, device and what we are compared with, in the order of their first rows.
    pub fn of(rows: &[Row]) -> Vec<Self> {
        let mut means: Vec<Self> = Vec::new();
        for row in rows {
            let same = |cell: CellKind, device: &str, against: &str| {
                (cell, device, against) == (row.cell, row.device, row.against.as_str())
            };
            if means
                .iter()
                .any(|mean| same(mean.cell, mean.device, &mean.against))
            {
                continue;
            }
            let alike = rows
                .iter()
                .filter(|row| same(row.cell, row.device, &row.against));
            let ratios: Vec<_> = alike
                .map(|row| (row.forward_ratio, row.training_ratio))
                .collect();
            let (forward, training): (Vec<f64>, Vec<f64>) = ratios.into_iter().unzip();
            means.push(Self {
                cell: row.cell,
                device: row.device,
                against: row.against.clone(),
                forward_ratio: geometric_mean(&forward),
                training_ratio: geometric_mean(&training),
                shapes: forward.len(),
            });
        }
        means
    }
}

impl Comparisons {
    /// All that was compared, by name: layers by their cell.
    fn named_rows(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        let layers = self.rows.iter().map(|row| (row.cell.name(), row));
        let models = self.models.iter().map(|model| (model.model, &model.row));
        layers.chain(models)
    }
}

impl Report for Comparisons {
    fn table(&self) -> String {
        let rows = self.named_rows().map(|(name, row)| row.cells(name));
        let mut text = format!(
            "{}; {} threads\n{}\n\n{}",
            self.meaning,
            self.threads,
            self.contenders.join("\n"),
            table(&Row::HEADINGS, &rows.collect::<Vec<_>>())
        );
        if !self.means.is_empty() {
            let means: Vec<_> = self.means.iter().map(Mean::cells).collect();
            let means = table(&Mean::HEADINGS, &means);
            text.push_str(&format!("\nGeometric means:\n{means}"));
        }
        for model in &self.models {
            text.push_str(&format!("\n{}", model.details()));
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("our own types are valid JSON")
    }

    fn svg(&self) -> Result<String, BenchError> {
        let group = |(name, row): (&str, &Row)| {
            let label = format!(
                "{name} {}, {} against {}",
                row.shape, row.device, row.against
            );
            (label, vec![row.forward_ratio, row.training_ratio])
        };
        let bars = Bars {
            title: "How many times as fast (shapes: batch, time, input, hidden)".to_string(),
            series: vec!["forward".to_string(), "training step".to_string()],
            groups: self.named_rows().map(group).collect(),
            line: 1.0,
        };
        bars.svg()
    }
}

impl Row {
    const HEADINGS: [&str; 15] = [
        "cell",
        "B",
        "T",
        "I",
        "H",
        "device",
        "against",
        "fwd x",
        "fwd ms",
        "their ms",
        "train x",
        "train ms",
        "their ms",
        "ksym/s",
        "GF/s of sgemm",
    ];

    fn cells(&self, name: &str) -> Vec<String> {
        let Shape {
            batch,
            time,
            input,
            hidden,
        } = self.shape;
        let sgemm = match self.gflops {
            Some(gflops) => {
                let sgemm = digits_or_nothing(self.sgemm_gflops);
                format!("{} of {sgemm}", digits(gflops))
            }
            None => "-".to_string(),
        };
        vec![
            name.to_string(),
            batch.to_string(),
            time.to_string(),
            input.to_string(),
            hidden.to_string(),
            self.device.to_string(),
            self.against.clone(),
            digits(self.forward_ratio),
            digits(self.forward_ms),
            digits(self.against_forward_ms),
            digits(self.training_ratio),
            digits(self.training_ms),
            digits(self.against_training_ms),
            digits(self.training_symbols_per_second / 1e3),
            sgemm,
        ]
    }
}

impl Mean {
    const HEADINGS: [&str; 6] = ["cell", "device", "against", "fwd x", "train x", "shapes"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.cell.name().to_string(),
            self.device.to_string(),
            self.against.clone(),
            digits(self.forward_ratio),
            digits(self.training_ratio),
            self.shapes.to_string(),
        ]
    }
}
