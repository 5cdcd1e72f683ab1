//! A cell that is chosen when the program runs is the cell that it holds.

use backdraft_cells::Cell;
use backdraft_cells::prelude::*;
use burn::module::Module;
use burn::store::ModuleRecord;

use crate::support::layers::{compare, found, leaves};
use crate::support::{Backend, backends};

/// Every cell, with what it can be asked for beside its size.
fn configs() -> Vec<AnyCellConfig> {
    let (input, hidden) = (4, 6);
    let lstm = LstmConfig::new(input, hidden);
    let zoneout = |cell: AnyCellConfig, memory| ZoneoutConfig::new(cell, 0.3, memory).into();
    vec![
        ElmanConfig::new(input, hidden).into(),
        HighOrderElmanConfig::new(input, hidden, 2).into(),
        JordanConfig::new(input, hidden, 3).into(),
        ElmanJordanConfig::new(input, hidden, 3).into(),
        IndRnnConfig::new(input, hidden).into(),
        lstm.clone()
            .with_peepholes(true)
            .with_proj_size(Some(3))
            .into(),
        FourGateLstmConfig::new(input, hidden).into(),
        LayerNormLstmConfig::new(input, hidden).into(),
        SLstmConfig::new(input, hidden).with_heads(2).into(),
        JanetConfig::new(input, hidden).into(),
        GruConfig::new(input, hidden)
            .with_reset(Reset::BeforeProduct)
            .into(),
        LayerNormGruConfig::new(input, hidden).into(),
        MguConfig::new(input, hidden).into(),
        MinGruConfig::new(input, hidden).into(),
        MinLstmConfig::new(input, hidden).into(),
        LruConfig::new(input, 5, hidden).into(),
        ConvLstmConfig::new(input, 8, [2, 2]).into(),
        zoneout(lstm.into(), 0.2),
        zoneout(GruConfig::new(input, hidden).into(), 0.0),
    ]
}

/// What a layer gives of a padded batch, by name: outputs, final state, every gradient.
fn results<L: Layer>(backend: &Backend, layer: &L) -> Vec<(String, Vec<f64>)> {
    let lengths = Lengths::new([5, 2, 0]);
    let input = backend.random::<3>(1, [3, 5, layer.input_size()]);
    let zeros = layer.initial_state(3).to_device(&backend.autodiff());
    let (state, initial) = leaves(backend, zeros, 30);
    let run = layer.forward(
        LayerInput::new(input.clone())
            .with_state(state)
            .with_lengths(&lengths),
    );
    let run = run.unwrap();
    found(layer, &input, &initial, run.outputs, &run.state)
}

/// The same by the cell itself, whose weights go there and back by their names.
fn check<C: Cell>(backend: &Backend, any: &AnyCell, cell: C)
where
    AnyCell: From<C>,
{
    let what = format!("{}: {}", backend.name, any.describe());
    assert_eq!(any.describe(), cell.describe());
    let record = |module: &AnyCell| module.clone().into_record().into_bytes().unwrap();
    let load = |cell: C, bytes| cell.try_load_record(ModuleRecord::from_bytes(bytes).unwrap());
    // Zoneout draws no masks where it is not trained.
    let cell = load(cell, record(any)).unwrap().freeze();
    let any = any.clone().freeze();
    let layer = Recurrent::new(cell.clone(), Direction::Reverse);
    let chosen = Recurrent::new(any.clone(), Direction::Reverse);
    assert_eq!(chosen.num_params(), layer.num_params(), "{what}");
    assert_eq!(chosen.paths(), layer.paths(), "{what}");
    let expected = results(backend, &layer.clone().map(&mut Required));
    let chosen = chosen.map(&mut Required);
    compare(&what, &results(backend, &chosen), &expected, 1e-15);
    let unrolled = results(backend, &chosen.unrolled());
    compare(&what, &unrolled, &expected, backend.tolerance);

    let wrapped = AnyCell::from(cell);
    assert_eq!(record(&wrapped), record(&any), "{what}");
    let names = |cell: &AnyCell| -> Vec<&str> {
        let matrices = cell.recurrent_matrices().into_iter();
        matrices.map(|(name, _)| name).collect()
    };
    assert_eq!(names(&wrapped), names(&any), "{what}");
}

/// Weights that gradients are asked of, which are frozen else.
struct Required;

impl burn::module::ModuleMapper for Required {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<burn::tensor::Tensor<D>>,
    ) -> burn::module::Param<burn::tensor::Tensor<D>> {
        param.set_require_grad(true)
    }
}

#[test]
fn any_cell_is_the_cell_in_it() {
    for backend in backends().into_iter().filter(|backend| !backend.slow) {
        let device = backend.autodiff();
        for config in configs() {
            let any = backend.fill(config.init(&device).unwrap(), 7);
            macro_rules! check_each {
                ($($kind:ident)*) => {
                    match config {
                        $(AnyCellConfig::$kind(config) => {
                            let cell = backend.fill(config.init(&device).unwrap(), 8);
                            check(&backend, &any, cell);
                        })*
                        AnyCellConfig::Zoneout(config) => match config.inner.0 {
                            AnyCellConfig::Lstm(inner) => {
                                let config = ZoneoutConfig::new(inner, config.hidden, config.cell);
                                same(&backend, &any, config.init(&device).unwrap());
                            }
                            AnyCellConfig::Gru(inner) => {
                                let config = ZoneoutConfig::new(inner, config.hidden, config.cell);
                                same(&backend, &any, config.init(&device).unwrap());
                            }
                            other => panic!("{other:?}"),
                        },
                    }
                };
            }
            check_each!(Elman HighOrderElman Jordan ElmanJordan IndRnn Lstm FourGateLstm LayerNormLstm SLstm
                Janet Gru LayerNormGru Mgu MinGru MinLstm Lru ConvLstm);
        }
    }
}

/// A zoneout of a cell that is known when the program is compiled, in place of one that is not.
fn same<C: Cell>(backend: &Backend, any: &AnyCell, cell: C) {
    let bytes = any.clone().into_record().into_bytes().unwrap();
    let cell = cell.try_load_record(ModuleRecord::from_bytes(bytes).unwrap());
    let layer = Recurrent::new(cell.unwrap().freeze(), Direction::Forward).map(&mut Required);
    let chosen = Recurrent::new(any.clone().freeze(), Direction::Forward).map(&mut Required);
    assert_eq!(chosen.describe(), layer.describe());
    let expected = results(backend, &layer);
    compare(
        &layer.describe(),
        &results(backend, &chosen),
        &expected,
        1e-15,
    );
}

#[test]
fn a_configuration_goes_through_a_file() {
    for config in configs() {
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains("\"kind\":\""), "{text}");
        let back: AnyCellConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let device = burn::tensor::Device::flex();
    let layer = |config: AnyCellConfig| {
        let cell = config.init(&device).unwrap();
        Recurrent::new(cell, Direction::Forward)
    };
    let lstm = layer(LstmConfig::new(3, 4).into());
    let four = layer(FourGateLstmConfig::new(3, 4).into());
    let input = burn::tensor::Tensor::zeros([2, 1, 3], &device);
    // As many tensors of the same sizes, of another cell.
    let error = four.forward(LayerInput::new(input).with_state(lstm.initial_state(2)));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("initial state: expected `short_term`, found `hidden`"),
        "{error}"
    );

    let zoneout = |cell: AnyCellConfig| AnyCellConfig::from(ZoneoutConfig::new(cell, 0.1, 0.0));
    for cell in [
        MinGruConfig::new(3, 4).into(),
        zoneout(GruConfig::new(3, 4).into()),
    ] {
        let error = zoneout(cell).init(&device).unwrap_err().to_string();
        assert!(
            error.starts_with("Zoneout: cell: kind: expected one that"),
            "{error}"
        );
    }
}
