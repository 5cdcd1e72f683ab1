//! The recurrent layers of a model, as they are asked for.

use backdraft_cells::{
    AnyCellConfig, Connection, DeepConfig, ElmanConfig, ElmanJordanConfig, Error,
    FourGateLstmConfig, GatesConfig, GruConfig, HighOrderElmanConfig, IndRnnConfig, JanetConfig,
    JordanConfig, LayerNormGruConfig, LayerNormLstmConfig, LruConfig, LstmConfig, Memory,
    MguConfig, MinGruConfig, MinLstmConfig, SLstmConfig, SequenceConfig, ZoneoutConfig,
};
use backdraft_models::EncoderConfig;
use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{CellKind, Regularize, Variant};
use crate::polynomial;

/// The recurrent layers of a model, and what they read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// The cell.
    pub cell: CellKind,
    /// Recurrent layers.
    pub layers: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Features of a symbol.
    pub embedding: usize,
    /// The probability of dropping a connection that does not recur.
    pub dropout: f64,
    /// What the gate that keeps starts at, in the cells that have one.
    #[serde(default)]
    pub memory: Memory,
    /// What holds the recurrent weights back.
    pub regularize: Regularize,
    /// What is asked of the cell beside its name.
    #[serde(default)]
    pub variant: Variant,
}

impl Default for Recurrence {
    fn default() -> Self {
        Self {
            cell: CellKind::Gru,
            layers: 1,
            hidden: 192,
            embedding: 64,
            dropout: 0.0,
            memory: Memory::default(),
            regularize: Regularize::default(),
            variant: Variant::default(),
        }
    }
}

impl Recurrence {
    /// The settings that decide which weights the layers have.
    pub const SHAPING: &'static [&'static str] = &[
        "cell",
        "layers",
        "hidden",
        "embedding",
        "regularize.weight_norm",
        "variant.peepholes",
        "variant.coupled",
        "variant.projection",
        "variant.order",
        "variant.heads",
    ];

    /// The layers, for so many features of their input.
    pub fn encoder(&self, input_size: usize) -> EncoderConfig {
        // A single layer has what a task makes of several, such as the reader of a tagger's characters: there
        // is nothing for its input to be added to.
        let connection = match self.variant.residual && self.layers > 1 {
            true => Connection::Residual,
            false => Connection::Plain,
        };
        let stack = DeepConfig::new(self.cell(input_size), self.layers)
            .with_dropout(self.dropout_between_layers())
            .with_connection(connection);
        EncoderConfig::new(stack)
    }

    /// A single layer has none above it; what a task drops elsewhere, it asks for itself.
    fn dropout_between_layers(&self) -> f64 {
        match self.layers {
            1 => 0.0,
            _ => self.dropout,
        }
    }

    /// Features that a layer puts out in one direction.
    pub fn output_size(&self) -> usize {
        self.variant.projection.unwrap_or(self.hidden)
    }

    fn cell(&self, input: usize) -> AnyCellConfig {
        let cell = self.plain_cell(input);
        let asked = &self.regularize;
        match asked.zoneout > 0.0 || asked.zoneout_memory > 0.0 {
            true => ZoneoutConfig::new(cell, asked.zoneout, asked.zoneout_memory).into(),
            false => cell,
        }
    }

    fn plain_cell(&self, input: usize) -> AnyCellConfig {
        let (hidden, variant, gates) = (self.hidden, &self.variant, self.gates());
        match self.cell {
            CellKind::Elman => ElmanConfig::new(input, hidden).with_gates(gates).into(),
            CellKind::HighOrderElman => HighOrderElmanConfig::new(input, hidden, variant.order)
                .with_gates(gates)
                .into(),
            CellKind::Jordan => JordanConfig::new(input, hidden, hidden)
                .with_gates(gates)
                .into(),
            CellKind::ElmanJordan => ElmanJordanConfig::new(input, hidden, hidden)
                .with_gates(gates)
                .into(),
            CellKind::IndRnn => IndRnnConfig::new(input, hidden).into(),
            CellKind::Lstm => LstmConfig::new(input, hidden)
                .with_gates(gates)
                .with_memory(self.memory)
                .with_peepholes(variant.peepholes)
                .with_coupled(variant.coupled)
                .with_proj_size(variant.projection)
                .into(),
            CellKind::FourGateLstm => FourGateLstmConfig::new(input, hidden)
                .with_gates(gates)
                .into(),
            CellKind::LayerNormLstm => LayerNormLstmConfig::new(input, hidden)
                .with_gates(gates)
                .into(),
            CellKind::SLstm => SLstmConfig::new(input, hidden)
                .with_heads(variant.heads)
                .with_gates(gates)
                .into(),
            CellKind::Janet => JanetConfig::new(input, hidden)
                .with_gates(gates)
                .with_memory(self.memory)
                .into(),
            CellKind::Gru => GruConfig::new(input, hidden)
                .with_gates(gates)
                .with_memory(self.memory)
                .with_reset(variant.reset.into())
                .into(),
            CellKind::LayerNormGru => LayerNormGruConfig::new(input, hidden)
                .with_gates(gates)
                .into(),
            CellKind::Mgu => MguConfig::new(input, hidden).with_gates(gates).into(),
            CellKind::MinGru => MinGruConfig::new(input, hidden).into(),
            CellKind::MinLstm => MinLstmConfig::new(input, hidden).into(),
            CellKind::Lru => LruConfig::new(input, hidden, hidden).into(),
        }
    }

    /// Numbers that the layers learn, in both directions or one. They are not built, however large they are.
    ///
    /// # Errors
    ///
    /// When they cannot be built.
    pub fn num_params(&self, input_size: usize, both: bool) -> Result<usize, Error> {
        let ways = if both { 2 } else { 1 };
        let heads = self.variant.heads;
        let one = |input| {
            let small = |input, units| -> Result<usize, Error> {
                let one = Self {
                    layers: 1,
                    hidden: units * heads,
                    ..self.clone()
                };
                Ok(one.encoder(input).init(&Device::flex())?.num_params())
            };
            // Units come in as many parts as there are heads.
            polynomial::value([input, self.hidden / heads], small)
        };
        let first = one(input_size)?;
        let upper = one(self.output_size().saturating_mul(ways))?;
        let upper = upper.saturating_mul(self.layers.saturating_sub(1));
        Ok(first.saturating_add(upper).saturating_mul(ways))
    }

    /// How the weights of a gated cell start, and what holds them back.
    fn gates(&self) -> GatesConfig {
        let asked = self.regularize;
        GatesConfig::new()
            .with_drop_connect(asked.drop_connect)
            .with_recurrent_dropout(asked.recurrent_dropout)
            .with_candidate_dropout(asked.candidate_dropout)
            .with_weight_norm(asked.weight_norm.into())
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::Tensor;
    use clap::ValueEnum;

    use super::*;
    use crate::NormedWeights;

    #[test]
    fn weights_are_counted_without_being_drawn() {
        let device = Device::flex();
        for &cell in CellKind::value_variants() {
            for both in [false, true] {
                for layers in 1..=3 {
                    let mut recurrence = Recurrence {
                        cell,
                        layers,
                        hidden: 12,
                        ..Recurrence::default()
                    };
                    if cell == CellKind::Lstm {
                        recurrence.regularize.weight_norm = NormedWeights::Both;
                        recurrence.variant.peepholes = true;
                        recurrence.variant.projection = Some(5);
                    }
                    if cell == CellKind::SLstm {
                        recurrence.variant.heads = 3;
                    }
                    let layer = recurrence.encoder(7).with_both(both);
                    let built = layer.init(&device).unwrap().num_params();
                    let counted = recurrence.num_params(7, both).unwrap();
                    assert_eq!(counted, built, "{cell:?}, {layers} layers, {both}");
                }
            }
        }
        let recurrence = Recurrence {
            hidden: 1 << 30,
            ..Recurrence::default()
        };
        // Three gates that see the input and the last output, with two biases.
        let expected = 3 * ((1 << 30) * (7 + (1 << 30)) + 2 * (1 << 30));
        assert_eq!(recurrence.num_params(7, false).unwrap(), expected);
    }

    /// Of an LSTM the forget gate is the second, of a GRU the update gate.
    #[test]
    fn the_gate_that_keeps_starts_where_it_is_asked_to() {
        let device = Device::flex();
        struct Biases(Vec<Vec<f32>>);
        impl ModuleVisitor for Biases {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if D == 1 {
                    self.0.push(param.val().into_data().iter().collect());
                }
            }
        }
        for cell in [CellKind::Lstm, CellKind::Gru] {
            let recurrence = Recurrence {
                cell,
                hidden: 4,
                memory: Memory::ForgetBias(3.0),
                ..Recurrence::default()
            };
            let mut biases = Biases(Vec::new());
            let layer = recurrence.encoder(3).init(&device).unwrap();
            layer.visit(&mut biases);
            let [input, recurrent] = &biases.0[..] else {
                panic!("two biases");
            };
            let sums: Vec<f32> = input.iter().zip(recurrent).map(|(a, b)| a + b).collect();
            assert_eq!(sums[4..8], [3.0; 4], "{cell:?}");
        }
    }
}
