//! Rows of the batches of every task: their losses are those that they have in the whole batch, and what is learned of
//! them on several devices is what one device learns.

use std::path::Path;

use backdraft_cells::Lengths;
use backdraft_models::Inputs;
use backdraft_train::{
    Batch, Classify, ClassifyOptions, ColumnOptions, Compose, ComposeOptions, DeviceChoice,
    Display, ExampleTask, Forecast, ForecastOptions, Objective, Recurrence, SymbolBatch, Tag,
    TagOptions, TaskOptions, TaskSettings, Training, Transcribe, TranscribeOptions, Translate,
    TranslateOptions, Ways, train_task,
};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::support::alone;
use crate::{classify, composition, forecasting, tagging, transcription, translation};

/// Examples of a batch, some of them longer than others.
const ROWS: usize = 11;

fn settings<O: TaskOptions>(options: O) -> TaskSettings<O> {
    TaskSettings {
        recurrence: Recurrence {
            hidden: 8,
            embedding: 6,
            dropout: 0.0,
            ..Recurrence::default()
        },
        options,
        training: Training {
            batch: ROWS,
            epochs: Some(1),
            steps: Some(8),
            lr: 1e-2,
            valid_fraction: 0.2,
            ..Training::default()
        },
        ..TaskSettings::default()
    }
}

/// In any order: each position has its own, but rows are not in the same place of the whole.
fn losses<M: Objective<State = ()>>(model: &M, batch: M::Batch) -> Vec<f32> {
    let losses = model.loss(batch, None).unwrap().losses.into_data();
    losses.iter().collect()
}

fn sorted(mut losses: Vec<f32>) -> Vec<f32> {
    losses.sort_by(f32::total_cmp);
    losses
}

/// The losses of the rows of a batch, however they are shared out.
fn rows_have_their_losses<T: ExampleTask>(settings: &TaskSettings<T::Options>, data: &Path) {
    let device = Device::flex();
    let all = T::read(data, &settings.options, None).unwrap().examples;
    let (examples, _) = T::hold_out(all, settings).unwrap();
    let task = T::of(&examples, settings).unwrap();
    device.seed(5);
    let model = task.model(settings, &device).unwrap();
    let some: Vec<&T::Example> = examples.iter().cycle().take(ROWS).collect();
    let (batch, positions) = task.batch(&some, &device);
    let rows = batch.rows();
    assert!(rows > 1, "{rows}");
    let whole = sorted(losses(&model, batch.clone()));
    assert_eq!(whole.len(), positions);
    let cut = rows / 3;
    let mut parts = Vec::new();
    for range in [0..cut, cut..cut + 1, cut + 1..rows] {
        let part = batch.take_rows(range.clone()).to_device(&device);
        assert_eq!(part.rows(), range.len());
        parts.extend(losses(&model, part));
    }
    let parts = sorted(parts);
    assert_eq!(parts.len(), positions);
    for (part, whole) in parts.iter().zip(&whole) {
        let near = (part - whole).abs() < 1e-5 * whole.abs().max(1.0);
        assert!(near, "{part} against {whole}");
    }
    // Of other rows the losses are others.
    let first: f32 = losses(&model, batch.take_rows(0..1)).iter().sum();
    let others = (1..rows).map(|row| losses(&model, batch.take_rows(row..row + 1)));
    let others: Vec<f32> = others.map(|losses| losses.iter().sum()).collect();
    assert!(
        others.iter().any(|other| (other - first).abs() > 1e-4),
        "{others:?}"
    );
}

fn several_devices_learn_the_same<T: ExampleTask>(
    settings: &TaskSettings<T::Options>,
    data: &Path,
    runs: &Path,
) {
    let loss = |devices: usize| {
        let device = DeviceChoice::Flex.pick().unwrap();
        let device = device.with_devices(devices).unwrap();
        let run = runs.join(devices.to_string());
        let report = train_task::<T>(settings, data, &run, &device, Display::Silent);
        report.unwrap().loss
    };
    let one = loss(1);
    for devices in [2, 3] {
        let several = loss(devices);
        let apart = (several - one).abs() / one.abs();
        assert!(apart < 1e-5, "{several} on {devices} devices, {one} on one");
    }
}

fn is_shared_out<T: ExampleTask>(settings: &TaskSettings<T::Options>, data: &Path) {
    let _alone = alone();
    rows_have_their_losses::<T>(settings, data);
    let runs = tempfile::tempdir().unwrap();
    several_devices_learn_the_same::<T>(settings, data, runs.path());
}

#[test]
fn classes() {
    let folder = tempfile::tempdir().unwrap();
    let data = classify::rule(folder.path());
    let options = ClassifyOptions {
        ways: Ways::Both,
        ..ClassifyOptions::default()
    };
    is_shared_out::<Classify>(&settings(options), Path::new(&data));
}

/// Words of several sentences are spelled once, for all rows.
#[test]
fn tags() {
    let folder = tempfile::tempdir().unwrap();
    let data = tagging::sentences(folder.path());
    for characters in [0, 8] {
        let options = TagOptions {
            characters,
            character_embedding: 6,
            ..TagOptions::default()
        };
        is_shared_out::<Tag>(&settings(options), &data);
    }
}

#[test]
fn series() {
    let folder = tempfile::tempdir().unwrap();
    let data = forecasting::swings(folder.path());
    let options = ForecastOptions {
        columns: ColumnOptions {
            series_column: Some("who".to_string()),
            ..ColumnOptions::default()
        },
        window: 40,
        horizon: 4,
        valid_steps: Some(24),
        ..ForecastOptions::default()
    };
    let mut settings = settings(options);
    settings.recurrence.embedding = Recurrence::default().embedding;
    is_shared_out::<Forecast>(&settings, &data);
}

#[test]
fn pairs() {
    let folder = tempfile::tempdir().unwrap();
    let data = translation::pairs(folder.path());
    is_shared_out::<Translate>(&settings(TranslateOptions::default()), &data);
}

/// Rows on other devices draw other numbers, of the seed of their batch.
#[test]
fn scheduled_sampling_is_drawn_for_the_rows_of_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let data = translation::pairs(folder.path());
    let options = TranslateOptions {
        scheduled_sampling: 0.5,
        ..TranslateOptions::default()
    };
    let settings = settings(options);
    let examples = Translate::read(&data, &settings.options, None).unwrap();
    let task = Translate::of(&examples.examples, &settings).unwrap();
    let some: Vec<_> = examples.examples.iter().take(4).collect();
    let (batch, _) = task.batch(&some, &Device::flex());
    let batch = task.numbered(batch, 9);
    let seed = |rows| batch.take_rows(rows).scheduled.map(|(_, seed)| seed);
    assert!(seed(0..2).is_some());
    assert_ne!(seed(0..2), seed(2..4));
    assert_eq!(seed(2..4), seed(2..3));
}

#[test]
fn sounds() {
    let folder = tempfile::tempdir().unwrap();
    let data = transcription::sounds(folder.path());
    let options = TranscribeOptions {
        names: ["oo", "oh", "ho", "hh"].map(String::from).to_vec(),
        ..TranscribeOptions::default()
    };
    is_shared_out::<Transcribe>(&settings(options), &data);
}

#[test]
fn tunes() {
    let folder = tempfile::tempdir().unwrap();
    let data = composition::tunes(folder.path());
    let options = ComposeOptions {
        key_size: 6,
        ..ComposeOptions::default()
    };
    is_shared_out::<Compose>(&settings(options), &data);
}

/// The parts that batches are made of: rows 1 and 2 of three.
#[test]
fn parts_of_a_batch() {
    let device = Device::flex();
    let symbols = Tensor::<2, Int>::from_data([[1, 2], [3, 4], [5, 6]], &device);
    let text = SymbolBatch {
        inputs: symbols.clone(),
        targets: symbols.clone() + 10,
    };
    let text = text.take_rows(1..3);
    let ints = |tensor: Tensor<2, Int>| tensor.into_data().iter::<i64>().collect::<Vec<_>>();
    assert_eq!(ints(text.inputs), [3, 4, 5, 6]);
    assert_eq!(ints(text.targets), [13, 14, 15, 16]);

    let begins = Tensor::<2, Bool>::from_data([[true], [false], [true]], &device);
    let begins = begins.take_rows(1..3).into_data();
    assert_eq!(begins.iter::<bool>().collect::<Vec<_>>(), [false, true]);

    assert_eq!(
        Lengths::new([3, 1, 2]).take_rows(1..3),
        Lengths::new([1, 2])
    );

    let features: Inputs = symbols.clone().float().reshape([3, 1, 2]).into();
    let Inputs::Features(features) = features.take_rows(1..3) else {
        panic!("features stay features");
    };
    assert_eq!(features.dims(), [2, 1, 2]);
    let features = features.into_data();
    assert_eq!(
        features.iter::<f32>().collect::<Vec<_>>(),
        [3.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(Inputs::from(symbols).take_rows(0..1).rows(), 1);
}
