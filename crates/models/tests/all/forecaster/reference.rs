//! What a forecaster reads and loses, number by number on the host.

use super::*;

/// Mean, mean size and standard deviation of what is observed.
pub(super) fn moments(series: &Series) -> [f64; 3] {
    let observed: Vec<f64> = series.values.iter().flatten().copied().collect();
    let n = observed.len() as f64;
    let mean = observed.iter().sum::<f64>() / n;
    let size = observed.iter().map(|z| z.abs()).sum::<f64>() / n;
    let variance = observed.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / n;
    [mean, size, variance.sqrt()]
}

/// m and s, by their definition.
pub(super) fn units(series: &Series, scaling: Scaling) -> (f64, f64) {
    let [mean, size, deviation] = moments(series);
    match scaling {
        Scaling::None => (0.0, 1.0),
        Scaling::MeanAbsolute => (0.0, size),
        Scaling::Standard => (mean, deviation),
    }
}

/// W h_t + b of each step of a series by itself, each x_t written out and run as one step.
pub(super) fn features(model: &Model, series: &Series, scaling: Scaling) -> Vec<Vec<f64>> {
    let (location, scale) = units(series, scaling);
    let device = model.output_bias.val().device();
    let weight = floats(&model.output_weight.val());
    let bias = floats(&model.output_bias.val());
    let mut state = model.layer.initial_state(1);
    let mut last = None;
    let mut features = Vec::new();
    for (step, value) in series.values.iter().enumerate() {
        let mut x = match last {
            Some(z) => vec![(z - location) / scale, 1.0],
            None => vec![0.0, 0.0],
        };
        x.extend(series.covariates.get(step).into_iter().flatten());
        for (kind, category) in series.categories.iter().enumerate() {
            let table = &model.categories.as_ref().unwrap().embeddings[kind].weight;
            let [_, width] = table.dims();
            let table = floats(&table.val());
            x.extend(match category {
                Some(category) => table[category * width..(category + 1) * width].to_vec(),
                None => vec![0.0; width],
            });
        }
        let shape = [1, 1, x.len()];
        let x = Tensor::<3>::from_data(TensorData::new(x, shape), &device);
        let run = model
            .layer
            .forward(LayerInput::new(x).with_state(state))
            .unwrap();
        state = run.state;
        let hidden = floats(&run.outputs);
        let rows = weight.chunks(hidden.len()).zip(&bias);
        let dot = |row: &[f64]| row.iter().zip(&hidden).map(|(w, h)| w * h).sum::<f64>();
        features.push(rows.map(|(row, b)| dot(row) + b).collect());
        last = *value;
    }
    features
}

/// ln(n!), by its definition.
pub(super) fn ln_factorial(n: u32) -> f64 {
    (1..=n).map(|k| f64::from(k).ln()).sum()
}

/// The loss of `z`, in `f64`, of `W h + b`.
pub(super) fn reference(output: &Output, f: &[f64], z: f64, (location, scale): (f64, f64)) -> f64 {
    let u = (z - location) / scale;
    let positive = |x: f64| x.exp().ln_1p() + 1e-4;
    match output {
        Output::Point(PointError::Squared) => (u - f[0]).powi(2),
        Output::Point(PointError::HalfSquared) => (u - f[0]).powi(2) / 2.0,
        Output::Point(PointError::Absolute) => (u - f[0]).abs(),
        Output::Gaussian => {
            let (mean, deviation) = (location + scale * f[0], scale * positive(f[1]));
            let x = (z - mean) / deviation;
            0.5 * x * x + deviation.ln() + 0.5 * std::f64::consts::TAU.ln()
        }
        Output::StudentT => {
            let (mean, deviation) = (location + scale * f[0], scale * positive(f[1]));
            let (x, freedom) = ((z - mean) / deviation, 2.0 + positive(f[2]));
            // The density at 0 is a quotient of gamma functions: here by the integral of the rest of it, which falls
            // as a power of x and is cut into pieces that grow.
            let rest = |x: f64| (1.0 + x * x / freedom).powf(-(freedom + 1.0) / 2.0);
            let pieces = (0..200_000).map(|piece| (f64::from(piece) * 1e-4).exp() - 1.0);
            let places: Vec<f64> = pieces.collect();
            let area: f64 = places
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) * (rest(pair[0]) + rest(pair[1])) / 2.0)
                .sum();
            deviation.ln() + (2.0 * area).ln() - rest(x).ln()
        }
        Output::NegativeBinomial => {
            let (mean, dispersion) = (scale * positive(f[0]), positive(f[1]) / scale.sqrt());
            let (r, p) = (
                1.0 / dispersion,
                dispersion * mean / (1.0 + dispersion * mean),
            );
            let rising: f64 = (0..z as u32).map(|k| (r + f64::from(k)).ln()).sum();
            -(rising - ln_factorial(z as u32) + r * (1.0 - p).ln() + z * p.ln())
        }
        Output::Quantiles(levels) => {
            let losses = levels.iter().zip(f).map(|(q, v)| match u >= *v {
                true => q * (u - v),
                false => (1.0 - q) * (v - u),
            });
            losses.sum::<f64>() / levels.len() as f64
        }
    }
}
