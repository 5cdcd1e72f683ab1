//! A task of somebody's own goes the whole road: it is trained, killed, resumed to the same weights, evaluated,
//! asked and reported, and all that is written of it is here.

use std::path::Path;
use std::process::Command;

use backdraft_cells::{Error, Layer, LayerInput, Lengths, SequenceConfig};
use backdraft_exchange::pytorch::{Parameter, Twin};
use backdraft_models::Encoder;
use backdraft_train::{
    Answer, BatchOf, Decoding, Display, ExampleTask, Examples, Loss, Objective, Predictor,
    Recurrence, Resumed, Rows, Run, Scores, TaskOptions, TaskReport, TaskSettings, TrainError,
    Training, evaluate_task, export_task, import_task, report_task, resume_task, train_task,
};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::support::{alone, cpus};

/// Whether the ones in a row of bits are odd in number; of which bit they are counted is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parity {
    counted: char,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ParityOptions {
    counted: char,
}

impl Default for ParityOptions {
    fn default() -> Self {
        Self { counted: '1' }
    }
}

impl TaskOptions for ParityOptions {
    const TASK: &'static str = "parity";

    fn recurrence() -> Recurrence {
        Recurrence {
            hidden: 16,
            ..Recurrence::default()
        }
    }

    fn training() -> Training {
        Training {
            steps: Some(500),
            lr: 2e-2,
            valid_fraction: 0.2,
            ..Training::default()
        }
    }

    fn check(&self, _recurrence: &Recurrence) -> Result<(), TrainError> {
        Ok(())
    }
}

#[derive(Module, Debug)]
struct ParityModel {
    layer: Encoder,
    output: Linear,
}

#[derive(Debug, Clone)]
struct Bits {
    values: Tensor<3>,
    lengths: Lengths,
    odd: Tensor<1, Int>,
}

backdraft_train::batch!(Bits {
    values,
    lengths,
    odd
});

impl ParityModel {
    /// `[batch, 2]`, after the last bit of each row.
    fn scores(&self, bits: &Bits) -> Result<Tensor<2>, Error> {
        let run = self
            .layer
            .forward(LayerInput::new(bits.values.clone()).with_lengths(&bits.lengths))?;
        let mut last = None;
        backdraft_cells::State::visit(&run.state, "", &mut |_, state| last = Some(state.clone()));
        Ok(self.output.forward(last.expect("a state has a tensor")))
    }
}

impl Twin for ParityModel {
    fn parameters(&self) -> Result<Vec<Parameter>, Error> {
        let layer = Parameter::all_within(self.layer.parameters()?, "layer", "layer");
        let output = Parameter::all_within(Parameter::of_linear(&self.output), "output", "output");
        Ok([layer, output].concat())
    }
}

impl Objective for ParityModel {
    type Batch = Bits;
    type State = ();

    fn loss(&self, bits: Bits, _state: Option<()>) -> Result<Loss<()>, Error> {
        let scores = self.scores(&bits)?;
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        let [rows, _] = scores.dims();
        let losses = loss.forward(scores, bits.odd).expand([rows]);
        Ok(Loss {
            losses,
            penalty: None,
            state: (),
        })
    }

    fn blank_state(&self, _rows: usize) {}
}

impl ExampleTask for Parity {
    type Options = ParityOptions;
    type Example = String;
    type Model = ParityModel;

    fn read(
        path: &Path,
        _options: &ParityOptions,
        _known: Option<&Self>,
    ) -> Result<Examples<String>, TrainError> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let rows = text.lines().map(str::to_string).collect();
        Examples::of(path, Rows::new(rows, 0))
    }

    fn of(
        _examples: &[String],
        settings: &TaskSettings<ParityOptions>,
    ) -> Result<Self, TrainError> {
        let counted = settings.options.counted;
        Ok(Self { counted })
    }

    fn model(
        &self,
        settings: &TaskSettings<ParityOptions>,
        device: &Device,
    ) -> Result<ParityModel, Error> {
        Ok(ParityModel {
            layer: settings.recurrence.encoder(1).init(device)?,
            output: LinearConfig::new(settings.recurrence.hidden, 2).init(device),
        })
    }

    fn layers(model: &ParityModel) -> Vec<(&'static str, &Encoder)> {
        vec![("recurrent", &model.layer)]
    }

    fn layers_mut(model: &mut ParityModel) -> Vec<(&'static str, &mut Encoder)> {
        vec![("recurrent", &mut model.layer)]
    }

    fn lengths(&self, bits: &String) -> [usize; 2] {
        [bits.len(), 0]
    }

    fn batch(&self, rows: &[&String], device: &Device) -> BatchOf<Self> {
        let lengths: Vec<usize> = rows.iter().map(|bits| bits.len()).collect();
        let steps = lengths.iter().copied().max().unwrap_or(1);
        let bit = |bits: &str, step: usize| f32::from(u8::from(self.counts(bits, step)));
        let values = rows
            .iter()
            .flat_map(|bits| (0..steps).map(|step| bit(bits, step)));
        let values = TensorData::new(values.collect::<Vec<f32>>(), [rows.len(), steps, 1]);
        let odd: Vec<i64> = rows
            .iter()
            .map(|bits| i64::from(self.is_odd(bits)))
            .collect();
        let bits = Bits {
            values: Tensor::from_data(values, device),
            lengths: Lengths::new(lengths),
            odd: Tensor::from_data(TensorData::new(odd, [rows.len()]), device),
        };
        (bits, rows.len())
    }

    fn score(
        &self,
        model: &ParityModel,
        examples: &[String],
        rows: usize,
    ) -> Result<Scores, TrainError> {
        let mut right = 0;
        for rows in examples.chunks(rows) {
            let rows: Vec<&String> = rows.iter().collect();
            let said = self.said(model, &rows)?;
            let pairs = said.iter().zip(&rows);
            right += pairs
                .filter(|(said, bits)| **said == self.is_odd(bits))
                .count();
        }
        Ok(Scores {
            figures: vec![("accuracy", right as f64 / examples.len() as f64)],
            table: None,
        })
    }

    fn questions(
        &self,
        path: &Path,
        options: &ParityOptions,
    ) -> Result<Examples<String>, TrainError> {
        Self::read(path, options, None)
    }

    fn question(&self, line: &str) -> Result<String, String> {
        Ok(line.to_string())
    }

    fn answer(&self, model: &ParityModel, examples: &[&String]) -> Result<Vec<Answer>, TrainError> {
        let said = self.said(model, examples)?.into_iter();
        Ok(said.map(|odd| Answer(vec![("odd", odd.into())])).collect())
    }
}

impl Parity {
    fn counts(&self, bits: &str, step: usize) -> bool {
        bits.chars().nth(step) == Some(self.counted)
    }

    fn is_odd(&self, bits: &str) -> bool {
        bits.matches(self.counted).count() % 2 == 1
    }

    fn said(&self, model: &ParityModel, rows: &[&String]) -> Result<Vec<bool>, TrainError> {
        let device = model.devices()[0].clone();
        let (bits, _) = self.batch(rows, &device);
        let said = model.scores(&bits)?.argmax(1).into_data();
        Ok(said.iter::<i64>().map(|class| class == 1).collect())
    }
}

/// Every row of up to five bits, several times.
fn data(folder: &Path) -> std::path::PathBuf {
    let row = |length: usize, number: usize| format!("{number:0length$b}\n");
    let rows = (1..=5).flat_map(|length| (0..1 << length).map(move |number| row(length, number)));
    let path = folder.join("bits.txt");
    std::fs::write(&path, rows.collect::<String>().repeat(6)).unwrap();
    path
}

fn train(folder: &Path, run: &str) -> TaskReport {
    let device = &cpus()[0];
    let (settings, run) = (TaskSettings::default(), folder.join(run));
    train_task::<Parity>(&settings, &data(folder), &run, device, Display::Silent).unwrap()
}

/// The weights of a run, one after the other.
fn weights(run: &Path) -> Vec<f32> {
    struct All(Vec<f32>);
    impl ModuleVisitor for All {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().iter::<f32>());
        }
    }
    let (run, description) = Run::open_as::<TaskSettings<ParityOptions>>(run).unwrap();
    let parity = Parity { counted: '1' };
    let model = parity
        .model(&description.settings, &Device::flex())
        .unwrap();
    let mut all = All(Vec::new());
    run.load_weights(model).unwrap().visit(&mut all);
    all.0
}

const FOLDER: &str = "BACKDRAFT_TEST_FOLDER";

/// Run by the next test, in a process of its own that is killed.
#[test]
#[ignore = "a part of the test after it"]
fn a_training_that_is_killed() {
    if let Ok(folder) = std::env::var(FOLDER) {
        train(Path::new(&folder), "killed");
    }
}

#[test]
fn a_task_of_ones_own_goes_the_whole_road() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let report = train(folder, "whole");
    assert!(report.figures["accuracy"] > 0.9, "{report:?}");

    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "road::a_training_that_is_killed", "--ignored"]);
    program.env("BACKDRAFT_FAILPOINT", "kill:step:70");
    let output = program.env(FOLDER, folder).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    let (whole, killed) = (folder.join("whole"), folder.join("killed"));
    assert!(!killed.join("result.json").exists(), "it ended: {output:?}");
    let resumed = resume_task::<Parity>(&killed, Resumed::default(), Display::Silent).unwrap();
    assert_eq!(resumed.loss, report.loss);
    assert_eq!(resumed.steps, report.steps);
    assert!(weights(&killed) == weights(&whole), "other weights");

    let device = &cpus()[0];
    let again = evaluate_task::<Parity>(&killed, None, &Decoding::default(), device).unwrap();
    assert_eq!(again.figures["accuracy"], report.figures["accuracy"]);
    let predictor = Predictor::<Parity>::open(&killed, device).unwrap();
    let answers = ["10", "11", "10110"].map(|bits| predictor.answer_line(bits).unwrap().to_tsv());
    assert_eq!(answers, ["true", "false", "true"]);
    let (file, imported) = (folder.join("parity.safetensors"), folder.join("imported"));
    let exported = export_task::<Parity>(&killed, &file).unwrap();
    assert_eq!(exported.tensors, 6);
    import_task::<Parity>(&file, "", &[], &killed, &imported).unwrap();
    assert!(weights(&imported) == weights(&whole), "other weights");
    let page = report_task::<Parity>(&killed).unwrap().page;
    assert!(page.contains("counted = &quot;1&quot;"), "{page}");
}
