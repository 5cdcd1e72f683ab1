//! Gradients, explained: why a plain recurrent network forgets or explodes, and what the gates of LSTM
//! and GRU do about it, each number twice, by formula and by autodiff through the library's layers.
//!
//! ```text
//! h_t = tanh(W x_t + b + U h_{t-1})
//!
//! dL_T/ds_i   = dL_T/ds_T ds_T/ds_i                         what a loss at T says to the state at i
//! ds_T/ds_i   = J_T J_{T-1} .. J_{i+1},  J_t = ds_t/ds_{t-1} = D(1 - h_t^2) U       (jacobians.rs)
//! |ds_T/ds_i| <= (gamma sigma_max(U))^(T - i),              gamma = max (1 - h_t^2) <= 1
//! ```
//!
//! - Where nothing is read, h = 0 and `ds_T/ds_i = U^(T - i)`: it goes with `rho^(T - i)`, rho being the
//!   spectral radius of U (spectra.rs). Vanishing below 1, exploding above.
//! - Where inputs drive the units into saturation, `1 - h^2` is small and U is not alone any more.
//! - An LSTM's memory has a path of its own, `dc_T/dc_i = f_{i+1} .. f_T` without a matrix; where the
//!   forget gates are open, that is what lasts.
//!
//! Formula and autodiff differ by less than 1e-9 in double precision, and the kernels in single
//! precision by less than 1e-4, of the whole matrix; the program ends with an error where they do not.
//!
//!     cargo run --release -p backdraft-examples --bin gradients
//!
//! prints tables and draws `gradients.svg`.
//!
//! Hochreiter 1991, "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard and Frasconi
//! 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov and
//! Bengio 2013, arXiv 1211.5063; Gers, Schmidhuber and Cummins 2000, "Learning to forget"; Tallec and
//! Ollivier 2018, arXiv 1804.11188, for the chrono initialisation.

mod curves;
mod drawing;
mod figure;
mod jacobians;
mod measured;
mod nets;
mod spectra;
mod tables;

use std::path::PathBuf;

use backdraft_cells::{Error, Memory};
use backdraft_train::DeviceChoice;
use clap::Parser;
use faer::Mat;

use crate::curves::{Curve, elman, gru, lstm};
use crate::nets::{LONG, SHORT, inputs};

/// Spectral radii of U.
const RADII: [f64; 5] = [0.5, 0.9, 1.0, 1.1, 1.5];
/// The standard deviation of W x_t, for the last of these radii.
const STRENGTHS: [f64; 5] = [0.0, 0.25, 1.0, 2.0, 4.0];
/// What the forget gate of an LSTM, and the update gate of a GRU, start at.
const MEMORIES: [(&str, Memory); 4] = [
    ("bias 0", Memory::ForgetBias(0.0)),
    ("bias 1", Memory::ForgetBias(1.0)),
    ("bias 5", Memory::ForgetBias(5.0)),
    ("chrono", Memory::Chrono { longest: LONG }),
];

/// Gradients through time, by formula and by autodiff.
#[derive(Parser)]
struct Arguments {
    /// The seed of the weights and of what is read
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw it in this file
    #[arg(long, default_value = "gradients.svg")]
    svg: PathBuf,
}

/// Everything that is told and drawn.
struct Findings {
    /// U, scaled to each of [`RADII`].
    matrices: Vec<Mat<f64>>,
    /// An orthogonal matrix.
    rotation: Mat<f64>,
    /// Of each of `matrices`, at an input and a state of 0; and of 0.9 times the rotation.
    at_rest: Vec<Curve>,
    rotating: Curve,
    /// Of each of `matrices`, at an input of strength 1.
    driven: Vec<Curve>,
    /// Of the last of `matrices`, at each of [`STRENGTHS`].
    saturated: Vec<Curve>,
    /// With each of [`MEMORIES`], at an input of strength 1.
    lstm: Vec<Curve>,
    gru: Vec<Curve>,
}

impl Findings {
    fn new(seed: u64) -> Result<Self, Box<dyn std::error::Error>> {
        // A GPU has no double precision here.
        let device = DeviceChoice::Flex.pick()?.device;
        device.seed(seed);
        let plain = nets::plain(&device)?;
        let noise = nets::noise(&device);
        let drawn = nets::recurrent_matrix(&plain);
        let matrices: Vec<_> = RADII.map(|rho| spectra::scaled_to(&drawn, rho)).into();
        let rotation = spectra::orthogonal(&drawn);

        let of = |name: String, recurrent: &Mat<f64>, strength: f64| {
            let layer = nets::with_recurrent_matrix(&plain, recurrent);
            elman(name, &layer, &inputs(&noise, SHORT, strength))
        };
        let of_all = |strength: f64| -> Result<Vec<Curve>, Error> {
            let nets = RADII.iter().zip(&matrices);
            nets.map(|(rho, matrix)| of(format!("rho {rho:.1}"), matrix, strength))
                .collect()
        };
        let strongest = &matrices[RADII.len() - 1];
        let saturated =
            STRENGTHS.map(|strength| of(format!("input {strength}"), strongest, strength));
        let long = inputs(&noise, LONG, 1.0);
        Ok(Self {
            at_rest: of_all(0.0)?,
            rotating: of("0.9 Q".into(), &spectra::scaled_to(&rotation, 0.9), 0.0)?,
            driven: of_all(1.0)?,
            saturated: saturated.into_iter().collect::<Result<_, _>>()?,
            lstm: MEMORIES
                .map(|(name, memory)| lstm(name.into(), &nets::lstm(memory, &device)?, &long))
                .into_iter()
                .collect::<Result<_, _>>()?,
            gru: MEMORIES
                .map(|(name, memory)| gru(name.into(), &nets::gru(memory, &device)?, &long))
                .into_iter()
                .collect::<Result<_, _>>()?,
            matrices,
            rotation,
        })
    }

    fn curves(&self) -> impl Iterator<Item = &Curve> {
        let all = [
            &self.at_rest,
            &self.driven,
            &self.saturated,
            &self.lstm,
            &self.gru,
        ];
        all.into_iter().flatten().chain([&self.rotating])
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Arguments::parse();
    let found = Findings::new(asked.seed)?;
    tables::print(&found);
    figure::draw(&asked.svg, &found)?;
    println!("drawn in {}", asked.svg.display());
    Ok(())
}
