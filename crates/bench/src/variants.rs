//! What each other cell costs beside the plain one of its kind and size.

use backdraft_cells::{
    Cell, ConvLstmConfig, ElmanJordanConfig, FourGateLstmConfig, GruConfig, HighOrderElmanConfig,
    IndRnnConfig, JanetConfig, JordanConfig, LayerNormGruConfig, LayerNormLstmConfig, LruConfig,
    LstmConfig, MguConfig, MinGruConfig, MinLstmConfig, Reset, SLstmConfig, SequenceConfig,
    ZoneoutConfig,
};
use clap::ValueEnum;
use serde::Serialize;

use crate::contender::ours::layer;
use crate::report::drawing::Bars;
use crate::report::table::{digits, table};
use crate::statistics::geometric_mean;
use crate::{BenchError, CellKind, Comparison, Contender, FoundDevice, Report, Shape, Way, Work};
use crate::{alternate, ours};

/// A cell that is a variant of a plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// An LSTM whose gates see the memory
    PeepholeLstm,
    /// An LSTM in which what is forgotten makes room for what is let in
    CoupledLstm,
    /// An LSTM whose output is projected to half as many features
    ProjectedLstm,
    /// An LSTM whose use gate reads the new memory
    FourGateLstm,
    /// An LSTM with normalised gates and memory
    LayerNormLstm,
    /// An LSTM with exponential gates, four heads
    SLstm,
    /// An LSTM whose units keep their values at random
    ZoneoutLstm,
    /// An LSTM with the forget gate only
    Janet,
    /// An LSTM whose gates see the input alone, scanned over time
    MinLstm,
    /// An LSTM with convolutions over frames of four by four
    ConvLstm,
    /// A GRU whose reset comes before the product
    ResetBeforeGru,
    /// A GRU without reset
    LightGru,
    /// A GRU with normalised gates
    LayerNormGru,
    /// A GRU of one gate
    Mgu,
    /// A GRU whose gates see the input alone, scanned over time
    MinGru,
    /// An Elman net whose units do not see each other
    IndRnn,
    /// A linear, complex, diagonal recurrence, scanned over time, as many states as units
    Lru,
    /// An Elman net that recurs from its output
    Jordan,
    /// An Elman net that recurs from its units and its output
    ElmanJordan,
    /// An Elman net that recurs from the last three steps
    ThirdOrderElman,
}

impl Variant {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::PeepholeLstm,
        Self::CoupledLstm,
        Self::ProjectedLstm,
        Self::FourGateLstm,
        Self::LayerNormLstm,
        Self::SLstm,
        Self::ZoneoutLstm,
        Self::Janet,
        Self::MinLstm,
        Self::ConvLstm,
        Self::ResetBeforeGru,
        Self::LightGru,
        Self::LayerNormGru,
        Self::Mgu,
        Self::MinGru,
        Self::IndRnn,
        Self::Lru,
        Self::Jordan,
        Self::ElmanJordan,
        Self::ThirdOrderElman,
    ];

    /// As the arguments and the JSON name it.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().to_string()
    }

    /// The plain cell that it is held against.
    pub const fn plain(self) -> CellKind {
        match self {
            Self::PeepholeLstm
            | Self::CoupledLstm
            | Self::ProjectedLstm
            | Self::FourGateLstm
            | Self::LayerNormLstm
            | Self::SLstm
            | Self::ZoneoutLstm
            | Self::Janet
            | Self::MinLstm
            | Self::ConvLstm => CellKind::Lstm,
            Self::ResetBeforeGru
            | Self::LightGru
            | Self::LayerNormGru
            | Self::Mgu
            | Self::MinGru => CellKind::Gru,
            Self::IndRnn | Self::Lru | Self::Jordan | Self::ElmanJordan | Self::ThirdOrderElman => {
                CellKind::Elman
            }
        }
    }

    /// A layer of it.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    pub fn contender(
        self,
        shape: Shape,
        place: &FoundDevice,
        way: Way,
    ) -> Result<Box<dyn Contender>, BenchError> {
        fn of<K: SequenceConfig<Built: Cell> + 'static>(
            cell: K,
            (shape, place, way): (Shape, &FoundDevice, Way),
        ) -> Result<Box<dyn Contender>, BenchError> {
            Ok(Box::new(layer(cell, shape, place, way)?))
        }
        let (input, hidden) = (shape.input, shape.hidden);
        let lstm = LstmConfig::new(input, hidden);
        let gru = GruConfig::new(input, hidden);
        let how = (shape, place, way);
        match self {
            Self::PeepholeLstm => of(lstm.with_peepholes(true), how),
            Self::CoupledLstm => of(lstm.with_coupled(true), how),
            Self::ProjectedLstm => of(lstm.with_proj_size(Some(hidden.div_ceil(2))), how),
            Self::FourGateLstm => of(FourGateLstmConfig::new(input, hidden), how),
            Self::LayerNormLstm => of(LayerNormLstmConfig::new(input, hidden), how),
            Self::SLstm => {
                let heads = if hidden % 4 == 0 { 4 } else { 1 };
                of(SLstmConfig::new(input, hidden).with_heads(heads), how)
            }
            Self::ZoneoutLstm => of(ZoneoutConfig::new(lstm, 0.1, 0.1), how),
            Self::Janet => of(JanetConfig::new(input, hidden), how),
            Self::MinLstm => of(MinLstmConfig::new(input, hidden), how),
            Self::ConvLstm => {
                let frame = if input % 16 == 0 && hidden % 16 == 0 {
                    [4, 4]
                } else {
                    [1, 1]
                };
                of(ConvLstmConfig::new(input, hidden, frame), how)
            }
            Self::ResetBeforeGru => of(gru.with_reset(Reset::BeforeProduct), how),
            Self::LightGru => of(gru.with_reset(Reset::None), how),
            Self::LayerNormGru => of(LayerNormGruConfig::new(input, hidden), how),
            Self::Mgu => of(MguConfig::new(input, hidden), how),
            Self::MinGru => of(MinGruConfig::new(input, hidden), how),
            Self::Lru => of(LruConfig::new(input, hidden, hidden), how),
            Self::IndRnn => of(IndRnnConfig::new(input, hidden), how),
            Self::Jordan => of(JordanConfig::new(input, hidden, hidden), how),
            Self::ElmanJordan => of(ElmanJordanConfig::new(input, hidden, hidden), how),
            Self::ThirdOrderElman => of(HighOrderElmanConfig::new(input, hidden, 3), how),
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Variants {
    /// The command that measured.
    pub command: &'static str,
    /// What the numbers are.
    pub meaning: &'static str,
    /// Threads on either side.
    pub threads: usize,
    /// Each comparison.
    pub rows: Vec<VariantRow>,
    /// The geometric means over the shapes.
    pub means: Vec<VariantMean>,
}

/// A variant against its plain cell.
#[derive(Debug, Clone, Serialize)]
pub struct VariantRow {
    /// The variant.
    pub cell: Variant,
    /// The sizes.
    #[serde(flatten)]
    pub shape: Shape,
    /// Where both run.
    pub device: &'static str,
    /// The path that the variant takes.
    pub path: String,
    /// The plain cell.
    pub against: CellKind,
    /// How many times as long the variant takes, forward: the median of the pairs.
    pub forward_cost: f64,
    /// How many times as long the variant takes in a training step: the median of the pairs.
    pub training_cost: f64,
    /// Milliseconds of the variant; the median.
    pub forward_ms: f64,
    /// Milliseconds of the plain cell; the median.
    pub against_forward_ms: f64,
    /// Milliseconds of the variant; the median.
    pub training_ms: f64,
    /// Milliseconds of the plain cell; the median.
    pub against_training_ms: f64,
}

/// The geometric mean of a variant's costs.
#[derive(Debug, Clone, Serialize)]
pub struct VariantMean {
    /// The variant.
    pub cell: Variant,
    /// The plain cell.
    pub against: CellKind,
    /// How many times as long the variant takes, forward.
    pub forward_cost: f64,
    /// How many times as long the variant takes in a training step.
    pub training_cost: f64,
    /// How many shapes that is the mean of.
    pub shapes: usize,
}

impl VariantRow {
    /// Measures a variant beside its plain cell.
    ///
    /// # Errors
    ///
    /// When either cannot run.
    pub fn measure(
        (cell, shape): (Variant, Shape),
        place: &FoundDevice,
        pairs: Option<usize>,
    ) -> Result<Self, BenchError> {
        let mut variant = cell.contender(shape, place, Way::Kernel)?;
        let mut plain = ours(cell.plain(), shape, place, Way::Kernel)?;
        let mut compare = |work| -> Result<Comparison, BenchError> {
            alternate(variant.as_mut(), plain.as_mut(), work, pairs)
        };
        let (forward, training) = (compare(Work::Forward)?, compare(Work::Training)?);
        Ok(Self {
            cell,
            shape,
            device: place.name,
            path: variant.description().to_string(),
            against: cell.plain(),
            forward_cost: forward.ratio().recip(),
            training_cost: training.ratio().recip(),
            forward_ms: forward.ms(),
            against_forward_ms: forward.against_ms(),
            training_ms: training.ms(),
            against_training_ms: training.against_ms(),
        })
    }
}

impl VariantMean {
    /// The means by variant.
    pub fn of(rows: &[VariantRow]) -> Vec<Self> {
        let mut means: Vec<Self> = Vec::new();
        for row in rows {
            if means.iter().any(|mean| mean.cell == row.cell) {
                continue;
            }
            let alike = rows.iter().filter(|other| other.cell == row.cell);
            let costs = alike.map(|row| (row.forward_cost, row.training_cost));
            let (forward, training): (Vec<f64>, Vec<f64>) = costs.unzip();
            means.push(Self {
                cell: row.cell,
                against: row.against,
                forward_cost: geometric_mean(&forward),
                training_cost: geometric_mean(&training),
                shapes: forward.len(),
            });
        }
        means
    }
}

impl Report for Variants {
    fn table(&self) -> String {
        let row = |row: &VariantRow| {
            let Shape {
                batch,
                time,
                input,
                hidden,
            } = row.shape;
            vec![
                row.cell.name(),
                batch.to_string(),
                time.to_string(),
                input.to_string(),
                hidden.to_string(),
                row.against.name().to_string(),
                digits(row.forward_cost),
                digits(row.forward_ms),
                digits(row.against_forward_ms),
                digits(row.training_cost),
                digits(row.training_ms),
                digits(row.against_training_ms),
            ]
        };
        let mean = |mean: &VariantMean| {
            vec![
                mean.cell.name(),
                mean.against.name().to_string(),
                digits(mean.forward_cost),
                digits(mean.training_cost),
                mean.shapes.to_string(),
            ]
        };
        let headings = [
            "cell", "B", "T", "I", "H", "plain", "fwd x", "fwd ms", "plain ms", "train x",
            "train ms", "plain ms",
        ];
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let means: Vec<_> = self.means.iter().map(mean).collect();
        format!(
            "{}; {} threads\n\n{}\nGeometric means:\n{}",
            self.meaning,
            self.threads,
            table(&headings, &rows),
            table(&["cell", "plain", "fwd x", "train x", "shapes"], &means)
        )
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("our own types are valid JSON")
    }

    fn svg(&self) -> Result<String, BenchError> {
        let group = |row: &VariantRow| {
            let label = format!("{} {}", row.cell.name(), row.shape);
            (label, vec![row.forward_cost, row.training_cost])
        };
        let bars = Bars {
            title: "How many times as long as the plain cell (batch, time, input, hidden)".into(),
            series: vec!["forward".to_string(), "training step".to_string()],
            groups: self.rows.iter().map(group).collect(),
            line: 1.0,
        };
        bars.svg()
    }
}
