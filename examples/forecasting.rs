//! A forecaster of sales: 20 shops of very different sizes, one model for all of them.
//!
//!     cargo run --release -p backdraft-examples --bin forecasting
//!
//! The model sees no calendar: where in its week a shop is, it has to tell by what was sold before. Its
//! forecasts of the next day should be off by less than half as much as "as today", and by less than
//! "as a week ago"; and its intervals for nine in ten should hold about nine in ten.

use backdraft_cells::{GruConfig, RecurrentConfig};
use backdraft_models::{
    ForecasterConfig, Predictive, Scaling, Series, coverage, mase, seasonal_naive_forecast,
};
use backdraft_train::{Clipping, DeviceChoice};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use rand::{Rng, RngExt as _, SeedableRng, rngs::StdRng};

/// Days that are learned from, and the days after them.
const KNOWN: usize = 280;
const HELD_OUT: usize = 56;
/// Days that are read at a time, in training.
const WINDOW: usize = 56;

/// What a shop sells: busy at the end of its week, 8 % more or less by chance, and nothing known of one
/// day in thirty.
fn shop(random: &mut impl Rng) -> Series {
    let week = [0.7, 0.6, 0.7, 0.9, 1.3, 1.8, 1.0];
    let size = 10f64.powf(random.random_range(0.0..5.0));
    let first = random.random_range(0..7);
    let chance = Predictive::Gaussian {
        mean: 1.0,
        deviation: 0.08,
    };
    let days = (first..first + KNOWN + HELD_OUT).map(|day| {
        let sold = size * week[day % 7] * chance.sample(random);
        (random.random_range(0..30) > 0).then_some(sold)
    });
    Series::new(days.collect::<Vec<_>>())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut random = StdRng::seed_from_u64(1);
    let shops: Vec<Series> = (0..20).map(|_| shop(&mut random)).collect();

    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    // It reads the day before, and whether that is known.
    let layer = RecurrentConfig::new(GruConfig::new(2, 24));
    let mut model = ForecasterConfig::new(layer).init(&device)?.train();
    let mut optimizer = AdamConfig::new().init();
    let clipper = Clipping::by_norm(1.0).init()?;

    let steps = 200;
    for step in 1..=steps {
        // A window of each shop, from anywhere in what is known.
        let windows: Vec<Series> = shops
            .iter()
            .map(|shop| {
                let start = random.random_range(0..=KNOWN - WINDOW);
                shop.window(start..start + WINDOW)
            })
            .collect();
        let loss = model.loss(&windows, None)?.losses.mean();
        let nats = loss.clone().into_scalar::<f64>();
        let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
        clipper.apply(&model, &mut gradients);
        // Falls to nothing, so that where the model ends is not left to its last few steps.
        let rate = 0.02 * f64::from(steps - step) / f64::from(steps);
        model = optimizer.step(rate, model, gradients);
        if step % 50 == 0 {
            println!("step {step}: {nats:.3} nats a day");
        }
    }

    // Each held-out day is foretold from all the days before it, in units of the known ones.
    let known: Vec<Series> = shops.iter().map(|shop| shop.window(0..KNOWN)).collect();
    let scales = known.iter().map(|shop| Scaling::default().of(&shop.values));
    let begun = model.initial_state(scales.collect());
    let told = model.one_step(&shops, Some(begun))?.predictives;

    let (mut as_today, mut as_last_week, mut by_model, mut held) = (0.0, 0.0, 0.0, 0.0);
    for (shop, told) in shops.iter().zip(&told) {
        let (before, days) = shop.values.split_at(KNOWN);
        let told = &told[KNOWN..];
        let error = |forecasts: &[f64]| mase(before, 1, days, forecasts);
        let naive = |season: usize| -> Option<Vec<f64>> {
            let next = |day| seasonal_naive_forecast(&shop.values[..day], season, 1);
            let days = (KNOWN..KNOWN + HELD_OUT).map(next);
            Some(days.collect::<Option<Vec<_>>>()?.concat())
        };
        let level = |level| -> Vec<f64> { told.iter().map(|day| day.quantile(level)).collect() };
        as_today += error(&naive(1).ok_or("a shop without sales")?)?;
        as_last_week += error(&naive(7).ok_or("a shop without a week")?)?;
        by_model += error(&level(0.5))?;
        held += coverage(days, &level(0.05), &level(0.95))?;
    }
    let shops_count = shops.len() as f64;
    println!(
        "MASE of the day to come, over {HELD_OUT} days of {} shops:",
        shops.len()
    );
    println!("as today       {:.3}", as_today / shops_count);
    println!("as a week ago  {:.3}", as_last_week / shops_count);
    println!("the model      {:.3}", by_model / shops_count);
    println!(
        "its 90 % intervals hold {:.1} %",
        100.0 * held / shops_count
    );

    // Further ahead, what may come is drawn, day by day.
    let paths = model.forecast(&known[..1], &[], 7, 200, &mut random)?;
    let week = [0.05, 0.5, 0.95].map(|level| paths[0].quantile(level));
    println!("the first shop's next week: sold, foretold, interval");
    for (day, sold) in shops[0].values[KNOWN..KNOWN + 7].iter().enumerate() {
        let sold = sold.map_or("-".to_string(), |sold| format!("{sold:.1}"));
        let [low, middle, high] = [&week[0], &week[1], &week[2]].map(|level| level[day]);
        println!("{sold:>10} {middle:>10.1}   {low:.1} to {high:.1}");
    }
    Ok(())
}
