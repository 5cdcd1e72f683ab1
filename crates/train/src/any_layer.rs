//! Layers whose cell and directions are known when the program runs: a model that has one is compiled
//! once, and not again for each cell.
//!
//! Its state is the tensors of the state of the layer in it, in the order in which they are visited.

use backdraft_cells::{
    Bidirectional, BidirectionalConfig, Cell, Deep, DeepConfig, Direction, Elman, ElmanConfig,
    Error, Gru, GruConfig, Janet, JanetConfig, Layer, LayerNormGru, LayerNormGruConfig,
    LayerNormLstm, LayerNormLstmConfig, Lengths, Lstm, LstmConfig, Memory, Mgu, MguConfig, MinGru,
    MinGruConfig, MinLstm, MinLstmConfig, Path, Recurrent, RecurrentConfig, Run, SLstm,
    SLstmConfig, SequenceConfig, State, Trace,
};
use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::settings::CellKind;
use crate::{Recurrence, polynomial};

/// Configuration of an [`AnyLayer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnyLayerConfig {
    /// Features of the input.
    pub input_size: usize,
    /// The cell, how many layers of it and how large; its `embedding` is not looked at.
    pub recurrence: Recurrence,
    /// Whether each layer runs in both directions, with `hidden` units each; off by default.
    pub both: bool,
}

impl AnyLayerConfig {
    /// Layers that run forward.
    pub fn new(input_size: usize, recurrence: &Recurrence) -> Self {
        Self {
            input_size,
            recurrence: recurrence.clone(),
            both: false,
        }
    }

    /// Sets whether each layer runs in both directions.
    #[must_use]
    pub fn with_both(mut self, both: bool) -> Self {
        self.both = both;
        self
    }

    /// Numbers that the layers learn. They are not built, however large they are.
    ///
    /// # Errors
    ///
    /// As [`init`](SequenceConfig::init).
    pub fn num_params(&self) -> Result<usize, Error> {
        let Recurrence { layers, hidden, .. } = self.recurrence;
        let ways = if self.both { 2 } else { 1 };
        let one = |input| {
            let small = |input, hidden| -> Result<usize, Error> {
                let mut one = Self::new(input, &self.recurrence);
                (one.recurrence.layers, one.recurrence.hidden) = (1, hidden);
                Ok(one.init(&Device::flex())?.num_params())
            };
            polynomial::value([input, hidden], small)
        };
        let first = one(self.input_size)?;
        let upper = one(hidden.saturating_mul(ways))?;
        let upper = upper.saturating_mul(layers.saturating_sub(1));
        Ok(first.saturating_add(upper).saturating_mul(ways))
    }

    fn directions<K: SequenceConfig<Built: Cell>>(
        &self,
        cell: K,
        device: &Device,
    ) -> Result<Directions<K::Built>, Error> {
        let Recurrence {
            layers, dropout, ..
        } = self.recurrence;
        Ok(match self.both {
            false => {
                let layer = RecurrentConfig::new(cell);
                let deep = DeepConfig::new(layer, layers).with_dropout(dropout);
                Directions::Forward(deep.init(device)?)
            }
            true => {
                let layer = BidirectionalConfig::new(cell);
                let deep = DeepConfig::new(layer, layers).with_dropout(dropout);
                Directions::Both(deep.init(device)?)
            }
        })
    }
}

/// A deep stack of one kind of cell.
#[derive(Module, Debug)]
pub enum Directions<C: Module + ModuleDisplay> {
    /// From the first step to the last.
    Forward(Deep<Recurrent<C>>),
    /// In both directions, in each layer.
    Both(Deep<Bidirectional<C>>),
}

/// The layer, the one or the other, in an expression that holds for either.
macro_rules! either {
    ($directions:expr, |$layer:ident| $call:expr) => {
        match $directions {
            Directions::Forward($layer) => $call,
            Directions::Both($layer) => $call,
        }
    };
}

impl<C: Cell> Directions<C> {
    fn unrolled(self) -> Self {
        match self {
            Self::Forward(layer) => Self::Forward(layer.unrolled()),
            Self::Both(layer) => Self::Both(layer.unrolled()),
        }
    }
}

fn tensors<S: State>(state: S) -> Vec<Tensor<2>> {
    let mut tensors = Vec::new();
    state.visit("", &mut |_, tensor| tensors.push(tensor.clone()));
    tensors
}

/// The state of a layer that has these tensors.
fn restore<L: Layer>(
    layer: &L,
    batch: usize,
    tensors: Option<Vec<Tensor<2>>>,
) -> Result<Option<L::State>, Error> {
    let Some(tensors) = tensors else {
        return Ok(None);
    };
    let blank = layer.initial_state(batch);
    let mut expected = 0;
    blank.visit("", &mut |_, _| expected += 1);
    if tensors.len() != expected {
        let what = "number of tensors in the initial state";
        return Err(Error::new(layer.describe(), what, expected, tensors.len()));
    }
    let mut tensors = tensors.into_iter();
    Ok(Some(blank.map(&mut |_| {
        tensors.next().expect("as many as were counted")
    })))
}

/// The [`Directions`] in an [`AnyLayer`], in an expression that holds whatever its cell.
macro_rules! directions {
    ($any:expr, |$directions:ident| $call:expr) => {
        $crate::any_layer::directions!($any, |$directions| $call,
            Elman Lstm Gru LayerNormLstm LayerNormGru Janet Mgu SLstm MinGru MinLstm)
    };
    ($any:expr, |$directions:ident| $call:expr, $($kind:ident)*) => {
        match $any {
            $($crate::AnyLayer::$kind($directions) => $call,)*
        }
    };
}
pub(crate) use directions;

/// The layer in an [`AnyLayer`], likewise.
macro_rules! any {
    ($any:expr, |$layer:ident| $call:expr) => {
        directions!($any, |either| either!(either, |$layer| $call))
    };
}

/// The stack in an [`AnyLayer`] of a model that runs forward, likewise.
macro_rules! forward {
    ($any:expr, |$stack:ident| $call:expr) => {
        $crate::any_layer::directions!($any, |either| match either {
            $crate::any_layer::Directions::Forward($stack) => $call,
            $crate::any_layer::Directions::Both(_) => unreachable!("the model runs forward"),
        })
    };
}
pub(crate) use forward;

/// What cells there are: an arm of [`AnyLayer`] each, made of its configuration.
macro_rules! any_layer {
    (
        remembering: [$($kept:ident: $kept_config:ident),*],
        gated: [$($kind:ident: $config:ident),*],
        scanned: [$($scan:ident: $scan_config:ident),*]
    ) => {
        /// A deep stack of any of the cells of [`CellKind`], in one direction or both.
        #[derive(Module, Debug)]
        pub enum AnyLayer {
            $(
                #[doc = concat!("Of [`", stringify!($kept), "`].")]
                $kept(Directions<$kept>),
            )*
            $(
                #[doc = concat!("Of [`", stringify!($kind), "`].")]
                $kind(Directions<$kind>),
            )*
            $(
                #[doc = concat!("Of [`", stringify!($scan), "`].")]
                $scan(Directions<$scan>),
            )*
        }

        $(
            impl From<Deep<Recurrent<$kept>>> for AnyLayer {
                fn from(stack: Deep<Recurrent<$kept>>) -> Self {
                    Self::$kept(Directions::Forward(stack))
                }
            }
        )*
        $(
            impl From<Deep<Recurrent<$kind>>> for AnyLayer {
                fn from(stack: Deep<Recurrent<$kind>>) -> Self {
                    Self::$kind(Directions::Forward(stack))
                }
            }
        )*
        $(
            impl From<Deep<Recurrent<$scan>>> for AnyLayer {
                fn from(stack: Deep<Recurrent<$scan>>) -> Self {
                    Self::$scan(Directions::Forward(stack))
                }
            }
        )*

        impl SequenceConfig for AnyLayerConfig {
            type Built = AnyLayer;

            fn input_size(&self) -> usize {
                self.input_size
            }

            fn with_input_size(self, input_size: usize) -> Self {
                Self { input_size, ..self }
            }

            fn with_hidden_size(mut self, hidden_size: usize) -> Option<Self> {
                self.recurrence.hidden = hidden_size;
                Some(self)
            }

            fn init(&self, device: &Device) -> Result<AnyLayer, Error> {
                let (input, hidden) = (self.input_size, self.recurrence.hidden);
                let (cell, memory) = (self.recurrence.cell, self.recurrence.memory);
                if !cell.has_memory() && memory != Memory::AsDrawn {
                    let expected = "that of a cell with a gate that keeps: Lstm, Gru or Janet";
                    let found = format!("{memory:?}");
                    return Err(Error::new(cell.name(), "memory", expected, found));
                }
                Ok(match cell {
                    $(CellKind::$kept => {
                        let gates = self.recurrence.gates();
                        let cell = $kept_config::new(input, hidden).with_gates(gates);
                        AnyLayer::$kept(self.directions(cell.with_memory(memory), device)?)
                    })*
                    $(CellKind::$kind => {
                        let gates = self.recurrence.gates();
                        let cell = $config::new(input, hidden).with_gates(gates);
                        AnyLayer::$kind(self.directions(cell, device)?)
                    })*
                    $(CellKind::$scan => {
                        let cell = $scan_config::new(input, hidden);
                        AnyLayer::$scan(self.directions(cell, device)?)
                    })*
                })
            }
        }

        impl Layer for AnyLayer {
            type State = Vec<Tensor<2>>;

            fn input_size(&self) -> usize {
                any!(self, |layer| layer.input_size())
            }

            fn output_size(&self) -> usize {
                any!(self, |layer| layer.output_size())
            }

            fn initial_state(&self, batch: usize) -> Self::State {
                any!(self, |layer| tensors(layer.initial_state(batch)))
            }

            fn direction(&self) -> Option<Direction> {
                any!(self, |layer| layer.direction())
            }

            fn describe(&self) -> String {
                any!(self, |layer| layer.describe())
            }

            fn unrolled(self) -> Self {
                match self {
                    $(Self::$kept(layer) => Self::$kept(layer.unrolled()),)*
                    $(Self::$kind(layer) => Self::$kind(layer.unrolled()),)*
                    $(Self::$scan(layer) => Self::$scan(layer.unrolled()),)*
                }
            }

            fn paths(&self) -> Vec<(String, Path)> {
                any!(self, |layer| layer.paths())
            }

            fn forward(
                &self,
                input: Tensor<3>,
                state: Option<Self::State>,
                lengths: Option<&Lengths>,
            ) -> Result<Run<Self::State>, Error> {
                any!(self, |layer| {
                    let state = restore(layer, input.dims()[0], state)?;
                    let run = layer.forward(input, state, lengths)?;
                    Ok(Run {
                        outputs: run.outputs,
                        state: tensors(run.state),
                    })
                })
            }

            fn trace(
                &self,
                input: Tensor<3>,
                state: Option<Self::State>,
                lengths: Option<&Lengths>,
            ) -> Result<Trace<Self::State>, Error> {
                any!(self, |layer| {
                    let state = restore(layer, input.dims()[0], state)?;
                    let trace = layer.trace(input, state, lengths)?;
                    Ok(Trace {
                        outputs: trace.outputs,
                        states: trace.states.into_iter().map(tensors).collect(),
                        state: tensors(trace.state),
                    })
                })
            }
        }
    };
}

any_layer!(
    remembering: [Lstm: LstmConfig, Gru: GruConfig, Janet: JanetConfig],
    gated: [
        Elman: ElmanConfig,
        LayerNormLstm: LayerNormLstmConfig,
        LayerNormGru: LayerNormGruConfig,
        Mgu: MguConfig,
        SLstm: SLstmConfig
    ],
    scanned: [MinGru: MinGruConfig, MinLstm: MinLstmConfig]
);

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{TensorData, Tolerance};
    use clap::ValueEnum;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Numbers that are the same whatever the tests beside this one draw: a layer norm over a handful
    /// of units that happen to be nearly equal makes 300 times as much of what is rounded.
    struct Drawn(StdRng);

    impl Drawn {
        fn values<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|_| self.0.random_range(-0.5..0.5)).collect();
            Tensor::from_data(TensorData::new(values, shape), device)
        }
    }

    impl ModuleMapper for Drawn {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let value = self.values(param.dims(), &param.device());
            Param::initialized(param.id, value)
        }
    }

    /// What the layer gives without the enum around it: the same numbers, and a state that goes on.
    #[test]
    fn every_cell_goes_on_from_its_state() {
        let device = Device::flex();
        for &cell in CellKind::value_variants() {
            for both in [false, true] {
                let recurrence = Recurrence {
                    cell,
                    layers: 2,
                    hidden: 5,
                    ..Recurrence::default()
                };
                let config = AnyLayerConfig::new(3, &recurrence).with_both(both);
                let mut drawn = Drawn(StdRng::seed_from_u64(4));
                let layer = config.init(&device).unwrap().map(&mut drawn);
                assert_eq!(layer.output_size(), if both { 10 } else { 5 });
                assert_eq!(layer.direction().is_none(), both);
                let input = drawn.values([2, 6, 3], &device);
                let whole = layer.forward(input.clone(), None, None).unwrap();
                let traced = layer.clone().unrolled().trace(input.clone(), None, None);
                let tolerance = Tolerance::<f32>::absolute(1e-5);
                let traced = traced.unwrap().outputs.into_data();
                whole.outputs.to_data().assert_approx_eq(&traced, tolerance);
                if both {
                    continue;
                }
                let first = layer.forward(input.clone().narrow(1, 0, 4), None, None);
                let state = first.unwrap().state;
                let rest = layer.forward(input.narrow(1, 4, 2), Some(state), None);
                let rest = rest.unwrap().outputs.into_data();
                let expected = whole.outputs.narrow(1, 4, 2).into_data();
                rest.assert_approx_eq(&expected, tolerance);
            }
        }
    }

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
                        recurrence.regularize.weight_norm = crate::NormedWeights::Both;
                    }
                    let config = AnyLayerConfig::new(7, &recurrence).with_both(both);
                    let built = config.init(&device).unwrap().num_params();
                    let counted = config.num_params().unwrap();
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
        let counted = AnyLayerConfig::new(7, &recurrence).num_params();
        assert_eq!(counted.unwrap(), expected);
    }

    /// Of an LSTM the forget gate is the second, of a GRU the update gate.
    #[test]
    fn the_gate_that_keeps_starts_where_it_is_asked_to() {
        let device = Device::flex();
        let layer = |cell, memory| {
            let recurrence = Recurrence {
                cell,
                hidden: 4,
                memory,
                ..Recurrence::default()
            };
            AnyLayerConfig::new(3, &recurrence).init(&device)
        };
        struct Biases(Vec<Vec<f32>>);
        impl burn::module::ModuleVisitor for Biases {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if D == 1 {
                    self.0.push(param.val().into_data().iter().collect());
                }
            }
        }
        for cell in [CellKind::Lstm, CellKind::Gru] {
            let mut biases = Biases(Vec::new());
            let layer = layer(cell, Memory::ForgetBias(3.0)).unwrap();
            layer.visit(&mut biases);
            let [input, recurrent] = &biases.0[..] else {
                panic!("two biases");
            };
            let sums: Vec<f32> = input.iter().zip(recurrent).map(|(a, b)| a + b).collect();
            assert_eq!(sums[4..8], [3.0; 4], "{cell:?}");
        }
        let refused = layer(CellKind::Mgu, Memory::ForgetBias(3.0)).unwrap_err();
        assert!(refused.to_string().contains("mgu: memory"), "{refused}");
    }

    #[test]
    fn a_state_of_another_layer_is_refused() {
        let device = Device::flex();
        let layer = |cell| {
            let recurrence = Recurrence {
                cell,
                hidden: 4,
                ..Recurrence::default()
            };
            AnyLayerConfig::new(3, &recurrence).init(&device).unwrap()
        };
        let state = layer(CellKind::Lstm).initial_state(2);
        let input = Tensor::<3>::zeros([2, 1, 3], &device);
        let error = layer(CellKind::Gru).forward(input, Some(state), None);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("expected 1, found 2"), "{error}");
    }
}
