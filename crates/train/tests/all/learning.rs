//! Short trainings, from a text to a run folder: what they learn, and that they learn it again.

use std::path::Path;

use backdraft_train::{
    CellKind, Clipping, DeviceChoice, Display, Language, LanguageSettings, NormedWeights,
    OptimizerKind, PickedDevice, Recurrence, Regularize, Text, TrainError, TrainReport, Training,
    evaluate_language_model, train_task,
};

use crate::rule::{rule, small};
use crate::support::{alone, cpus};

fn flex() -> PickedDevice {
    DeviceChoice::Flex.pick().unwrap()
}

fn train(
    settings: &LanguageSettings,
    text: &Text,
    device: &PickedDevice,
) -> Result<TrainReport, TrainError> {
    let folder = tempfile::tempdir().unwrap();
    train_task::<Language>(
        settings,
        text,
        &folder.path().join("run"),
        device,
        Display::Silent,
    )
}

/// A software GPU takes minutes: there, `tests/gpu` shows that it learns.
#[test]
fn a_rule_is_learned_by_every_cell() {
    let _alone = alone();
    for device in cpus() {
        for cell in [CellKind::Elman, CellKind::Lstm, CellKind::Gru] {
            let settings = LanguageSettings {
                recurrence: Recurrence {
                    cell,
                    ..small().recurrence
                },
                training: Training {
                    steps: Some(100),
                    ..small().training
                },
                ..small()
            };
            let report = train(&settings, &rule(), &device).unwrap();
            // By the last character alone it cannot be told what follows an `a`, a `b` or a `c`:
            // whoever does not remember more pays (5 ln 5 + 3 ln 3 + 2 ln 2) / 16 = 0.80 nats.
            let loss = report.loss;
            assert!(loss < 0.05, "{cell:?} on {}: {loss}", device.name);
            assert_eq!(report.steps, 100);
        }
    }
}

/// The other cells, and the plain ones held back, on the CPU.
#[test]
fn the_rule_is_learned_by_the_other_cells_and_with_regularisers() {
    let _alone = alone();
    let learn = |cell, regularize, steps| {
        let settings = LanguageSettings {
            recurrence: Recurrence {
                cell,
                regularize,
                ..small().recurrence
            },
            training: Training {
                steps: Some(steps),
                ..small().training
            },
            ..small()
        };
        let loss = train(&settings, &rule(), &flex()).unwrap().loss;
        assert!(loss < 0.1, "{cell:?}, {regularize:?}: {loss}");
    };
    let other = [
        CellKind::LayerNormLstm,
        CellKind::LayerNormGru,
        CellKind::Janet,
        CellKind::Mgu,
        CellKind::SLstm,
        CellKind::MinGru,
        CellKind::MinLstm,
        CellKind::HighOrderElman,
        CellKind::Jordan,
        CellKind::ElmanJordan,
        CellKind::IndRnn,
        CellKind::FourGateLstm,
        CellKind::Lru,
    ];
    for cell in other {
        learn(cell, Regularize::default(), 150);
    }
    let regularize = Regularize {
        drop_connect: 0.2,
        recurrent_dropout: 0.1,
        candidate_dropout: 0.1,
        weight_norm: NormedWeights::Both,
        ..Regularize::default()
    };
    learn(CellKind::Lstm, regularize, 300);
    learn(CellKind::LayerNormGru, regularize, 300);
    let regularize = Regularize {
        zoneout: 0.05,
        zoneout_memory: 0.2,
        ..Regularize::default()
    };
    learn(CellKind::Lstm, regularize, 300);
}

#[test]
fn stochastic_gradient_descent_and_clipping_by_value_learn_too() {
    let _alone = alone();
    let settings = LanguageSettings {
        training: Training {
            optimizer: OptimizerKind::Sgd,
            lr: 1.0,
            clipping: Clipping {
                value: Some(0.1),
                ..Clipping::default()
            },
            steps: Some(300),
            ..small().training
        },
        ..small()
    };
    let report = train(&settings, &rule(), &flex()).unwrap();
    assert!(report.loss < 0.05, "{}", report.loss);
}

#[test]
fn evaluating_a_run_gives_the_figure_of_its_training() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let settings = LanguageSettings {
        training: Training {
            epochs: Some(2),
            ..small().training
        },
        ..small()
    };
    let device = flex();
    let report =
        train_task::<Language>(&settings, &rule(), &path, &device, Display::Silent).unwrap();
    assert_eq!(report.epochs, 2);

    let again = evaluate_language_model(&path, None, None, &device).unwrap();
    assert_eq!(again.loss.to_bits(), report.loss.to_bits());
    assert_eq!(again.symbols, report.valid_symbols);

    // A text of which half the characters are unknown costs dearly; one symbol is too few.
    let text = |content: &str| Text::new(content.to_string(), "test");
    let strange =
        evaluate_language_model(&path, Some(text(&"a!".repeat(50))), None, &device).unwrap();
    assert!(strange.loss > report.loss + 1.0);
    assert_eq!(strange.unknown, strange.symbols.div_ceil(2));
    assert!(evaluate_language_model(&path, Some(text("a")), None, &device).is_err());
}

#[test]
fn a_training_that_diverges_says_so() {
    let _alone = alone();
    let settings = LanguageSettings {
        recurrence: Recurrence {
            cell: CellKind::Elman,
            ..small().recurrence
        },
        training: Training {
            optimizer: OptimizerKind::Sgd,
            lr: 1e38,
            clipping: Clipping::default(),
            steps: Some(1000),
            ..small().training
        },
        ..small()
    };
    let error = train(&settings, &rule(), &flex()).unwrap_err().to_string();
    assert!(
        error.starts_with("training diverged: 10 steps in a row were skipped, from step "),
        "{error}"
    );
}

#[test]
fn what_cannot_be_trained_is_refused_before_a_folder_is_made() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let refuse = |settings: &LanguageSettings, text: &str| {
        let text = Text::new(text.to_string(), "test");
        let path = folder.path().join("run");
        let result = train_task::<Language>(settings, &text, &path, &flex(), Display::Silent);
        assert!(!Path::exists(&path));
        result.unwrap_err().to_string()
    };
    let text = &rule().content;
    assert!(
        refuse(
            &LanguageSettings {
                recurrence: Recurrence {
                    hidden: 0,
                    ..small().recurrence
                },
                ..small()
            },
            text
        )
        .contains("--hidden: ")
    );
    assert!(
        refuse(
            &LanguageSettings {
                training: Training {
                    lr: f64::NAN,
                    ..small().training
                },
                ..small()
            },
            text
        )
        .contains("--lr: ")
    );
    assert!(
        refuse(
            &LanguageSettings {
                tied: true,
                ..small()
            },
            text
        )
        .contains("--tied: ")
    );
    assert!(refuse(&small(), "short").contains("the text is too short"));
    let tiny = LanguageSettings {
        training: Training {
            valid_fraction: 1e-4,
            ..small().training
        },
        ..small()
    };
    assert!(
        refuse(&tiny, text)
            .starts_with("the held-out part of the text: expected at least 2 symbols, found ")
    );
}
