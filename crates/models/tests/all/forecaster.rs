//! The forecaster on every compiled backend: its inputs and losses against a reference on the host,
//! padding, gaps, what it draws and what it learns.

mod paths;
mod reference;
mod refused;

use backdraft_cells::prelude::*;
use backdraft_models::{
    CategoriesConfig, Forecaster, ForecasterConfig, Output, PointError, Predictive, Scale, Scaling,
    Series, coverage, mase,
};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};

use crate::support::cpus;
use reference::{features, reference, units};

type Config = ForecasterConfig<RecurrentConfig<GruConfig>>;
type Model = Forecaster<Recurrent<Gru>>;

fn built(config: &Config, seed: u64, device: &Device) -> Model {
    device.seed(seed);
    config.init(device).unwrap()
}

/// A small model that reads `covariates` covariates.
fn config(covariates: usize) -> Config {
    ForecasterConfig::new(RecurrentConfig::new(GruConfig::new(2 + covariates, 5)))
}

/// Each kind of distribution, with units that it can be read in.
fn kinds() -> Vec<(Output, Scaling)> {
    vec![
        (Output::Gaussian, Scaling::Standard),
        (Output::Gaussian, Scaling::MeanAbsolute),
        (Output::Gaussian, Scaling::None),
        (Output::StudentT, Scaling::Standard),
        (Output::StudentT, Scaling::MeanAbsolute),
        (Output::NegativeBinomial, Scaling::MeanAbsolute),
        (Output::NegativeBinomial, Scaling::None),
        (Output::Quantiles(vec![0.1, 0.5, 0.9]), Scaling::Standard),
        (Output::Point(PointError::Squared), Scaling::MeanAbsolute),
        (Output::Point(PointError::Absolute), Scaling::Standard),
        (Output::Point(PointError::HalfSquared), Scaling::Standard),
    ]
}

/// Counts in sizes that differ, one series shorter than the other, each with gaps.
fn batch() -> Vec<Series> {
    let long = [Some(3.0), Some(0.0), None, Some(7.0), Some(2.0), Some(4.0)];
    let short = [None, Some(250.0), Some(90.0), None];
    let covariates = |steps: usize, size: f64| -> Vec<Vec<f64>> {
        (0..steps).map(|t| vec![size * t as f64]).collect()
    };
    vec![
        Series::new(long).with_covariates(covariates(6, 0.3)),
        Series::new(short).with_covariates(covariates(4, -0.2)),
    ]
}

fn floats<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter().collect()
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let allowed = tolerance * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() <= allowed,
            "{found} against {expected}"
        );
    }
}

/// What a distribution is made of.
fn numbers(predictive: &Predictive) -> Vec<f64> {
    match predictive {
        Predictive::Point(value) => vec![*value],
        Predictive::Gaussian { mean, deviation } => vec![*mean, *deviation],
        Predictive::StudentT {
            mean,
            deviation,
            freedom,
        } => vec![*mean, *deviation, *freedom],
        Predictive::NegativeBinomial { mean, dispersion } => vec![*mean, *dispersion],
        Predictive::Quantiles { values, .. } | Predictive::Samples(values) => values.clone(),
    }
}

fn all_numbers(predictives: &[Vec<Predictive>]) -> Vec<f64> {
    predictives.iter().flatten().flat_map(numbers).collect()
}

#[test]
fn losses_and_predictions_are_those_of_each_step_by_itself() {
    for device in cpus() {
        for (output, scaling) in kinds() {
            let config = config(1).with_output(output.clone()).with_scaling(scaling);
            let model = built(&config, 1, &device);
            let batch = batch();
            let (mut losses, mut predictions) = (Vec::new(), Vec::new());
            for series in &batch {
                let units = units(series, scaling);
                let steps = features(&model, series, scaling);
                for (f, value) in steps.iter().zip(&series.values) {
                    losses.extend(value.map(|z| reference(&output, f, z, units)));
                    let positive = |x: f64| x.exp().ln_1p() + 1e-4;
                    predictions.extend(match output {
                        Output::Gaussian => {
                            vec![units.0 + units.1 * f[0], units.1 * positive(f[1])]
                        }
                        Output::StudentT => {
                            let freedom = 2.0 + positive(f[2]);
                            vec![units.0 + units.1 * f[0], units.1 * positive(f[1]), freedom]
                        }
                        Output::NegativeBinomial => {
                            vec![units.1 * positive(f[0]), positive(f[1]) / units.1.sqrt()]
                        }
                        _ => {
                            let mut moved: Vec<f64> =
                                f.iter().map(|v| units.0 + units.1 * v).collect();
                            moved.sort_by(f64::total_cmp);
                            moved
                        }
                    });
                }
            }
            let found = model.loss(&batch, None).unwrap();
            close(&floats(&found.losses), &losses, 1e-4);
            assert_eq!(found.state.last, [Some(4.0), None]);
            let found = model.one_step(&batch, None).unwrap();
            close(&all_numbers(&found.predictives), &predictions, 1e-4);
        }
    }
}

#[test]
fn categories_are_read_at_each_step() {
    // Of 5 and of 2 categories: 3 features and 1.
    let counts = CategoriesConfig::new([5, 2]);
    assert_eq!(counts.features(), 4);
    assert_eq!(CategoriesConfig::new([1, 1000]).features(), 51);
    let config = ForecasterConfig::new(RecurrentConfig::new(GruConfig::new(2 + 1 + 4, 5)))
        .with_categories([5, 2]);
    for device in cpus() {
        let model = built(&config, 11, &device);
        assert_eq!(model.covariates(), 1);
        let [long, short] = <[Series; 2]>::try_from(batch()).unwrap();
        let batch = [
            long.clone().with_categories([Some(4), Some(0)]),
            short.with_categories([None, Some(1)]),
        ];
        let mut losses = Vec::new();
        for series in &batch {
            let units = units(series, Scaling::MeanAbsolute);
            let steps = features(&model, series, Scaling::MeanAbsolute);
            for (f, value) in steps.iter().zip(&series.values) {
                losses.extend(value.map(|z| reference(&Output::Gaussian, f, z, units)));
            }
        }
        close(
            &floats(&model.loss(&batch, None).unwrap().losses),
            &losses,
            1e-4,
        );

        // Futures, too, are of a series' own kind.
        let paths = |kinds: [Option<usize>; 2]| {
            let mut random = StdRng::seed_from_u64(1);
            let context = [long.clone().with_categories(kinds)];
            let future = [vec![vec![0.1]; 3]];
            model
                .forecast(&context, &future, 3, 4, &mut random)
                .unwrap()
        };
        assert_eq!(paths([Some(4), Some(0)]), paths([Some(4), Some(0)]));
        assert_ne!(paths([Some(4), Some(0)]), paths([Some(3), Some(0)]));

        let refused = |kinds: &[Option<usize>]| {
            let series = [long.clone().with_categories(kinds)];
            model.loss(&series, None).unwrap_err().to_string()
        };
        assert_eq!(
            refused(&[Some(5), None]),
            "Forecaster: category of kind 0 of series 0: expected below 5, found 5"
        );
        assert_eq!(
            refused(&[None]),
            "Forecaster: categories of series 0: expected 2, found 1"
        );
    }
}

#[test]
fn padding_changes_neither_a_loss_nor_a_gradient() {
    for device in cpus() {
        let model = built(&config(1), 2, &device).train();
        let batch = batch();
        let gradients = |batches: &[&[Series]]| {
            let losses = batches.iter().map(|b| model.loss(b, None).unwrap().losses);
            let losses = Tensor::cat(losses.collect(), 0);
            let gradients = losses.clone().sum().backward();
            let gates = &model.layer.cell.gates;
            let weights = [
                &gates.input_weight,
                &gates.recurrent_weight,
                &model.output_weight,
            ];
            let gradient = weights.map(|weight| floats(&weight.grad(&gradients).unwrap()));
            (floats(&losses), gradient.concat())
        };
        let together = gradients(&[&batch]);
        let apart = gradients(&[&batch[..1], &batch[1..]]);
        close(&together.0, &apart.0, 1e-5);
        close(&together.1, &apart.1, 1e-4);
        assert!(apart.1.iter().any(|gradient| gradient.abs() > 0.1));

        // A series of no steps has no loss, and stands where it stood.
        let nothing = Series::default();
        let with = [batch[0].clone(), nothing, batch[1].clone()];
        let found = model.loss(&with, None).unwrap();
        close(&floats(&found.losses), &apart.0, 1e-5);
        let begun = model.initial_state(vec![Scale::default(); 3]);
        let state = model.loss(&with, Some(begun)).unwrap().state;
        assert_eq!(state.last, [Some(4.0), None, None]);
    }
}

#[test]
fn what_is_missing_has_no_loss_and_no_size() {
    for device in cpus() {
        for (output, scaling) in kinds() {
            let config = config(0).with_output(output).with_scaling(scaling);
            let model = built(&config, 3, &device);
            let series = |values: &[Option<f64>]| [Series::new(values.to_vec())];
            let known = [Some(4.0), Some(9.0), Some(1.0)];
            let loss =
                |values: &[Option<f64>]| floats(&model.loss(&series(values), None).unwrap().losses);
            // At the end it changes nothing at all.
            let expected = loss(&known);
            close(
                &loss(&[&known[..], &[None, None]].concat()),
                &expected,
                1e-5,
            );
            // Before and within, the rest is still read in the same units.
            let gaps = [None, Some(4.0), None, Some(9.0), Some(1.0)];
            assert_eq!(loss(&gaps).len(), 3);
            let found = model.one_step(&series(&gaps), None).unwrap();
            assert_eq!(found.predictives[0].len(), 5);
            let (location, scale) = units(&series(&known)[0], scaling);
            close(&[found.state.scales[0].location], &[location], 1e-12);
            close(&[found.state.scales[0].scale], &[scale], 1e-12);
            // That nothing was observed is not the same as a 0.
            let zero = [Some(4.0), Some(4.0), Some(0.0), Some(4.0)];
            let none = [Some(4.0), Some(4.0), None, Some(4.0)];
            let last = |values: &[Option<f64>]| {
                let begun = model.initial_state(vec![Scale::default()]);
                let found = model.one_step(&series(values), Some(begun)).unwrap();
                numbers(&found.predictives[0][3])
            };
            assert_ne!(last(&zero), last(&none));
        }
    }
}

#[test]
fn predictions_are_of_what_came_before_and_windows_go_on() {
    for device in cpus() {
        let model = built(&config(1), 4, &device);
        let batch = batch();
        let scales: Vec<Scale> = batch
            .iter()
            .map(|s| Scaling::Standard.of(&s.values))
            .collect();
        let predict = |batch: &[Series]| {
            let begun = model.initial_state(scales.clone());
            model.one_step(batch, Some(begun)).unwrap().predictives
        };
        let whole = predict(&batch);

        // Step by step, from state to state.
        let mut state = model.initial_state(scales.clone());
        let mut steps = vec![Vec::new(); 2];
        for step in 0..6 {
            let window = |series: &Series| {
                let steps = series.values.len();
                series.window(step.min(steps)..(step + 1).min(steps))
            };
            let window: Vec<Series> = batch.iter().map(window).collect();
            let found = model.one_step(&window, Some(state)).unwrap();
            for (steps, found) in steps.iter_mut().zip(found.predictives) {
                steps.extend(found);
            }
            state = found.state;
        }
        close(&all_numbers(&steps), &all_numbers(&whole), 1e-5);

        // Another value changes what is said of later ones only; another covariate that of its own.
        let mut other = batch.clone();
        other[0].values[3] = Some(70.0);
        let found = predict(&other);
        close(
            &all_numbers(&[found[0][..4].to_vec(), found[1].clone()]),
            &all_numbers(&[whole[0][..4].to_vec(), whole[1].clone()]),
            1e-6,
        );
        assert_ne!(found[0][4], whole[0][4]);
        let mut other = batch;
        other[0].covariates[3][0] += 1.0;
        let found = predict(&other);
        close(
            &all_numbers(&[found[0][..3].to_vec()]),
            &all_numbers(&[whole[0][..3].to_vec()]),
            1e-6,
        );
        assert_ne!(found[0][3], whole[0][3]);
    }
}

#[test]
fn a_record_brings_everything_back() {
    for device in cpus() {
        let model = built(&config(1), 7, &device);
        let other = built(&config(1), 8, &device);
        let said =
            |model: &Model| all_numbers(&model.one_step(&batch(), None).unwrap().predictives);
        let expected = said(&model);
        assert_ne!(said(&other), expected);
        let bytes = model.into_record().into_bytes().unwrap();
        let record = ModuleRecord::from_bytes(bytes).unwrap();
        assert_eq!(said(&other.try_load_record(record).unwrap()), expected);
    }
}

#[test]
fn the_same_seed_makes_the_same_model() {
    for device in cpus() {
        let said = || {
            let model = built(&config(1), 9, &device);
            all_numbers(&model.one_step(&batch(), None).unwrap().predictives)
        };
        assert_eq!(said(), said());
    }
}

/// One of three values follows two equal ones, which follow it: what comes after the one is told by
/// what was before it. Series of any size, from any place; one value in eight is missing.
fn waltz(random: &mut StdRng, size: f64, steps: usize) -> Series {
    let start = random.random_range(0..3);
    let values = (start..start + steps).map(|step| {
        let value = if step % 3 == 0 { 4.0 } else { 1.0 };
        (random.random_range(0..8) > 0).then_some(size * value)
    });
    Series::new(values.collect::<Vec<_>>())
}

#[test]
fn a_rule_is_learned_at_every_scale() {
    for device in cpus() {
        let layer = RecurrentConfig::new(GruConfig::new(2, 12));
        let mut model = built(&ForecasterConfig::new(layer), 10, &device).train();
        let mut optimizer = AdamConfig::new().init();
        let mut random = StdRng::seed_from_u64(5);
        let steps = 400;
        for step in 0..steps {
            let sizes = [1e-3, 0.1, 1.0, 1e3, 1e6];
            let batch = sizes.map(|size| waltz(&mut random, size, 21));
            let loss = model.loss(&batch, None).unwrap().losses.mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let rate = 0.03 * f64::from(steps - step) / f64::from(steps);
            model = optimizer.step(rate, model, gradients);
        }

        // Sizes between and beyond those that were seen; the place is known after some steps.
        for size in [3e-5, 20.0, 1e8] {
            let series = waltz(&mut random, size, 60);
            let told = model.one_step(std::slice::from_ref(&series), None).unwrap();
            let told = &told.predictives[0][8..];
            let means: Vec<f64> = told.iter().map(Predictive::mean).collect();
            let values = &series.values[8..];
            let error = mase(&series.values, 1, values, &means).unwrap();
            assert!(error < 0.15, "{size}: {error}");
            let bound = |level| -> Vec<f64> { told.iter().map(|p| p.quantile(level)).collect() };
            let within = coverage(values, &bound(0.001), &bound(0.999)).unwrap();
            assert!(within > 0.9, "{size}: {within}");
        }

        // What is drawn goes on in the same step.
        let series = Series::new([1.0, 1.0, 4.0, 1.0, 1.0, 4.0, 1.0, 1.0, 4.0, 1.0].map(Some));
        let drawn = model.forecast(&[series], &[], 6, 30, &mut random).unwrap();
        close(
            &drawn[0].quantile(0.5),
            &[1.0, 4.0, 1.0, 1.0, 4.0, 1.0],
            0.3,
        );
    }
}
