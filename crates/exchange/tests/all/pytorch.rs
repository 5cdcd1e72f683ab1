//! State dicts in and out: each kind of file, names, types, and everything that does not fit.
//!
//! `state_dicts.py` beside this file made the files; `language_model.py` those of the language
//! model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backdraft_cells::prelude::*;
use backdraft_cells::{Cell, GatesConfig};
use backdraft_exchange::Error;
use backdraft_exchange::pytorch::{Parameter, StateDict, Twin};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use serde::Deserialize;

type Encoder = Deep<Bidirectional<Lstm>>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/all")
        .join(name)
}

fn open(name: &str) -> StateDict {
    StateDict::open(fixture(name)).unwrap()
}

fn encoder() -> Encoder {
    let layer = BidirectionalConfig::new(LstmConfig::new(3, 4));
    DeepConfig::new(layer, 2).init(&Device::flex()).unwrap()
}

/// All tensors of the names that begin with `prefix`, without it.
fn tensors(state: &StateDict, prefix: &str) -> BTreeMap<String, TensorData> {
    let names = state
        .names()
        .filter_map(|name| Some((name, name.strip_prefix(prefix)?)));
    names
        .map(|(name, stem)| (stem.to_string(), state.data(name).unwrap().unwrap()))
        .collect()
}

fn message(error: Error) -> String {
    error.to_string()
}

#[test]
fn each_kind_of_file_holds_the_same_weights() {
    let plain = open("tagger.safetensors");
    let expected = tensors(&plain, "encoder.rnn.");
    assert_eq!(expected.len(), 16);
    let files = [
        ("tagger.safetensors", "encoder.rnn."),
        ("tagger_nested.pt", "model.encoder.rnn."),
        ("tagger_legacy.pth", "model.encoder.rnn."),
        // bfloat16, half and double precision become the layer's single.
        ("tagger_mixed.pt", "encoder.rnn"),
    ];
    for (file, prefix) in files {
        let layer = open(file).load(encoder(), prefix).unwrap();
        let found = tensors(&StateDict::of(&layer, "").unwrap(), "");
        assert_eq!(found, expected, "{file}");
    }
}

/// The file that goes out has what PyTorch's own state dict has: the same names, types, shapes
/// and numbers, which is what `load_state_dict(strict=True)` asks for.
#[test]
fn what_goes_out_is_what_pytorch_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.safetensors");
    let layer = open("tagger.safetensors")
        .load(encoder(), "encoder.rnn.")
        .unwrap();
    StateDict::of(&layer, "encoder.rnn.")
        .unwrap()
        .save(&path)
        .unwrap();
    let found = tensors(&StateDict::open(&path).unwrap(), "");
    let mut expected = tensors(&open("tagger.safetensors"), "");
    expected.retain(|name, _| name.starts_with("encoder."));
    assert_eq!(found, expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Weights in double precision.
struct Double;

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::initialized(param.id, param.val().cast(DType::F64))
    }
}

#[test]
fn a_layer_in_double_precision_stays_in_it() {
    let device = Device::flex();
    let expected = tensors(&open("tagger.safetensors"), "encoder.rnn.");
    let double = encoder().map(&mut Double);
    let layer = open("tagger_mixed.pt")
        .load(double, "encoder.rnn.")
        .unwrap();
    let weight = layer.layers[1]
        .directions()
        .reverse
        .cell
        .gates
        .recurrent_weight
        .val();
    assert_eq!((weight.dtype(), weight.device()), (DType::F64, device));
    for (name, data) in tensors(&StateDict::of(&layer, "").unwrap(), "") {
        assert_eq!(data.dtype(), DType::F64, "{name}");
        let single = data.try_cast(DType::F32).unwrap();
        assert_eq!(single, expected[&name], "{name}");
    }
}

/// Whether a weight learns is the layer's own matter, before and after.
#[test]
fn weights_that_learned_go_on_learning() {
    let config = RecurrentConfig::new(GruConfig::new(2, 3));
    let layer = config.init(&Device::flex().autodiff()).unwrap();
    let state = StateDict::of(&layer, "").unwrap();
    let loaded = state.load(layer.clone(), "").unwrap();
    assert!(loaded.cell.gates.input_weight.val().is_require_grad());
    let frozen = state.load(layer.no_grad(), "").unwrap();
    assert!(!frozen.cell.gates.input_weight.val().is_require_grad());
    assert_eq!(
        frozen.cell.gates.input_weight.id,
        loaded.cell.gates.input_weight.id
    );
}

#[test]
fn names_follow_depth_direction_and_biases() {
    let device = Device::flex();
    let names = |state: StateDict| state.names().map(str::to_string).collect::<Vec<_>>();
    let gru = RecurrentConfig::new(GruConfig::new(2, 3))
        .init(&device)
        .unwrap();
    let expected = ["bias_hh_l0", "bias_ih_l0", "weight_hh_l0", "weight_ih_l0"];
    assert_eq!(names(StateDict::of(&gru, "").unwrap()), expected);

    let bare = ElmanConfig::new(2, 3).with_gates(GatesConfig::new().with_bias(false));
    let bare = DeepConfig::new(BidirectionalConfig::new(bare), 2)
        .init(&device)
        .unwrap();
    let state = StateDict::of(&bare, "rnn").unwrap();
    assert_eq!(state.shape("rnn.weight_ih_l1_reverse"), Some(&[3, 6][..]));
    let expected = [
        "rnn.weight_hh_l0",
        "rnn.weight_hh_l0_reverse",
        "rnn.weight_hh_l1",
        "rnn.weight_hh_l1_reverse",
        "rnn.weight_ih_l0",
        "rnn.weight_ih_l0_reverse",
        "rnn.weight_ih_l1",
        "rnn.weight_ih_l1_reverse",
    ];
    assert_eq!(names(state), expected);
}

#[test]
fn everything_that_does_not_fit_is_told_at_once() {
    let device = Device::flex();
    let state = open("tagger.safetensors");
    // Another input size, one layer more, no biases, one direction.
    let gates = GatesConfig::new().with_bias(false);
    let other = RecurrentConfig::new(LstmConfig::new(5, 4).with_gates(gates));
    let other = DeepConfig::new(other, 3).init(&device).unwrap();
    let error = state.load(other, "encoder.rnn.").unwrap_err();
    let Error::Mismatch(mismatch) = &error else {
        panic!("{error}");
    };
    let names = |all: &[backdraft_exchange::Shaped]| {
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&mismatch.missing),
        [
            "encoder.rnn.weight_ih_l2 [16, 4]",
            "encoder.rnn.weight_hh_l2 [16, 4]"
        ]
    );
    let misshapen: Vec<String> = mismatch
        .misshapen
        .iter()
        .map(|(expected, found)| format!("{expected} {found:?}"))
        .collect();
    assert_eq!(
        misshapen,
        [
            "encoder.rnn.weight_ih_l0 [16, 5] [16, 3]",
            "encoder.rnn.weight_ih_l1 [16, 4] [16, 8]",
        ]
    );
    // Four biases, and eight tensors of the reverse direction.
    assert_eq!(mismatch.unexpected.len(), 12);
    assert!(names(&mismatch.unexpected).contains(&"encoder.rnn.bias_ih_l1 [16]".to_string()));
    let told = message(error);
    for line in [
        "`encoder.rnn.` in ",
        "\n  missing: encoder.rnn.weight_hh_l2 [16, 4]",
        "\n  not in the layer: encoder.rnn.weight_hh_l0_reverse [16, 4]",
        "\n  shape of encoder.rnn.weight_ih_l0: expected [16, 5], found [16, 3]",
    ] {
        assert!(told.contains(line), "{line} in: {told}");
    }

    // A prefix that nothing has: what there would be.
    let told = message(state.load(encoder(), "decoder").unwrap_err());
    assert!(
        told.contains("missing: decoder.weight_ih_l0 [16, 3]"),
        "{told}"
    );
    assert!(
        told.ends_with("begin with: encoder., head.\n  they fit with the prefix `encoder.rnn.`"),
        "{told}"
    );
    assert!(!told.contains("not in the layer"), "{told}");
}

#[test]
fn whole_numbers_are_no_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.safetensors");
    let header = r#"{"weight_ih_l0":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},
        "weight_hh_l0":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    std::fs::write(&path, [&length, header.as_bytes(), &[0; 8]].concat()).unwrap();
    let cell = ElmanConfig::new(1, 1).with_gates(GatesConfig::new().with_bias(false));
    let layer = RecurrentConfig::new(cell).init(&Device::flex()).unwrap();
    let told = message(StateDict::open(&path).unwrap().load(layer, "").unwrap_err());
    let line = "type of weight_ih_l0: expected floating-point numbers, found I32";
    assert!(told.ends_with(line), "{told}");
}

/// A model of one's own: its layers are named, one of its parameters is not.
#[derive(Module, Debug)]
struct Own {
    encoder: Recurrent<Gru>,
    decoder: Recurrent<Gru>,
    temperature: Option<Param<Tensor<1>>>,
}

impl Twin for Own {
    fn parameters(&self) -> Result<Vec<Parameter>, backdraft_cells::Error> {
        let parts = [("encoder", &self.encoder), ("decoder", &self.decoder)];
        let mut all = Vec::new();
        for (name, part) in parts {
            let parameters = Twin::parameters(part)?.into_iter();
            all.extend(parameters.map(|parameter| parameter.within(name, &format!("{name}.gru"))));
        }
        Ok(all)
    }
}

#[test]
fn a_model_of_ones_own_is_named_by_its_parts() {
    let device = Device::flex();
    let gru = || {
        RecurrentConfig::new(GruConfig::new(2, 2))
            .init(&device)
            .unwrap()
    };
    let own = |temperature| Own {
        encoder: gru(),
        decoder: gru(),
        temperature,
    };
    let (one, other) = (own(None), own(None));
    let state = StateDict::of(&one, "seq2seq").unwrap();
    assert!(state.shape("seq2seq.decoder.gru.weight_hh_l0").is_some());
    let other = state.load(other, "seq2seq").unwrap();
    let [one, other] = [one, other].map(|own| tensors(&StateDict::of(&own, "").unwrap(), ""));
    assert_eq!(one, other);

    let temperature = Param::from_tensor(Tensor::<1>::ones([1], &device));
    let told = message(StateDict::of(&own(Some(temperature)), "").unwrap_err());
    let expected = "Own: parameters: expected those of PyTorch, found temperature";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn two_layers_of_one_name_do_not_hide_each_other() {
    let gru = RecurrentConfig::new(GruConfig::new(2, 2))
        .init(&Device::flex())
        .unwrap();
    let mut state = StateDict::of(&gru, "a").unwrap();
    state.insert(&gru, "b").unwrap();
    assert_eq!(state.names().count(), 8);
    let told = message(state.insert(&gru, "b.").unwrap_err());
    assert_eq!(told, "a tensor called `b.weight_ih_l0` is there already");
    assert_eq!(state.names().count(), 8);
}

#[derive(Deserialize)]
struct LanguageModelCase {
    name: String,
    cell: String,
    vocabulary: usize,
    embedding: usize,
    hidden: usize,
    layers: usize,
    tied: bool,
    symbols: Vec<Vec<i64>>,
    loss: f64,
}

fn model_of<K>(case: &LanguageModelCase, cell: K) -> LanguageModel<Deep<Recurrent<K::Built>>>
where
    K: SequenceConfig<Built: Cell>,
{
    let stack = DeepConfig::new(RecurrentConfig::new(cell), case.layers);
    let config = LanguageModelConfig::new(case.vocabulary, stack).with_tied(case.tied);
    config.init(&Device::flex()).unwrap()
}

fn check_model<L: Layer>(case: &LanguageModelCase, model: LanguageModel<L>)
where
    LanguageModel<L>: Twin,
{
    let name = &case.name;
    let state = open("language_model.safetensors");
    let model = state.load(model, name).unwrap();
    let (batch, time) = (case.symbols.len(), case.symbols[0].len() - 1);
    let part = |from: usize| {
        let rows = case.symbols.iter();
        let values: Vec<i64> = rows
            .flat_map(|row| row[from..from + time].to_vec())
            .collect();
        Tensor::<2, Int>::from_data(TensorData::new(values, [batch, time]), &Device::flex())
    };
    let loss = model.loss(part(0), part(1), None).unwrap();
    let loss = loss.nats.mean().into_scalar::<f64>();
    assert!(
        (loss - case.loss).abs() < 1e-5,
        "{name}: {loss} against {}",
        case.loss
    );

    // And out again: what PyTorch computed this loss with, to the last bit.
    let found = tensors(&StateDict::of(&model, name).unwrap(), "");
    let prefix = format!("{name}.");
    let mut expected = tensors(&state, "");
    expected.retain(|name, _| name.starts_with(&prefix));
    assert_eq!(found, expected, "{name}");
}

#[test]
fn a_language_model_trained_in_pytorch_has_the_same_loss_here() {
    let text = include_str!("language_model.json");
    let cases: Vec<LanguageModelCase> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let (input, hidden) = (case.embedding, case.hidden);
        match case.cell.as_str() {
            "elman" => check_model(case, model_of(case, ElmanConfig::new(input, hidden))),
            "lstm" => check_model(case, model_of(case, LstmConfig::new(input, hidden))),
            "gru" => check_model(case, model_of(case, GruConfig::new(input, hidden))),
            other => panic!("unknown cell {other}"),
        }
    }
}

fn grus() -> DeepConfig<RecurrentConfig<GruConfig>> {
    DeepConfig::new(RecurrentConfig::new(GruConfig::new(3, 3)), 1)
}

/// PyTorch's state dict names tied weights twice; a file may hold them once or twice, but not two
/// different ones.
#[test]
fn tied_weights_are_one() {
    let tied = || {
        let config = LanguageModelConfig::new(5, grus()).with_tied(true);
        config.init(&Device::flex()).unwrap()
    };
    let one = tied();
    let state = StateDict::of(&one, "").unwrap();
    let both = ["embedding.weight", "output.weight"];
    assert!(both.iter().all(|name| state.shape(name) == Some(&[5, 3])));

    let without = |gone: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let (model, gone) = (one.clone(), gone.to_string());
        StateDict::of(&Part { model, gone }, "")
            .unwrap()
            .save(&path)
            .unwrap();
        StateDict::open(&path)
            .unwrap()
            .load(tied(), "")
            .map(|model| {
                assert_eq!(
                    tensors(&StateDict::of(&model, "").unwrap(), ""),
                    tensors(&state, "")
                );
            })
    };
    without("output.weight").unwrap();
    without("embedding.weight").unwrap();

    let config = LanguageModelConfig::new(5, grus());
    let untied = StateDict::of(&config.init(&Device::flex()).unwrap(), "").unwrap();
    let told = message(untied.load(tied(), "").unwrap_err());
    assert!(
        told.contains("embedding.weight and output.weight: expected the same"),
        "{told}"
    );
}

/// A model without one of the names of its tied weights, as `safetensors.torch.save_model` writes.
#[derive(Module, Debug)]
struct Part {
    model: LanguageModel<Deep<Recurrent<Gru>>>,
    #[module(skip)]
    gone: String,
}

impl Twin for Part {
    fn parameters(&self) -> Result<Vec<Parameter>, backdraft_cells::Error> {
        let mut all = Twin::parameters(&self.model)?;
        for parameter in &mut all {
            parameter.path = format!("model.{}", parameter.path);
            parameter.names.retain(|name| *name != self.gone);
        }
        Ok(all)
    }
}

/// An imported layer runs: with lengths, in both directions.
#[test]
fn an_imported_layer_runs() {
    let layer = open("tagger_nested.pt")
        .load(encoder(), "model.encoder.rnn")
        .unwrap();
    let input = Tensor::<3>::ones([2, 3, 3], &Device::flex());
    let run = layer
        .forward(LayerInput::new(input).with_lengths(&Lengths::new([3, 0])))
        .unwrap();
    assert_eq!(run.outputs.dims(), [2, 3, 8]);
}

#[test]
fn weights_that_are_not_finite_are_refused_by_their_place() {
    let device = Device::flex();
    let gru = || {
        RecurrentConfig::new(GruConfig::new(2, 2))
            .init(&device)
            .unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gru.safetensors");
    for (number, found) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut bad = gru();
        let weight = &mut bad.cell.gates.recurrent_weight;
        *weight = weight.clone().map(|weight| {
            let number = Tensor::full([1, 1], number, &weight.device());
            weight.slice_assign([4..5, 1..2], number)
        });
        StateDict::of(&bad, "rnn").unwrap().save(&path).unwrap();
        let error = StateDict::open(&path)
            .unwrap()
            .load(gru(), "rnn")
            .unwrap_err();
        assert_eq!(
            message(error),
            format!(
                "{}: rnn.weight_hh_l0[4, 1]: expected a finite number of type F32, found {found}",
                path.display()
            )
        );
    }
    // In double precision, and beyond single.
    let large = gru().map(&mut Large);
    StateDict::of(&large, "").unwrap().save(&path).unwrap();
    let file = StateDict::open(&path).unwrap();
    let told = message(file.load(gru(), "").unwrap_err());
    assert!(
        told.ends_with("[0, 0]: expected a finite number of type F32, found 1e39"),
        "{told}"
    );
    file.load(large, "").unwrap();
}

/// Weights of 1e39.
struct Large;

impl ModuleMapper for Large {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let large = param.val().cast(DType::F64).full_like(1e39);
        Param::initialized(param.id, large)
    }
}
