//! How far back a recurrent network learns to look, with clipped gradients and without: the figure of
//! Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks", arXiv
//! 1211.5063, for two of its three methods (the third is a regulariser).
//!
//! The temporal order problem (Hochreiter and Schmidhuber 1997, task 6a): of T symbols two are A or B,
//! the rest mean nothing. Which two they were, and in which order, is to be told at the end.
//!
//! ```text
//! x_1 .. x_T          c, d, e or f, but A or B once in [T/10, 2T/10] and once in [4T/10, 5T/10]
//! h_t = tanh(W x_t + R h_{t-1} + b),  p(AA, AB, BA, BB) = softmax(U h_T + c)        50 units
//! theta <- theta - lr g min(1, n / |g|)        |g|: of the WHOLE gradient; n = 1, or no clipping
//! ```
//!
//! A run succeeds when it errs on less than 1 % of 10,000 other sequences. Both methods start from the
//! same weights and read the same sequences, 20 a step.
//!
//!     cargo run --release -p backdraft-examples --bin temporal-order
//!
//! draws `temporal-order.svg` and prints how many of the runs succeed, for each length:
//!
//! ```text
//! length  no clipping     clipping
//!     10         1.00         1.00
//!     14         1.00         1.00
//!     18         0.33         1.00
//!     22         0.00         1.00
//!     30         0.00         1.00
//!     40         0.00         1.00
//!     50         0.00         0.33
//! ```
//!
//! The paper gives it ten times less of a learning rate and far more steps and runs, for which there are
//! `--lr`, `--steps` and `--seeds`.

use std::path::{Path, PathBuf};

use backdraft_cells::Error;
use backdraft_cells::prelude::*;
use backdraft_train::{Clipping, DeviceChoice, Problem, TrainError};
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use plotters::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const METHODS: [&str; 2] = ["no clipping", "clipping"];

/// The temporal order problem: success against length, with clipped gradients and without.
#[derive(Parser)]
struct Arguments {
    /// Lengths of the sequences; below 10 the two places would be one
    #[arg(long, value_delimiter = ',', value_parser = at_least(10), default_values_t = [10, 14, 18, 22, 30, 40, 50])]
    lengths: Vec<usize>,
    /// Runs of each length and method
    #[arg(long, value_parser = at_least(1), default_value_t = 3)]
    seeds: usize,
    /// Steps of a run that does not learn it, at most
    #[arg(long, default_value_t = 3000)]
    steps: usize,
    /// The learning rate
    #[arg(long, default_value_t = 0.1)]
    lr: f64,
    /// The norm to clip at
    #[arg(long, default_value_t = 1.0)]
    norm: f64,
    /// Draw it in this file
    #[arg(long, default_value = "temporal-order.svg")]
    svg: PathBuf,
}

fn at_least(least: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..)
}

/// Sequences, as vectors that are 1 at the symbol (A, B, c, d, e, f), and their classes.
struct Batch {
    inputs: Tensor<3>,
    classes: Tensor<1, Int>,
}

impl Batch {
    fn new(rows: usize, length: usize, random: &mut StdRng, device: &Device) -> Self {
        let (mut inputs, mut classes) = (Vec::new(), Vec::with_capacity(rows));
        for _ in 0..rows {
            let sample = Problem::TemporalOrder.draw(length, random);
            inputs.extend(sample.inputs);
            classes.extend(sample.answers.iter().map(|(_, class)| *class as i32));
        }
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, [rows, length, 6]), device),
            classes: Tensor::from_data(TensorData::new(classes, [rows]), device),
        }
    }
}

#[derive(Module, Debug)]
struct Model {
    layer: Recurrent<Elman>,
    readout: Linear,
}

impl Model {
    /// Weights whose spectral radius is about 0.95, as that of the paper's "smart tanh", but dense.
    fn new(device: &Device) -> Result<Self, Error> {
        let std = 0.95 / 50f64.sqrt();
        let normal = || Initializer::Normal { mean: 0.0, std };
        let gates = GatesConfig::new()
            .with_input_initialization(normal().into())
            .with_recurrent_initialization(normal().into())
            .with_bias_initialization(Initializer::Zeros.into());
        let cell = ElmanConfig::new(6, 50).with_gates(gates);
        Ok(Self {
            layer: RecurrentConfig::new(cell).init(device)?,
            readout: LinearConfig::new(50, 4)
                .with_initializer(normal())
                .init(device),
        })
    }

    /// The scores of each class, `[batch, 4]`, from the last hidden state.
    fn forward(&self, inputs: Tensor<3>) -> Result<Tensor<2>, Error> {
        let run = self.layer.forward(inputs)?;
        Ok(self.readout.forward(run.state))
    }

    fn errors(&self, test: &Batch) -> Result<f64, Error> {
        let found = self.forward(test.inputs.clone())?.argmax(1).flatten(0, 1);
        let wrong = found.not_equal(test.classes.clone()).int();
        Ok(wrong.float().mean().into_scalar())
    }
}

/// Whether a network learns sequences of this length.
fn learns(
    asked: &Arguments,
    length: usize,
    seed: u64,
    clipping: Clipping,
) -> Result<bool, TrainError> {
    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(seed);
    let mut random = StdRng::seed_from_u64(seed);
    let mut model = Model::new(&device)?.train();
    let mut optimizer = SgdConfig::new().init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let test = Batch::new(10_000, length, &mut random, &device);

    let clipper = clipping.init()?;
    let recording = device.autodiff();
    for step in 1..=asked.steps {
        let batch = Batch::new(20, length, &mut random, &recording);
        let loss = loss.forward(model.forward(batch.inputs)?, batch.classes);
        let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
        clipper.apply(&model, &mut gradients);
        model = optimizer.step(asked.lr, model, gradients);
        if (step % 400 == 0 || step == asked.steps) && model.valid().errors(&test)? < 0.01 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Arguments::parse();
    let methods = [Clipping::default(), Clipping::by_norm(asked.norm)];
    println!("length  {:>11}  {:>11}", METHODS[0], METHODS[1]);
    let mut curves = [Vec::new(), Vec::new()];
    for &length in &asked.lengths {
        print!("{length:>6}");
        for (clipping, curve) in methods.into_iter().zip(&mut curves) {
            let mut learned = 0;
            for seed in 0..asked.seeds as u64 {
                learned += usize::from(learns(&asked, length, seed, clipping)?);
            }
            let rate = learned as f64 / asked.seeds as f64;
            print!("  {rate:>11.2}");
            curve.push((length as f64, rate));
        }
        println!();
    }
    draw(&asked.svg, &curves)?;
    println!("drawn in {}", asked.svg.display());
    Ok(())
}

/// Success rate against length, a curve for each method.
fn draw(path: &Path, curves: &[Vec<(f64, f64)>; 2]) -> Result<(), Box<dyn std::error::Error>> {
    let longest = curves[0].iter().map(|point| point.0).fold(0.0, f64::max);
    let root = SVGBackend::new(path, (640, 360)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Temporal order: runs that succeed", ("sans-serif", 17))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..longest + 2.0, 0.0..1.05)?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("length of the sequences").max_light_lines(0);
    mesh.x_label_formatter(&|length| format!("{length:.0}"));
    mesh.draw()?;
    for ((name, colour), curve) in METHODS.into_iter().zip([RED, BLUE]).zip(curves) {
        let line = LineSeries::new(curve.iter().copied(), colour.stroke_width(2));
        let drawn = chart.draw_series(line.point_size(3))?;
        let mark = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
        drawn.label(name).legend(mark);
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::LowerLeft);
    legend.background_style(WHITE.mix(0.8)).draw()?;
    root.present()?;
    Ok(())
}
