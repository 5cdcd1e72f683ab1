//! Models that learn each series by itself.

use std::time::Instant;

use backdraft_models::baselines::Autoregression;
use backdraft_models::baselines::hidden_markov::HmmConfig;
use backdraft_models::baselines::linear_dynamical::{
    LearningStart, LinearDynamicalConfig, Observations,
};
use backdraft_models::{Predictive, naive_forecast, seasonal_naive_forecast};

use super::fans::{DRAWN, Row};
use super::scoring::{Ahead, Foresee, Scoring, shown};
use crate::baselines::{BaselineRow, BaselineSettings, Remembers};
use crate::tasks::forecast::figures::Means;
use crate::{Backtesting, SeriesExample, TrainError};

/// A model of one series: what is learned of its history, and what it foresees then.
pub(super) struct Fitted<'a> {
    parameters: usize,
    foresee: Box<Foresee<'a>>,
}

/// Learns a series.
pub(super) type Fit<'a> = &'a dyn Fn(&SeriesExample) -> Result<Fitted<'_>, TrainError>;

pub(super) fn history(example: &SeriesExample) -> Vec<Option<f64>> {
    example.series.values[..example.known].to_vec()
}

/// A model of each series by itself.
pub(super) fn host_row(
    model: &str,
    remembers: Remembers,
    held_out: &[SeriesExample],
    scoring: Scoring,
    fit: Fit<'_>,
) -> Result<Row, TrainError> {
    let (mut means, mut parameters, mut drawn) = (Means::default(), 0, Vec::new());
    let (mut fit_seconds, mut step) = (0.0, Vec::new());
    for example in held_out {
        let start = Instant::now();
        let fitted = fit(example)?;
        fit_seconds += start.elapsed().as_secs_f64();
        parameters += fitted.parameters;
        let start = Instant::now();
        let told = (fitted.foresee)(Ahead::OneStep)?;
        // It reads the history, too.
        let steps = example.series.values.len();
        step.push(start.elapsed().as_secs_f64() * 1e6 / steps as f64);
        let found = match scoring.rolling {
            None => scoring.one_step(example, told)?,
            Some(_) => scoring.of(example, &fitted.foresee)?,
        };
        means.add(found.observed, found.figures);
        drawn.extend((drawn.len() < DRAWN).then_some(found.told));
    }
    step.sort_by(f64::total_cmp);
    let row = BaselineRow {
        model: model.to_string(),
        remembers,
        parameters,
        figures: shown(means),
        fit_seconds,
        step_microseconds: step[step.len() / 2],
    };
    Ok((row, drawn))
}

/// The value of `season` steps before, as unsure as it was in the history.
pub(super) fn repeating(example: &SeriesExample, season: usize) -> Fitted<'_> {
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
        Ahead::From(origins, Backtesting { horizon, .. }) => {
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

pub(super) fn autoregression(example: &SeriesExample, model: Autoregression) -> Fitted<'_> {
    let parameters = model.parameters();
    let (history, held_out) = example.series.values.split_at(example.known);
    let unknown = blind(example);
    let foresee = move |ahead: Ahead<'_>| match ahead {
        Ahead::OneStep => {
            let told = model.predictives(history, held_out)?.into_iter();
            // Where gaps have hidden all that it goes by, only the history's spread is known.
            Ok(told.map(|told| told.unwrap_or(unknown.clone())).collect())
        }
        Ahead::From(origins, Backtesting { horizon, .. }) => {
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
pub(super) fn hidden_markov<'a>(
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
                Ahead::From(origins, Backtesting { horizon, .. }) => {
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

pub(super) fn linear_dynamics<'a>(
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
                Ahead::From(origins, Backtesting { horizon, .. }) => {
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
