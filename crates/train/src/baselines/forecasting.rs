//! Models of the next value of series.

mod fans;
mod nets;
mod of_a_series;
mod scoring;

use std::path::Path;

use backdraft_models::baselines::linear_dynamical::{LinearDynamicalConfig, Structure};
use backdraft_models::baselines::{AutoregressionConfig, Criterion, TimeDelayConfig, WindowConfig};

use super::{BaselineRow, BaselineSettings, Baselines, Remembers};
use crate::TaskOptions;
use crate::say::say;
use crate::tasks::forecast::known::Known;
use crate::tasks::forecast::parts;
use crate::{Backtesting, ForecastOptions, PickedDevice, Recurrence, SeriesExample, TrainError};
use fans::Row;
use nets::Nets;
use of_a_series::{
    Fit, autoregression, hidden_markov, history, host_row, linear_dynamics, repeating,
};
use scoring::{FIGURES, Scoring};

/// The largest order of autoregression that is tried.
const LARGEST_ORDER: usize = 24;
/// Numbers in the state of a linear dynamical system that is free.
const LATENT: usize = 4;
/// Steps of EM; those of a season have a state of as many numbers, and a step costs its cube.
const EM_STEPS: usize = 30;

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
    let (held_out, short) = parts::scored(all, options, settings.valid_fraction)?;
    parts::tell_short(&short, "left out");
    let season = options.season;
    let scoring = Scoring { season, rolling };
    if let Some(asked) = rolling {
        held_out
            .iter()
            .try_for_each(|one| asked.origins(one).map(drop))?;
    }
    let mut rows = Vec::new();
    let mut keep = |row: Option<Row>| {
        row.iter().for_each(|(row, _)| told(row));
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

    let learned = parts::windows(&held_out, options);
    let known = Known::of(&learned, options);
    let input = known.features(options);
    let nets = Nets {
        settings,
        options,
        known: &known,
        learned,
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
        unit: None,
        vocabulary: None,
        device: device.name.clone(),
        learned_from: count(&|example| &example.series.values[..example.known]),
        held_out: count(&|example| &example.series.values[example.known..]),
        settings: settings.clone(),
        figures: FIGURES.to_vec(),
        shown: fans::sections(&held_out, &rows, rolling),
        rows: rows.into_iter().map(|(row, _)| row).collect(),
    })
}
