//! Models of the next value of series.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use backdraft_cells::{Layer, SequenceConfig};
use backdraft_models::baselines::hidden_markov::HmmConfig;
use backdraft_models::baselines::linear_dynamical::{
    LearningStart, LinearDynamicalConfig, Observations, Structure,
};
use backdraft_models::baselines::{
    Autoregression, AutoregressionConfig, Criterion, TimeDelayConfig, WindowConfig,
};
use backdraft_models::{
    Forecaster, ForecasterConfig, Predictive, Scale, Series, naive_forecast,
    seasonal_naive_forecast,
};
use burn::tensor::Device;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::descent::descend;
use super::{BaselineRow, BaselineSettings, Baselines, Remembers, step_microseconds};
use crate::TaskOptions;
use crate::tasks::forecast::{Means, figures, parts};
use crate::{ForecastOptions, PickedDevice, Recurrence, SeriesBatch, SeriesExample, TrainError};

/// The largest order of autoregression that is tried.
const LARGEST_ORDER: usize = 24;
/// Numbers in the state of a linear dynamical system that is free.
const LATENT: usize = 4;
/// Steps of EM; those of a season have a state of as many numbers, and a step costs its cube.
const EM_STEPS: usize = 30;
/// Steps that are timed.
const TIMED: usize = 100;

/// What is foreseen of the held-out steps of a series, by a model that learned what comes before them.
type Foreseen = Vec<Predictive>;

/// A model of one series: what is learned of its history, and what it foresees then.
struct Fitted<'a> {
    parameters: usize,
    foresee: Box<dyn Fn() -> Result<Foreseen, TrainError> + 'a>,
}

type Fit<'a> = &'a dyn Fn(&SeriesExample) -> Result<Fitted<'_>, TrainError>;

/// Every model of the next value on the series of one file, the end of each of which is held out and
/// foreseen one step ahead; `told` hears each as it is there.
///
/// Models that are no nets learn each series by itself, nets all together; what else is known of the steps
/// (covariates, the calendar) only nets see.
///
/// # Errors
///
/// When a setting is impossible, the file cannot be used, or a series is too short for a model.
pub fn forecast_baselines(
    settings: &BaselineSettings,
    options: &ForecastOptions,
    path: &Path,
    device: &PickedDevice,
    told: &mut dyn FnMut(&BaselineRow),
) -> Result<Baselines, TrainError> {
    settings.check()?;
    options.check(&ForecastOptions::recurrence())?;
    let mut all = parts::read(path, options)?;
    all.retain(|example| example.known > 0);
    if all.is_empty() {
        return Err(TrainError::NoExamples {
            path: path.to_path_buf(),
            skipped: 0,
        });
    }
    let held_out = parts::scored(all, options, settings.valid_fraction)?;
    let season = options.season;
    let mut rows = Vec::new();
    let mut keep = |row: BaselineRow| {
        told(&row);
        rows.push(row);
    };
    let on_host =
        |model: &str, remembers, fit: Fit<'_>| host_row(model, remembers, &held_out, season, fit);
    let window = Remembers::Window;
    keep(on_host("as the last value", window, &|example| {
        Ok(repeating(example, 1))
    })?);
    if season > 1 {
        let name = format!("as {season} steps before");
        keep(on_host(&name, window, &|example| {
            Ok(repeating(example, season))
        })?);
    }
    keep(on_host(
        "autoregression, order by AIC",
        window,
        &|example| {
            let history = [history(example)];
            let largest = LARGEST_ORDER.min(history[0].len() / 4);
            let (fit, _) = AutoregressionConfig::choose(&history, largest, Criterion::Aic)?;
            Ok(autoregression(example, fit.model))
        },
    )?);
    if season > 1 {
        let name = format!(
            "autoregression of {} lags and those of a season",
            settings.window
        );
        keep(on_host(&name, window, &|example| {
            let mut lags: Vec<usize> = (1..=settings.window).chain([season, season + 1]).collect();
            lags.sort_unstable();
            lags.dedup();
            let fit = AutoregressionConfig::of_lags(lags).fit(&[history(example)])?;
            Ok(autoregression(example, fit.model))
        })?);
    }

    let covariates = options.covariates.len() + options.calendar_width();
    let input = 2 + covariates;
    let nets = Nets {
        settings,
        options,
        learned: parts::windows(&held_out, options),
        held_out: &held_out,
        device: &device.device,
    };
    let (hidden, seen) = (settings.hidden, settings.window);
    let config = WindowConfig::new(input, seen);
    let name = format!("autoregression of order {seen}, by gradient");
    keep(nets.row(name, window, config.clone())?);
    let name = format!("the last {seen}, a hidden layer");
    keep(nets.row(name, window, config.with_hidden([hidden]))?);
    let delays = TimeDelayConfig::new(input, hidden, [3, 3, 3]).with_dilations([1, 2, 4]);
    let name = format!("time-delay net, 3 layers, reach {}", delays.reach());
    keep(nets.row(name, window, delays)?);

    let state = Remembers::State;
    let name = format!("hidden Markov model, {} states", settings.states);
    keep(on_host(&name, state, &|example| {
        hidden_markov(example, settings)
    })?);
    let structure = match season {
        1 => Structure::local_linear_trend(),
        season => Structure::local_linear_trend().with_season(season),
    };
    let name = match season {
        1 => "linear dynamics: level and slope".to_string(),
        _ => "linear dynamics: level, slope and season".to_string(),
    };
    let config = LinearDynamicalConfig::structural(structure).with_iterations(EM_STEPS);
    keep(on_host(&name, state, &|example| {
        linear_dynamics(example, &config)
    })?);
    let config = LinearDynamicalConfig::new(LATENT).with_iterations(EM_STEPS);
    let name = format!("linear dynamics of {LATENT} numbers");
    keep(on_host(&name, state, &|example| {
        linear_dynamics(example, &config)
    })?);

    for &cell in &settings.cells {
        let recurrence = Recurrence {
            cell,
            hidden,
            ..Recurrence::default()
        };
        let config = recurrence.encoder(input);
        keep(nets.row(cell.name(), Remembers::Recurrence, config)?);
    }
    let count = |part: &dyn Fn(&SeriesExample) -> &[Option<f64>]| {
        let observed = held_out.iter().flat_map(part);
        observed.flatten().count()
    };
    Ok(Baselines {
        task: "forecast",
        data: path.display().to_string(),
        device: device.name.clone(),
        learned_from: count(&|example| &example.series.values[..example.known]),
        held_out: count(&|example| &example.series.values[example.known..]),
        settings: settings.clone(),
        figures: vec!["mase", "smape", "crps", "coverage_90"],
        rows,
    })
}

fn history(example: &SeriesExample) -> Vec<Option<f64>> {
    example.series.values[..example.known].to_vec()
}

/// A model of each series by itself.
fn host_row(
    model: &str,
    remembers: Remembers,
    held_out: &[SeriesExample],
    season: usize,
    fit: Fit<'_>,
) -> Result<BaselineRow, TrainError> {
    let (mut means, mut parameters) = (Means::default(), 0);
    let (mut fit_seconds, mut step) = (0.0, Vec::new());
    for example in held_out {
        let start = Instant::now();
        let fitted = fit(example)?;
        fit_seconds += start.elapsed().as_secs_f64();
        parameters += fitted.parameters;
        let start = Instant::now();
        let told = (fitted.foresee)()?;
        // It reads the history, too.
        let steps = example.series.values.len();
        step.push(start.elapsed().as_secs_f64() * 1e6 / steps as f64);
        let observed = example.series.values[example.known..].iter().flatten();
        means.add(observed.count(), figures(example, &told, season)?);
    }
    step.sort_by(f64::total_cmp);
    Ok(BaselineRow {
        model: model.to_string(),
        remembers,
        parameters,
        figures: shown(means),
        fit_seconds,
        step_microseconds: step[step.len() / 2],
    })
}

/// The figures that are the same whatever the model, such as those of naive forecasts, are rows themselves.
fn shown(means: Means) -> BTreeMap<&'static str, f64> {
    let figures = means.figures().into_iter();
    figures
        .filter(|(name, _)| ["mase", "smape", "crps", "coverage_90"].contains(name))
        .collect()
}

/// The value of `season` steps before, as unsure as it was in the history.
fn repeating(example: &SeriesExample, season: usize) -> Fitted<'_> {
    let values = &example.series.values;
    let before = move |step: usize| {
        let known = &values[..step];
        let told = match season {
            1 => naive_forecast(known, 1),
            season => seasonal_naive_forecast(known, season, 1),
        };
        told.and_then(|told| told.first().copied())
    };
    let errors = (1..example.known).filter_map(|step| Some(values[step]? - before(step)?));
    let errors: Vec<f64> = errors.collect();
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    // A single value has no spread; neither has one that never changes.
    let deviation = (squares / errors.len().max(1) as f64).sqrt();
    let deviation = deviation.max(f64::MIN_POSITIVE);
    let foresee = move || {
        let told = (example.known..values.len()).map(|step| Predictive::Gaussian {
            mean: before(step).unwrap_or(example.scale.location),
            deviation,
        });
        Ok(told.collect())
    };
    Fitted {
        parameters: 1,
        foresee: Box::new(foresee),
    }
}

fn autoregression(example: &SeriesExample, model: Autoregression) -> Fitted<'_> {
    let parameters = model.parameters();
    let (history, held_out) = example.series.values.split_at(example.known);
    let unknown = blind(example);
    let foresee = move || {
        let told = model.predictives(history, held_out)?.into_iter();
        // Where gaps have hidden all that it goes by, only the history's spread is known.
        Ok(told.map(|told| told.unwrap_or(unknown.clone())).collect())
    };
    Fitted {
        parameters,
        foresee: Box::new(foresee),
    }
}

/// What is known of a series whatever its order.
fn blind(example: &SeriesExample) -> Predictive {
    let values: Vec<f64> = example.series.values[..example.known]
        .iter()
        .flatten()
        .copied()
        .collect();
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Predictive::Gaussian {
        mean,
        deviation: (squares / count).sqrt().max(f64::MIN_POSITIVE),
    }
}

/// A Gaussian with the mean and the variance of the mixture that the model foresees.
fn hidden_markov<'a>(
    example: &'a SeriesExample,
    settings: &BaselineSettings,
) -> Result<Fitted<'a>, TrainError> {
    let observations = |values: &[Option<f64>]| -> Vec<Vec<Option<f64>>> {
        values.iter().map(|value| vec![*value]).collect()
    };
    let config = HmmConfig::gaussian(settings.states, 1).with_seed(settings.seed);
    let (model, _) = config.fit(&[observations(&history(example))])?;
    let all = observations(&example.series.values);
    Ok(Fitted {
        parameters: model.parameters(),
        foresee: Box::new(move || {
            let told = model.one_step_ahead(&all)?.into_iter();
            let moments = told.map(|mixture| {
                let mixture = mixture.feature(0);
                Predictive::Gaussian {
                    mean: mixture.mean(),
                    deviation: mixture.variance().sqrt(),
                }
            });
            Ok(moments.skip(example.known).collect())
        }),
    })
}

fn linear_dynamics<'a>(
    example: &'a SeriesExample,
    config: &LinearDynamicalConfig,
) -> Result<Fitted<'a>, TrainError> {
    let observed = |values: Vec<Option<f64>>| {
        let observed = Observations::univariate(values);
        // A structure has a level; what is free has a state whose mean is 0.
        match config.start {
            LearningStart::Structure(_) => observed,
            _ => observed.with_constant(),
        }
    };
    let history = observed(history(example));
    let (system, _) = config.fit(&[history])?;
    let all = observed(example.series.values.clone());
    Ok(Fitted {
        parameters: config.parameters(&system),
        foresee: Box::new(move || {
            let told = system.one_step(&all)?.into_iter().skip(example.known);
            Ok(told.map(|told| told.marginal(0)).collect())
        }),
    })
}

/// Nets, which learn windows of all series.
struct Nets<'a> {
    settings: &'a BaselineSettings,
    options: &'a ForecastOptions,
    learned: Vec<SeriesExample>,
    held_out: &'a [SeriesExample],
    device: &'a Device,
}

impl Nets<'_> {
    fn row<K: SequenceConfig<Built: Layer>>(
        &self,
        model: String,
        remembers: Remembers,
        layer: K,
    ) -> Result<BaselineRow, TrainError> {
        let (settings, device) = (self.settings, self.device);
        let config = ForecasterConfig::new(layer)
            .with_output(self.options.output.into())
            .with_scaling(self.options.scaling());
        let init = |host: &Device| config.init(host);
        let mut random = StdRng::seed_from_u64(settings.seed);
        let trained = descend(init, settings, device, |_, _| {
            let rows = settings.batch.min(self.learned.len());
            let drawn: Vec<&SeriesExample> = (0..rows)
                .map(|_| &self.learned[random.random_range(0..self.learned.len())])
                .collect();
            let batch = SeriesBatch {
                before: drawn.iter().map(|one| one.series.window(0..0)).collect(),
                series: drawn.iter().map(|one| one.series.clone()).collect(),
                scales: drawn.iter().map(|one| one.scale).collect(),
            };
            (batch, true)
        })?;
        let mut means = Means::default();
        for example in self.held_out {
            let state = trained.net.initial_state(vec![example.scale]);
            let series = std::slice::from_ref(&example.series);
            let told = trained
                .net
                .one_step(series, Some(state))?
                .predictives
                .remove(0);
            let observed = example.series.values[example.known..].iter().flatten();
            let figures = figures(example, &told[example.known..], self.options.season)?;
            means.add(observed.count(), figures);
        }
        Ok(BaselineRow {
            model,
            remembers,
            parameters: trained.parameters,
            figures: shown(means),
            fit_seconds: trained.fit_seconds,
            step_microseconds: self.step(&trained.net)?,
        })
    }

    /// One value after the other.
    fn step<L: Layer>(&self, net: &Forecaster<L>) -> Result<f64, TrainError> {
        let example = &self.held_out[0];
        let scales: Vec<Scale> = vec![example.scale];
        let mut state = Some(net.initial_state(scales));
        let steps = example.series.values.len();
        step_microseconds(TIMED.min(steps), |step| {
            let value: [Series; 1] = [example.series.window(step..step + 1)];
            state = Some(net.one_step(&value, state.take())?.state);
            Ok(())
        })
    }
}
