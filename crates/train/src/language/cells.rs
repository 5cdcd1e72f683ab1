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

/// One arm for each gated cell, in which a function is called with its configuration; and others.
/// A model is compiled for each arm.
macro_rules! match_cell {
    (
        $settings:expr, |$cell:ident| $call:expr,
        gated: [$($kind:ident: $config:ident),* $(,)?],
        $($other:pat => $otherwise:expr),* $(,)?
    ) => {
        match $settings.cell {
            $($crate::CellKind::$kind => {
                let $cell = backdraft_cells::$config::new($settings.embedding, $settings.hidden)
                    .with_gates($crate::language::cells::gates($settings));
                $call
            })*
            $($other => $otherwise,)*
        }
    };
}
pub(super) use match_cell;

/// Calls a function with the configuration of the cell that the settings ask for.
macro_rules! with_cell {
    ($settings:expr, |$cell:ident| $call:expr) => {
        $crate::language::cells::match_cell!(
            $settings, |$cell| $call,
            gated: [
                Elman: ElmanConfig,
                Lstm: LstmConfig,
                Gru: GruConfig,
                LayerNormLstm: LayerNormLstmConfig,
                LayerNormGru: LayerNormGruConfig,
                Janet: JanetConfig,
                Mgu: MguConfig,
                SLstm: SLstmConfig,
            ],
            $crate::CellKind::MinGru => {
                let $cell = backdraft_cells::MinGruConfig::new($settings.embedding, $settings.hidden);
                $call
            },
            $crate::CellKind::MinLstm => {
                let $cell = backdraft_cells::MinLstmConfig::new($settings.embedding, $settings.hidden);
                $call
            },
        )
    };
}
pub(super) use with_cell;

/// The same for the cells that PyTorch has; an error for another.
macro_rules! with_twin_cell {
    ($settings:expr, |$cell:ident| $call:expr) => {
        $crate::language::cells::match_cell!(
            $settings, |$cell| $call,
            gated: [Elman: ElmanConfig, Lstm: LstmConfig, Gru: GruConfig],
            other => Err($crate::TrainError::Invalid {
                what: "the cell",
                expected: "one that PyTorch has: elman, lstm or gru".to_string(),
                found: other.name(),
            }),
        )
    };
}
pub(super) use with_twin_cell;
