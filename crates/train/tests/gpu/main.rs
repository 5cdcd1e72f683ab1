//! A training on a GPU beside the same on the CPU. It is the only test of this program, as seeds and what is
//! drawn after them are those of the process.

use backdraft_train::{
    CellKind, DeviceChoice, Display, Language, LanguageSettings, PickedDevice, Recurrence,
    Training, train_task,
};

#[path = "../all/rule.rs"]
mod rule;

use rule::{rule, small};

/// The loss of each step, as the run has it.
fn losses(settings: &LanguageSettings, device: &PickedDevice) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    train_task::<Language>(settings, &rule(), &path, device, Display::Silent).unwrap();
    let text = std::fs::read_to_string(path.join("metrics.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line["split"] == "train")
        .map(|line| line["loss"].as_f64().unwrap())
        .collect()
}

#[test]
fn wgpu_follows_flex_for_fifty_steps() {
    let [flex, wgpu] =
        [DeviceChoice::Flex, DeviceChoice::Wgpu].map(|choice| choice.pick().unwrap());
    let settings = LanguageSettings {
        recurrence: Recurrence {
            cell: CellKind::Lstm,
            ..small().recurrence
        },
        training: Training {
            steps: Some(50),
            batch: 4,
            ..small().training
        },
        ..small()
    };
    let (cpu, gpu) = (losses(&settings, &flex), losses(&settings, &wgpu));
    assert_eq!((cpu.len(), gpu.len()), (50, 50));
    for (step, (cpu, gpu)) in cpu.iter().zip(&gpu).enumerate() {
        assert!(
            (cpu - gpu).abs() < 1e-3,
            "step {step}: {cpu} on flex, {gpu} on wgpu"
        );
    }
    assert!(
        cpu[49] < cpu[0] - 1.0,
        "nothing was learned: {} to {}",
        cpu[0],
        cpu[49]
    );
}
