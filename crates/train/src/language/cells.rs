//! From the name of a cell to its configuration.

use backdraft_cells::GatesConfig;

use crate::Settings;

/// How the weights of a gated cell start, and what holds them back, as the settings ask.
pub(super) fn gates(settings: &Settings) -> GatesConfig {
    let asked = settings.regularize;
    GatesConfig::new()
        .with_drop_connect(asked.drop_connect)
        .with_recurrent_dropout(asked.recurrent_dropout)
        .with_candidate_dropout(asked.candidate_dropout)
        .with_weight_norm(asked.weight_norm.into())
}

/// Calls a function with the configuration of the cell that the settings ask for.
macro_rules! with_cell {
    ($settings:expr, |$cell:ident| $call:expr) => {{
        let (input, hidden) = ($settings.embedding, $settings.hidden);
        let gates = $crate::language::cells::gates($settings);
        // One expansion a cell: a model is compiled for each.
        macro_rules! call {
            ($config:expr) => {{
                let $cell = $config;
                $call
            }};
        }
        match $settings.cell {
            $crate::CellKind::Elman => {
                call!(backdraft_cells::ElmanConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Lstm => {
                call!(backdraft_cells::LstmConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Gru => {
                call!(backdraft_cells::GruConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::LayerNormLstm => {
                call!(backdraft_cells::LayerNormLstmConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::LayerNormGru => {
                call!(backdraft_cells::LayerNormGruConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Janet => {
                call!(backdraft_cells::JanetConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Mgu => {
                call!(backdraft_cells::MguConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::SLstm => {
                call!(backdraft_cells::SLstmConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::MinGru => call!(backdraft_cells::MinGruConfig::new(input, hidden)),
            $crate::CellKind::MinLstm => call!(backdraft_cells::MinLstmConfig::new(input, hidden)),
        }
    }};
}
pub(super) use with_cell;

/// The same for the cells that PyTorch has; an error for another.
macro_rules! with_twin_cell {
    ($settings:expr, |$cell:ident| $call:expr) => {{
        let (input, hidden) = ($settings.embedding, $settings.hidden);
        let gates = $crate::language::cells::gates($settings);
        macro_rules! call {
            ($config:expr) => {{
                let $cell = $config;
                $call
            }};
        }
        match $settings.cell {
            $crate::CellKind::Elman => {
                call!(backdraft_cells::ElmanConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Lstm => {
                call!(backdraft_cells::LstmConfig::new(input, hidden).with_gates(gates))
            }
            $crate::CellKind::Gru => {
                call!(backdraft_cells::GruConfig::new(input, hidden).with_gates(gates))
            }
            other => Err($crate::TrainError::Invalid {
                what: "the cell",
                expected: "one that PyTorch has: elman, lstm or gru".to_string(),
                found: other.name(),
            }),
        }
    }};
}
pub(super) use with_twin_cell;
