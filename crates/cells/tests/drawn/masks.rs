//! The masks of the regularisers: how they fall, where they are, and how long they stay.

use backdraft_cells::prelude::*;
use backdraft_cells::{Gates, LstmState, MaskSpan, Path, Projected, SequenceDropout};
use burn::module::Module;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::support::{alone, assert_close, backends, random, state_values, values};

const SEED: u64 = 11;
const P: f64 = 0.4;

fn candidate(span: MaskSpan) -> GatesConfig {
    let gates = GatesConfig::new().with_candidate_dropout(P);
    gates.with_candidate_span(span)
}

fn device() -> Device {
    backends()[0].device.clone()
}

/// The numbers of a mask: 0, or what makes the mean 1; and as many of each as was asked for.
#[track_caller]
fn check_mask(what: &str, mask: &[f64]) {
    let kept = 1.0 / (1.0 - P);
    let zeros = mask.iter().filter(|m| **m == 0.0).count();
    assert!(
        mask.iter().all(|m| *m == 0.0 || (m - kept).abs() < 1e-5),
        "{what}"
    );
    let deviation = (P * (1.0 - P) / mask.len() as f64).sqrt();
    let share = zeros as f64 / mask.len() as f64;
    assert!((share - P).abs() < 4.0 * deviation, "{what}: {share}");
}

#[test]
fn masks_fall_as_they_are_asked_to() {
    let _alone = alone();
    const H: usize = 50;
    const TIME: usize = 6;
    const BATCH: usize = 40;
    for backend in &backends() {
        let device = backend.autodiff();
        device.seed(SEED);
        let gates = GatesConfig::new()
            .with_recurrent_initialization(Initializer::Ones.into())
            .with_drop_connect(P);
        let lstm = LstmConfig::new(1, H)
            .with_gates(gates)
            .init(&device)
            .unwrap();
        let run = lstm.prepared(BATCH);
        check_mask("drop connect", &values(&run.gates.recurrent_weight.val()));
        let again = lstm.prepared(BATCH);
        assert_ne!(
            values(&run.gates.recurrent_weight.val()),
            values(&again.gates.recurrent_weight.val())
        );

        for span in [MaskSpan::Step, MaskSpan::LayerOutput] {
            let gates = candidate(span).with_recurrent_dropout(P);
            let gru = GruConfig::new(1, H)
                .with_gates(gates)
                .init(&device)
                .unwrap();
            let input = Tensor::<3>::zeros([TIME, BATCH, 1], &device);
            let told = gru.prepared(BATCH).project(input);
            assert_eq!(told.values.dims(), [TIME, BATCH, 3 * H]);
            let [hidden, candidate] = [0, 1].map(|mask: usize| -> Vec<Vec<f64>> {
                let mask = told.masks[mask].clone();
                mask.iter_dim(0).map(|step| values(&step)).collect()
            });
            check_mask("hidden", &hidden[0]);
            assert!(hidden.iter().all(|step| *step == hidden[0]));
            check_mask("candidate", &candidate[0]);
            assert_ne!(candidate[0], hidden[0]);
            match span {
                MaskSpan::LayerOutput => {
                    assert!(candidate.iter().all(|step| *step == candidate[0]))
                }
                MaskSpan::Step => {
                    check_mask("candidates", &candidate.concat());
                    assert_ne!(candidate[1], candidate[0]);
                }
            }
        }
    }
}

/// One step of an LSTM and of a GRU worked out number by number, with the masks that fell.
#[test]
fn masks_are_where_the_papers_put_them() {
    let _alone = alone();
    const H: usize = 4;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for backend in backends().iter().filter(|backend| backend.is_precise()) {
        let device = backend.autodiff();
        device.seed(SEED);
        let regularized = candidate(MaskSpan::Step).with_recurrent_dropout(P);
        let input = backend.random::<3>(1, [1, 1, 2]);
        let (h, c) = (random(2, H), random(3, H));
        let state = |values: &[f64]| backend.tensor::<2>(values, [1, H]);
        // Of a step: what the gates see of the input, and of the last output, unit by unit.
        let parts = |gates: &Gates, told: &Projected<2>| {
            let projected = values(&told.values);
            let [hidden, candidate] = [0, 1].map(|mask: usize| values(&told.masks[mask]));
            assert!(
                hidden.contains(&0.0) && candidate.contains(&0.0),
                "an idle mask"
            );
            assert_ne!(hidden, [0.0; H]);
            let weight = values(&gates.recurrent_weight.val());
            let bias = values(&gates.recurrent_bias.as_ref().unwrap().val());
            let recurrent: Vec<f64> = (0..projected.len())
                .map(|row| {
                    let weight = &weight[row * H..][..H];
                    let terms = (0..H).map(|j| weight[j] * hidden[j] * h[j]);
                    terms.sum::<f64>() + bias[row]
                })
                .collect();
            (projected, recurrent, candidate)
        };

        let config = LstmConfig::new(2, H).with_gates(regularized.clone());
        let lstm = backend.fill(config.init(&device).unwrap(), 5).prepared(1);
        let told = lstm.project(input.clone()).steps().remove(0);
        let (a, r, m) = parts(&lstm.gates, &told);
        let (hidden, cell) = (state(&h), state(&c));
        let next = lstm.step(told, LstmState { hidden, cell });
        let gate = |k: usize, u: usize| a[k * H + u] + r[k * H + u];
        let cell: Vec<f64> = (0..H)
            .map(|u| {
                let (i, f, g) = (sigmoid(gate(0, u)), sigmoid(gate(1, u)), gate(2, u).tanh());
                f * c[u] + i * m[u] * g
            })
            .collect();
        let hidden: Vec<f64> = (0..H)
            .map(|u| sigmoid(gate(3, u)) * cell[u].tanh())
            .collect();
        assert_close(
            "lstm",
            &state_values(&next),
            &[hidden, cell].concat(),
            1e-12,
        );

        let config = GruConfig::new(2, H).with_gates(regularized);
        let gru = backend.fill(config.init(&device).unwrap(), 5).prepared(1);
        let told = gru.project(input).steps().remove(0);
        let (a, r, m) = parts(&gru.gates, &told);
        let next = gru.step(told, state(&h));
        let hidden: Vec<f64> = (0..H)
            .map(|u| {
                let reset = sigmoid(a[u] + r[u]);
                let z = sigmoid(a[H + u] + r[H + u]);
                let n = (a[2 * H + u] + reset * r[2 * H + u]).tanh();
                // What is kept is kept whole.
                (1.0 - z) * m[u] * n + z * h[u]
            })
            .collect();
        assert_close("gru", &values(&next), &hidden, 1e-12);
    }
}

/// What no kernel knows of takes the way through the equations, and says so; not in evaluation.
#[test]
fn masks_beside_the_projection_go_through_the_equations() {
    let _alone = alone();
    for gates in [
        candidate(MaskSpan::Step),
        GatesConfig::new().with_recurrent_dropout(P),
    ] {
        let config = RecurrentConfig::new(LstmConfig::new(3, 4).with_gates(gates));
        let layer = config.init(&device().autodiff()).unwrap();
        match &layer.paths()[0].1 {
            Path::Unrolled(reason) => assert!(reason.contains("dropout"), "{reason}"),
            Path::Kernel(_) => {}
        }
        let plain = RecurrentConfig::new(LstmConfig::new(3, 4));
        let plain = plain.init(&device()).unwrap();
        assert_eq!(layer.valid().paths(), plain.paths());
        assert_eq!(layer.freeze().paths(), plain.paths());
    }
}

#[test]
fn a_variational_mask_is_the_same_at_each_step() {
    let _alone = alone();
    for backend in &backends() {
        let device = backend.autodiff();
        device.seed(SEED);
        let ones = Tensor::<3>::ones([30, 7, 20], &device);
        let dropout = SequenceDropout::new("a test", P).unwrap();
        let each = dropout.clone().forward(ones.clone());
        let dropout = dropout.with_variational("a test", true).unwrap();
        let row = dropout.forward(ones.clone());
        let steps = |sequence: &Tensor<3>| -> Vec<Vec<f64>> {
            sequence
                .clone()
                .iter_dim(1)
                .map(|step| values(&step))
                .collect()
        };
        check_mask("each step", &values(&each));
        assert_ne!(steps(&each)[0], steps(&each)[1]);
        check_mask("the row", &steps(&row)[0]);
        assert!(steps(&row).iter().all(|step| *step == steps(&row)[0]));
        let valid = dropout.valid().forward(ones.clone().inner());
        assert_eq!(values(&valid), values(&ones));
    }
}
