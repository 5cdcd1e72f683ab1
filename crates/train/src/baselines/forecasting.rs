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
use crate::say::say;
use crate::tasks::forecast::backtest::drawn_from;
use crate::tasks::forecast::figures::{Means, Named, one_step};
use crate::tasks::forecast::parts;
use crate::{
    Backtesting, ForecastOptions, PickedDevice, Recurrence, SeriesBatch, SeriesExample, TrainError,
};

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
    foresee: Box<Foresee<'a>>,
}

/// What a model that has learned a series says of its held-out steps.
type Foresee<'a> = dyn Fn(Ahead<'_>) -> Result<Foreseen, TrainError> + 'a;

/// How far ahead held-out steps are foreseen.
#[derive(Clone, Copy)]
enum Ahead<'a> {
    /// Each by all before it.
    OneStep,
    /// So many at once, from one origin after the other.
    From(&'a [usize], usize),
}

/// What is measured of forecasts.
#[derive(Clone, Copy)]
struct Scoring {
    season: usize,
    /// With a rolling origin, or one step ahead each.
    rolling: Option<Backtesting>,
}

impl Scoring {
    /// Steps that were foreseen of a series, and the figures of what was said of them.
    fn of(
        self,
        example: &SeriesExample,
        foresee: &Foresee<'_>,
    ) -> Result<(usize, Named), TrainError> {
        let Some(asked) = self.rolling else {
            let told = foresee(Ahead::OneStep)?;
            let observed = example.series.values[example.known..].iter().flatten();
            return Ok((observed.count(), one_step(example, &told, self.season)?));
        };
        let origins = asked.origins(example)?;
        let told = foresee(Ahead::From(&origins, asked.horizon))?;
        let figures = asked.figures(example, &origins, &told, self.season)?;
        Ok((told.len(), figures))
    }
}

type Fit<'a> = &'a dyn Fn(&SeriesExample) -> Result<Fitted<'_>, TrainError>;

/// Every model of the next value on the series of one file, the end of each of which is held out and
/// foreseen one step ahead, or with a rolling origin if that is asked for; `told` hears each as it is there.
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
    rolling: Option<Backtesting>,
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
    let scoring = Scoring { season, rolling };
    if let Some(asked) = rolling {
        held_out
            .iter()
            .try_for_each(|one| asked.origins(one).map(drop))?;
    }
    let mut rows = Vec::new();
    let mut keep = |row: Option<BaselineRow>| {
        row.iter().for_each(&mut *told);
        rows.extend(row);
    };
    let on_host = |model: &str, remembers, fit: Fit<'_>| {
        let row = host_row(model, remembers, &held_out, scoring, fit);
        // A series that follows exactly from itself has no likelihood, and says nothing of the other models.
        let left_out = |error| say(format_args!("note: {model}: left out: {error}"));
        row.map_err(left_out).ok()
    };
    let window = Remembers::Window;
    keep(on_host("as the last value", window, &|example| {
        Ok(repeating(example, 1))
    }));
    if season > 1 {
        let name = format!("as {season} steps before");
        keep(on_host(&name, window, &|example| {
            Ok(repeating(example, season))
        }));
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
    ));
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
        }));
    }

    let covariates = options.covariates.len() + options.calendar_width();
    let input = 2 + covariates;
    let nets = Nets {
        settings,
        options,
        learned: parts::windows(&held_out, options),
        held_out: &held_out,
        scoring,
        device: &device.device,
    };
    let (hidden, seen) = (settings.hidden, settings.window);
    let config = WindowConfig::new(input, seen);
    let name = format!("autoregression of order {seen}, by gradient");
    keep(Some(nets.row(name, window, config.clone())?));
    let name = format!("the last {seen}, a hidden layer");
    keep(Some(nets.row(
        name,
        window,
        config.with_hidden([hidden]),
    )?));
    let delays = TimeDelayConfig::new(input, hidden, [3, 3, 3]).with_dilations([1, 2, 4]);
    let name = format!("time-delay net, 3 layers, reach {}", delays.reach());
    keep(Some(nets.row(name, window, delays)?));

    let state = Remembers::State;
    let name = format!("hidden Markov model, {} states", settings.states);
    keep(on_host(&name, state, &|example| {
        hidden_markov(example, settings)
    }));
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
    }));
    let config = LinearDynamicalConfig::new(LATENT).with_iterations(EM_STEPS);
    let name = format!("linear dynamics of {LATENT} numbers");
    keep(on_host(&name, state, &|example| {
        linear_dynamics(example, &config)
    }));

    for &cell in &settings.cells {
        let recurrence = Recurrence {
            cell,
            hidden,
            ..Recurrence::default()
        };
        let config = recurrence.encoder(input);
        keep(Some(nets.row(
            cell.name(),
            Remembers::Recurrence,
            config,
        )?));
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
    scoring: Scoring,
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
        (fitted.foresee)(Ahead::OneStep)?;
        // It reads the history, too.
        let steps = example.series.values.len();
        step.push(start.elapsed().as_secs_f64() * 1e6 / steps as f64);
        let (foreseen, figures) = scoring.of(example, &fitted.foresee)?;
        means.add(foreseen, figures);
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
    let foresee = move |ahead: Ahead<'_>| match ahead {
        Ahead::OneStep => {
            let told = (example.known..values.len()).map(|step| Predictive::Gaussian {
                mean: before(step).unwrap_or(example.scale.location),
                deviation,
            });
            Ok(told.collect())
        }
        Ahead::From(origins, horizon) => {
            let from = |origin: &usize| {
                let told = seasonal_naive_forecast(&values[..*origin], season, horizon);
                let told = told.unwrap_or_else(|| vec![example.scale.location; horizon]);
                // Errors of seasons that nothing is known of add up.
                let told = told.into_iter().enumerate().map(|(step, mean)| {
                    let seasons = (step / season + 1) as f64;
                    let deviation = deviation * seasons.sqrt();
                    Predictive::Gaussian { mean, deviation }
                });
                told.collect::<Vec<_>>()
            };
            Ok(origins.iter().flat_map(from).collect())
        }
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
    let foresee = move |ahead: Ahead<'_>| match ahead {
        Ahead::OneStep => {
            let told = model.predictives(history, held_out)?.into_iter();
            // Where gaps have hidden all that it goes by, only the history's spread is known.
            Ok(told.map(|told| told.unwrap_or(unknown.clone())).collect())
        }
        Ahead::From(origins, horizon) => {
            let from = |origin: &usize| model.forecast(&example.series.values[..*origin], horizon);
            let told = origins.iter().map(from).collect::<Result<Vec<_>, _>>()?;
            Ok(told.concat())
        }
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
        foresee: Box::new(move |ahead| {
            let told = match ahead {
                Ahead::OneStep => {
                    let told = model.one_step_ahead(&all)?.into_iter();
                    told.skip(example.known).collect()
                }
                Ahead::From(origins, horizon) => {
                    let (mut state, mut read, mut told) = (model.state(), 0, Vec::new());
                    for &origin in origins {
                        for observation in &all[read..origin] {
                            model.observe(&mut state, observation)?;
                        }
                        read = origin;
                        told.extend(model.forecast(&state, horizon)?);
                    }
                    told
                }
            };
            let moments = told.into_iter().map(|mixture| {
                let mixture = mixture.feature(0);
                Predictive::Gaussian {
                    mean: mixture.mean(),
                    deviation: mixture.variance().sqrt(),
                }
            });
            Ok(moments.collect())
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
        foresee: Box::new(move |ahead| {
            let told = match ahead {
                Ahead::OneStep => system.one_step(&all)?.split_off(example.known),
                Ahead::From(origins, horizon) => {
                    let steps: Vec<_> = all.steps().collect();
                    let (mut belief, mut read, mut told) = (system.begin(), 0, Vec::new());
                    for &origin in origins {
                        for (x, u) in &steps[read..origin] {
                            system.observe(&mut belief, x, u)?;
                        }
                        read = origin;
                        let controls = steps[origin..origin + horizon].iter();
                        let controls: Vec<Vec<f64>> = controls.map(|(_, u)| u.to_vec()).collect();
                        told.extend(system.forecast(&belief, horizon, &controls)?);
                    }
                    told
                }
            };
            Ok(told.iter().map(|told| told.marginal(0)).collect())
        }),
    })
}

/// Nets, which learn windows of all series.
struct Nets<'a> {
    settings: &'a BaselineSettings,
    options: &'a ForecastOptions,
    learned: Vec<SeriesExample>,
    held_out: &'a [SeriesExample],
    scoring: Scoring,
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
            let foresee = |ahead: Ahead<'_>| match ahead {
                Ahead::OneStep => {
                    let state = trained.net.initial_state(vec![example.scale]);
                    let series = std::slice::from_ref(&example.series);
                    let told = trained.net.one_step(series, Some(state))?;
                    Ok(told.predictives[0][example.known..].to_vec())
                }
                Ahead::From(origins, horizon) => {
                    let from = |origin: &usize| {
                        drawn_from(&trained.net, example, *origin, horizon, settings.seed)
                    };
                    let told = origins.iter().map(from).collect::<Result<Vec<_>, _>>()?;
                    Ok(told.concat())
                }
            };
            let (foreseen, figures) = self.scoring.of(example, &foresee)?;
            means.add(foreseen, figures);
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
