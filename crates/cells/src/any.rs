//! A cell that is chosen when the program runs: what has one inside is compiled once, not once a cell.
//!
//! ```text
//! AnyCellConfig  --init-->  AnyCell   one module, an arm for each cell of this crate
//!                           AnyState  an arm for each kind of state
//! ```
//!
//! One `match` a sequence chooses; the cell in it runs as it does by itself, by the same kernel. Its
//! parameters have the same names, so that weights go from an [`AnyCell`] to the cell in it and back.
//!
//! The cells and the states are listed once, at the end of this file.

use burn::config::Config;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::equations::{At, Equations, Expression};
use crate::zoneout::Kept;
use crate::{
    Cell, CellBase, ConvLstm, ConvLstmConfig, Direction, Elman, ElmanConfig, ElmanJordan,
    ElmanJordanConfig, ElmanJordanState, Error, FourGateLstm, FourGateLstmConfig, FourGateState,
    Gru, GruConfig, HighOrderElman, HighOrderElmanConfig, IndRnn, IndRnnConfig, Janet, JanetConfig,
    Jordan, JordanConfig, LayerNormGru, LayerNormGruConfig, LayerNormLstm, LayerNormLstmConfig,
    Lru, LruConfig, LruState, Lstm, LstmConfig, LstmState, Mgu, MguConfig, MinGru, MinGruConfig,
    MinLstm, MinLstmConfig, Path, Projected, SLstm, SLstmConfig, SLstmState, Sequence,
    SequenceConfig, State, Zoneout, ZoneoutConfig,
};

macro_rules! any_state {
    ($($kind:ident: $state:ty),* $(,)?) => {
        /// The state of an [`AnyCell`]: that of the cell in it.
        #[derive(Debug, Clone)]
        #[allow(missing_docs, reason = "each is the state that it holds")]
        #[allow(clippy::large_enum_variant, reason = "a layer has one")]
        pub enum AnyState {
            $($kind($state),)*
        }

        impl State for AnyState {
            fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
                match self {
                    $(Self::$kind(state) => Self::$kind(state.map(f)),)*
                }
            }

            fn zip(
                self,
                other: Self,
                f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>,
            ) -> Self {
                match self {
                    $(Self::$kind(state) => Self::$kind(state.zip(other.into(), f)),)*
                }
            }

            fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>)) {
                match self {
                    $(Self::$kind(state) => state.visit(path, f),)*
                }
            }
        }

        $(
            impl From<$state> for AnyState {
                fn from(state: $state) -> Self {
                    Self::$kind(state)
                }
            }

            impl From<AnyState> for $state {
                /// # Panics
                ///
                /// When it is the state of another cell; a layer refuses that before it runs.
                fn from(state: AnyState) -> Self {
                    match state {
                        AnyState::$kind(state) => state,
                        other => panic!("the state of another cell: {other:?}"),
                    }
                }
            }
        )*
    };
}

/// What `$call` gives of what is in one of the enums below, of which the arms are listed.
macro_rules! each {
    ([$($kind:ident)*] $any:expr, |$inner:ident| $call:expr) => {
        match $any {
            $(Self::$kind($inner) => $call,)*
        }
    };
}

/// The same, put into the arm that it is of.
macro_rules! rebuilt {
    ([$($kind:ident)*] $any:expr, |$inner:ident| $call:expr) => {
        match $any {
            $(Self::$kind($inner) => Self::$kind($call),)*
            Self::Zoneout($inner) => Self::Zoneout(Box::new($call)),
        }
    };
}

macro_rules! any_cell {
    (
        equations: [$($kind:ident: $config:ident),* $(,)?],
        others: [$($other:ident: $other_config:ident),* $(,)?] $(,)?
    ) => {
        /// Configuration of an [`AnyCell`]: that of the cell in it. In a file, `kind` says which.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[allow(missing_docs, reason = "each is the configuration that it holds")]
        pub enum AnyCellConfig {
            $($kind($config),)*
            $($other($other_config),)*
            Zoneout(Box<ZoneoutConfig<AnyEquationsConfig>>),
        }

        /// Any cell of this crate. Its state is an [`AnyState`].
        #[derive(Debug, Clone)]
        #[allow(missing_docs, reason = "each is the cell that it holds")]
        #[allow(clippy::large_enum_variant, reason = "a layer has one")]
        pub enum AnyCell {
            $($kind($kind),)*
            $($other($other),)*
            Zoneout(Box<Zoneout<AnyEquations>>),
        }

        /// Any cell of this crate that is written as equations: what can be inside a [`Zoneout`].
        #[derive(Debug, Clone)]
        #[allow(missing_docs, reason = "each is the cell that it holds")]
        #[allow(clippy::large_enum_variant, reason = "a layer has one")]
        pub enum AnyEquations {
            $($kind($kind),)*
        }

        $(any_cell!(from $kind $config);)*
        $(any_cell!(from $other $other_config);)*

        impl Config for AnyCellConfig {}

        impl SequenceConfig for AnyCellConfig {
            type Built = AnyCell;

            fn input_size(&self) -> usize {
                each!([$($kind)* $($other)* Zoneout] self, |config| config.input_size())
            }

            fn with_input_size(self, input_size: usize) -> Self {
                rebuilt!([$($kind)* $($other)*] self, |config| config.with_input_size(input_size))
            }

            fn with_hidden_size(self, hidden_size: usize) -> Self {
                rebuilt!([$($kind)* $($other)*] self, |config| config.with_hidden_size(hidden_size))
            }

            fn init(&self, device: &Device) -> Result<AnyCell, Error> {
                Ok(match self {
                    $(Self::$kind(config) => AnyCell::$kind(config.init(device)?),)*
                    $(Self::$other(config) => AnyCell::$other(config.init(device)?),)*
                    Self::Zoneout(config) => AnyCell::Zoneout(Box::new(config.init(device)?)),
                })
            }
        }

        impl AnyEquationsConfig {
            fn build(&self, device: &Device) -> Result<AnyEquations, Error> {
                let found = match &self.0 {
                    $(AnyCellConfig::$kind(config) => {
                        return Ok(AnyEquations::$kind(config.init(device)?));
                    })*
                    $(AnyCellConfig::$other(_) => stringify!($other),)*
                    AnyCellConfig::Zoneout(_) => "Zoneout",
                };
                let expected = "one that is written as equations, and once";
                Err(Error::new("cell", "kind", expected, found))
            }
        }

        $crate::one_of!(AnyCell { $($kind,)* $($other,)* } boxed { Zoneout });

        $crate::one_of!(AnyEquations { $($kind,)* } boxed {});

        impl Equations for AnyEquations {
            fn matrices(&self) -> Vec<Tensor<2>> {
                each!([$($kind)*] self, |cell| cell.matrices())
            }

            fn vectors(&self) -> Vec<Tensor<1>> {
                each!([$($kind)*] self, |cell| cell.vectors())
            }

            fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
                each!([$($kind)*] self, |cell| cell.equations(at))
            }

            fn kept(&self, index: usize) -> Kept {
                each!([$($kind)*] self, |cell| cell.kept(index))
            }
        }

        impl CellBase for AnyEquations {
            type State = AnyState;

            fn input_size(&self) -> usize {
                each!([$($kind)*] self, |cell| cell.input_size())
            }

            fn output_size(&self) -> usize {
                each!([$($kind)*] self, |cell| cell.output_size())
            }

            fn project(&self, input: Tensor<3>) -> Projected<3> {
                each!([$($kind)*] self, |cell| cell.project(input))
            }

            fn initial_state(&self, batch: usize) -> AnyState {
                each!([$($kind)*] self, |cell| cell.initial_state(batch).into())
            }

            fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
                each!([$($kind)*] self, |cell| cell.recurrent_matrices())
            }

            fn prepared(&self, batch: usize) -> Self {
                match self {
                    $(Self::$kind(cell) => Self::$kind(cell.prepared(batch)),)*
                }
            }

            fn describe(&self) -> String {
                each!([$($kind)*] self, |cell| cell.describe())
            }
        }

        impl CellBase for AnyCell {
            type State = AnyState;

            fn input_size(&self) -> usize {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.input_size())
            }

            fn output_size(&self) -> usize {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.output_size())
            }

            fn project(&self, input: Tensor<3>) -> Projected<3> {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.project(input))
            }

            fn initial_state(&self, batch: usize) -> AnyState {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.initial_state(batch).into())
            }

            fn recurrent_matrices(&self) -> Vec<(&'static str, Tensor<2>)> {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.recurrent_matrices())
            }

            fn prepared(&self, batch: usize) -> Self {
                rebuilt!([$($kind)* $($other)*] self, |cell| cell.prepared(batch))
            }

            fn describe(&self) -> String {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.describe())
            }
        }

        impl Cell for AnyCell {
            fn step(&self, projected: Projected<2>, state: AnyState) -> AnyState {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.step(projected, state.into()).into())
            }

            fn output(&self, state: &AnyState) -> Tensor<2> {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.output(&state.clone().into()))
            }

            fn gate_activations(
                &self,
                projected: Projected<2>,
                state: &AnyState,
            ) -> Vec<(&'static str, Tensor<2>)> {
                each!([$($kind)* $($other)* Zoneout] self, |cell| {
                    cell.gate_activations(projected, &state.clone().into())
                })
            }

            fn path(&self) -> Path {
                each!([$($kind)* $($other)* Zoneout] self, |cell| cell.path())
            }

            fn scan(
                &self,
                input: Sequence,
                state: AnyState,
                direction: Direction,
            ) -> (Tensor<3>, AnyState) {
                each!([$($kind)* $($other)* Zoneout] self, |cell| {
                    let (outputs, state) = cell.scan(input, state.into(), direction);
                    (outputs, state.into())
                })
            }
        }
    };
    (from $kind:ident $config:ident) => {
        impl From<$config> for AnyCellConfig {
            fn from(config: $config) -> Self {
                Self::$kind(config)
            }
        }

        impl From<$kind> for AnyCell {
            fn from(cell: $kind) -> Self {
                Self::$kind(cell)
            }
        }
    };
}

/// Configuration of an [`AnyEquations`]; another cell is refused when it is built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnyEquationsConfig(pub AnyCellConfig);

impl Config for AnyEquationsConfig {}

impl SequenceConfig for AnyEquationsConfig {
    type Built = AnyEquations;

    fn input_size(&self) -> usize {
        self.0.input_size()
    }

    fn with_input_size(self, input_size: usize) -> Self {
        Self(self.0.with_input_size(input_size))
    }

    fn with_hidden_size(self, hidden_size: usize) -> Self {
        Self(self.0.with_hidden_size(hidden_size))
    }

    fn init(&self, device: &Device) -> Result<AnyEquations, Error> {
        self.build(device)
    }
}

impl From<ZoneoutConfig<AnyCellConfig>> for AnyCellConfig {
    fn from(config: ZoneoutConfig<AnyCellConfig>) -> Self {
        let inner = AnyEquationsConfig(config.inner);
        let config = ZoneoutConfig::new(inner, config.hidden, config.cell);
        Self::Zoneout(Box::new(config))
    }
}

any_state!(
    Hidden: Tensor<2>,
    Past: Vec<Tensor<2>>,
    ElmanJordan: ElmanJordanState,
    Lstm: LstmState,
    FourGate: FourGateState,
    SLstm: SLstmState,
    Lru: LruState,
);

any_cell!(
    equations: [
        Elman: ElmanConfig,
        HighOrderElman: HighOrderElmanConfig,
        Jordan: JordanConfig,
        ElmanJordan: ElmanJordanConfig,
        IndRnn: IndRnnConfig,
        Lstm: LstmConfig,
        FourGateLstm: FourGateLstmConfig,
        LayerNormLstm: LayerNormLstmConfig,
        SLstm: SLstmConfig,
        Janet: JanetConfig,
        Gru: GruConfig,
        LayerNormGru: LayerNormGruConfig,
        Mgu: MguConfig,
    ],
    others: [
        MinGru: MinGruConfig,
        MinLstm: MinLstmConfig,
        Lru: LruConfig,
        ConvLstm: ConvLstmConfig,
    ],
);
