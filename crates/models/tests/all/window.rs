//! Nets over a window, on every compiled backend: against their formula, in pieces, in padding, and
//! what they learn and cannot learn.

use backdraft_cells::prelude::*;
use backdraft_models::baselines::{Arrangement, TimeDelayConfig, WindowConfig, WindowNet};
use backdraft_models::{Forecaster, ForecasterConfig, LanguageModelConfig, Scale, Series};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{cpus, devices, is_cpu};

fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 2e-5,
            "{what}, {index}: {found} against {expected}"
        );
    }
}

const ARRANGEMENTS: [Arrangement; 3] = [
    Arrangement::Concatenated,
    Arrangement::Averaged,
    Arrangement::Bag,
];

/// `u_t` of one row by its formula, step by step.
fn arranged(row: &[Vec<f64>], config: &WindowConfig) -> Vec<Vec<f64>> {
    let size = config.input_size;
    let at = |t: usize| {
        let back = (0..config.window).rev();
        let seen = back.map(|k| Some(&row[t.checked_sub(k * config.dilation)?]));
        let seen: Vec<Option<&Vec<f64>>> = seen.collect();
        let sum = |feature: usize| seen.iter().flatten().map(|x| x[feature]).sum::<f64>();
        let there = seen.iter().flatten().count() as f64;
        match config.arrangement {
            Arrangement::Concatenated => {
                let zeros = vec![0.0; size];
                seen.iter()
                    .flat_map(|x| x.unwrap_or(&zeros).clone())
                    .collect()
            }
            Arrangement::Averaged => (0..size).map(|feature| sum(feature) / there).collect(),
            Arrangement::Bag => (0..size).map(sum).collect(),
        }
    };
    (0..row.len()).map(at).collect()
}

/// The hidden layers by their formula.
fn through(window: &WindowNet, mut u: Vec<f64>) -> Vec<f64> {
    for dense in &window.dense {
        let weight = floats(dense.weight.val());
        let bias = floats(dense.bias.as_ref().unwrap().val());
        let units = bias.len();
        let sum = |unit: usize| {
            let products = u
                .iter()
                .enumerate()
                .map(|(i, x)| x * weight[i * units + unit]);
            (bias[unit] + products.sum::<f64>()).tanh()
        };
        u = (0..units).map(sum).collect();
    }
    u
}

#[test]
fn each_arrangement_is_its_formula() {
    for device in devices() {
        // A software GPU takes seconds for each.
        let depths = match is_cpu(&device) {
            true => vec![vec![], vec![3], vec![4, 2]],
            false => vec![vec![4, 2]],
        };
        for (window, dilation, time, batch) in
            [(1, 1, 1, 1), (3, 1, 7, 2), (2, 3, 5, 3), (5, 2, 4, 1)]
        {
            for arrangement in ARRANGEMENTS {
                for hidden in depths.clone() {
                    let config = WindowConfig::new(2, window)
                        .with_dilation(dilation)
                        .with_arrangement(arrangement)
                        .with_hidden(hidden);
                    let layer = config.init(&device).unwrap();
                    let values = numbers(1, batch * time * 2);
                    let input = tensor(&values, [batch, time, 2], &device);
                    let run = layer.forward(input).unwrap();
                    assert_eq!(run.outputs.dims(), [batch, time, layer.output_size()]);
                    let mut expected = Vec::new();
                    for row in values.chunks(time * 2) {
                        let row: Vec<Vec<f64>> = row.chunks(2).map(<[f64]>::to_vec).collect();
                        for u in arranged(&row, &config) {
                            expected.extend(through(&layer, u));
                        }
                    }
                    close(&floats(run.outputs), &expected, &format!("{config:?}"));
                }
            }
        }
    }
}

/// Rows of 5, 0, 2 and 3 steps, in pieces and at once, with NaN in the padding.
#[test]
fn pieces_and_padding_change_nothing() {
    for device in devices() {
        for arrangement in ARRANGEMENTS {
            let window = WindowConfig::new(1, 3)
                .with_arrangement(arrangement)
                .with_hidden([2])
                .init(&device)
                .unwrap();
            let lengths = [5, 0, 2, 3];
            let mut values = numbers(2, 4 * 6);
            for (row, length) in lengths.iter().enumerate() {
                values[row * 6 + length..(row + 1) * 6].fill(f64::NAN);
            }
            let input = tensor(&values, [4, 6, 1], &device);
            let padded = Lengths::new(lengths);
            let whole = window
                .forward(LayerInput::new(input.clone()).with_lengths(&padded))
                .unwrap();
            let outputs = floats(whole.outputs.clone());
            for (row, length) in lengths.into_iter().enumerate() {
                let own = &outputs[row * 12..][..12];
                assert!(own[2 * length..].iter().all(|x| *x == 0.0));
                if length == 0 {
                    continue;
                }
                let alone = tensor(&values[row * 6..][..length], [1, length, 1], &device);
                let alone = window.forward(alone).unwrap();
                close(&own[..2 * length], &floats(alone.outputs), "a row alone");
                let state = whole.state.inputs.clone().narrow(0, row, 1);
                close(&floats(state), &floats(alone.state.inputs), "its state");
            }
            // The first two steps, then the rest from where they ended.
            let first = input.clone().narrow(1, 0, 2);
            let first =
                window.forward(LayerInput::new(first).with_lengths(&Lengths::new([2, 0, 2, 2])));
            let first = first.unwrap();
            let rest = input.clone().narrow(1, 2, 4);
            let state = Some(first.state);
            let rest = window
                .forward(
                    LayerInput::new(rest)
                        .with_state(state)
                        .with_lengths(&Lengths::new([3, 0, 0, 1])),
                )
                .unwrap();
            let pieces = Tensor::cat(vec![first.outputs, rest.outputs], 1);
            close(&floats(pieces), &outputs, "in pieces");
            let states = [rest.state.inputs, rest.state.present].map(floats);
            let expected = [whole.state.inputs, whole.state.present].map(floats);
            close(&states[0], &expected[0], "the state after pieces");
            close(&states[1], &expected[1], "what is there after pieces");

            let trace = window
                .trace(LayerInput::new(input).with_lengths(&padded))
                .unwrap();
            close(&floats(trace.outputs), &outputs, "step by step");
            assert_eq!(trace.states.len(), 6);
        }
    }
}

/// What an output depends on, by its gradient: so many inputs back, and not one more.
#[test]
fn a_time_delay_net_sees_as_far_as_its_layers_reach() {
    for device in cpus() {
        let device = device.autodiff();
        for (windows, dilations, reach) in [
            (vec![3, 5], vec![], 7),
            (vec![2, 2, 2], vec![1, 2, 4], 8),
            (vec![1], vec![], 1),
        ] {
            let config = TimeDelayConfig::new(1, 3, windows).with_dilations(dilations);
            assert_eq!(config.reach(), reach);
            let net = config.init(&device).unwrap();
            let input = tensor(&numbers(3, 20), [1, 20, 1], &device).require_grad();
            let outputs = net.forward(input.clone()).unwrap().outputs;
            let gradients = outputs.narrow(1, 19, 1).sum().backward();
            let gradient = floats(input.grad(&gradients).unwrap());
            for (step, gradient) in gradient.into_iter().enumerate() {
                assert_eq!(gradient != 0.0, step >= 20 - reach, "{reach}, step {step}");
            }
        }
    }
}

#[test]
fn long_sequences_are_run_at_once() {
    for device in cpus() {
        let window = WindowConfig::new(1, 4).init(&device).unwrap();
        let values = numbers(4, 5000);
        let input = tensor(&values, [1, 5000, 1], &device);
        let outputs = floats(window.forward(input).unwrap().outputs);
        close(&outputs[4 * 4999..], &values[4996..], "the last window");
    }
}

/// The next symbol of a text of period 6 that is told by the last three symbols, and not by fewer: after
/// `b c` comes `b` or `a`.
#[test]
fn a_language_model_learns_what_its_window_tells() {
    let text: Vec<i32> = [0, 0, 1, 2, 1, 2].into_iter().cycle().take(61).collect();
    let after = |window: usize, hidden: Vec<usize>, device: &Device| {
        let device = device.clone().autodiff();
        device.seed(1);
        let layer = WindowConfig::new(6, window).with_hidden(hidden);
        let mut model = LanguageModelConfig::new(3, layer).init(&device).unwrap();
        let mut optimizer = AdamConfig::new().init();
        let symbols = |from: usize| {
            let symbols = TensorData::new(text[from..from + 60].to_vec(), [1, 60]);
            Tensor::<2, Int>::from_data(symbols, &device)
        };
        let mut last = 0.0;
        for _ in 0..300 {
            let loss = model
                .loss(symbols(0), symbols(1), None)
                .unwrap()
                .nats
                .mean();
            last = loss.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.03, model, gradients);
        }
        f64::from(last)
    };
    for device in cpus() {
        // By the last symbol: after 0 comes 0 or 1, after 2 comes 0 or 1, after 1 always 2.
        let blind = 4.0 / 6.0 * 2f64.ln();
        let one = after(1, vec![], &device);
        assert!(one > blind - 0.02, "{one}");
        let three = after(3, vec![], &device);
        assert!(three < 0.1, "{three}");
        let net = after(3, vec![8], &device);
        assert!(net < 0.05, "{net}");
    }
}

/// An autoregression of two coefficients, found by gradient.
#[test]
fn a_forecaster_over_a_window_is_an_autoregression() {
    let mut random = StdRng::seed_from_u64(6);
    let mut values = vec![0.0, 0.0];
    for t in 2..600 {
        // Uniform noise of variance 1/12.
        let noise: f64 = random.random::<f64>() - 0.5;
        values.push(1.2 * values[t - 1] - 0.6 * values[t - 2] + noise);
    }
    let series = [Series::new(
        values.iter().copied().map(Some).collect::<Vec<_>>(),
    )];
    for device in cpus() {
        let device = device.autodiff();
        device.seed(2);
        let layer = WindowConfig::new(2, 2);
        let mut model: Forecaster<WindowNet> = ForecasterConfig::new(layer).init(&device).unwrap();
        let unscaled = Scale {
            location: 0.0,
            scale: 1.0,
        };
        let mut optimizer = AdamConfig::new().init();
        for _ in 0..500 {
            let state = model.initial_state(vec![unscaled]);
            let loss = model.loss(&series, Some(state)).unwrap().losses.mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.02, model, gradients);
        }
        // The mean's row: [z_{t-2}, whether it was there, z_{t-1}, whether it was there].
        let weight = floats(model.output_weight.val());
        assert!((weight[0] + 0.6).abs() < 0.08, "{weight:?}");
        assert!((weight[2] - 1.2).abs() < 0.08, "{weight:?}");
    }
}

#[test]
fn what_makes_no_net_is_refused() {
    for device in devices() {
        let refused = |config: WindowConfig| config.init(&device).unwrap_err().to_string();
        let told = refused(WindowConfig::new(2, 0));
        assert_eq!(told, "WindowNet: window: expected at least 1, found 0");
        let told = refused(WindowConfig::new(2, 2).with_hidden([3, 0]));
        assert!(told.contains("units of a hidden layer"), "{told}");
        let told = refused(WindowConfig::new(2, 2).with_dilation(0));
        assert!(told.contains("dilation"), "{told}");
        let config = TimeDelayConfig::new(2, 3, [2, 2]).with_dilations([1]);
        let told = config.init(&device).unwrap_err().to_string();
        assert!(told.contains("2, one for each layer, or none"), "{told}");

        let window = WindowConfig::new(2, 3).init(&device).unwrap();
        let input = Tensor::<3>::zeros([1, 4, 3], &device);
        let told = window.forward(input).unwrap_err().to_string();
        assert!(told.contains("WindowNet(3 of 2 -> 6)"), "{told}");
        let state = window.initial_state(2);
        let input = Tensor::<3>::zeros([1, 4, 2], &device);
        let told = window
            .forward(LayerInput::new(input).with_state(state))
            .unwrap_err();
        assert!(
            told.to_string().contains("initial state `inputs`"),
            "{told}"
        );
    }
}

#[test]
fn a_configuration_is_read_again_as_it_was_written() {
    let config = WindowConfig::new(3, 4)
        .with_hidden([5])
        .with_arrangement(Arrangement::Bag)
        .with_dilation(2);
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<WindowConfig>(&json).unwrap(), config);
    let short: WindowConfig = serde_json::from_str(r#"{"input_size":3,"window":4}"#).unwrap();
    assert_eq!(short, WindowConfig::new(3, 4));
}
