//! A cell of one's own: leaky units, each of which learns its own pace.
//!
//! ```text
//! h_t = p h_{t-1} + (1 - p) tanh(W x_t + b + R h_{t-1})         p = sigmoid(pace)
//! ```
//!
//! The cell is its equations: what does not recur in `project`, the rest in `equations`. Directions,
//! depth, padding and gradients come with the layers, and so does a kernel: the equations are
//! recorded and run over the whole sequence as one operation, with a derivative that nobody wrote.
//! It is to tell whether the first of 5 to 30 numbers was 1 or -1.
//!
//!     cargo run --release -p backdraft-examples --bin own-cell
//!
//! It should end at an accuracy of 1.

use backdraft_cells::equations::{At, Equations, Expression};
use backdraft_cells::prelude::*;
use backdraft_cells::{CellBase, Error, Gates, Projected};
use backdraft_train::DeviceChoice;
use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};

#[derive(Module, Debug)]
struct Leaky {
    gates: Gates,
    pace: Param<Tensor<1>>,
}

impl Leaky {
    fn new(input: usize, hidden: usize, device: &Device) -> Result<Self, Error> {
        let paces = Distribution::Normal(2.0, 1.0);
        Ok(Self {
            gates: GatesConfig::new().init("Leaky", [1, input, hidden], device)?,
            pace: Param::from_tensor(Tensor::random([hidden], paces, device)),
        })
    }
}

impl CellBase for Leaky {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.gates.hidden_size()
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }
}

impl Equations for Leaky {
    fn matrices(&self) -> Vec<Tensor<2>> {
        self.gates.matrices()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        [self.gates.vectors(), vec![self.pace.val()]].concat()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let hidden = at.state[0].clone();
        let new = (at.projected.clone() + self.gates.recurrent(&at, &hidden)).tanh();
        let pace = at
            .vectors
            .last()
            .expect("the last of them")
            .clone()
            .sigmoid();
        vec![new.clone() + pace * (hidden - new)]
    }
}

/// Two layers, each in both directions, and a number read from the last step.
#[derive(Module, Debug)]
struct Model {
    layers: Deep<Bidirectional<Leaky>>,
    readout: Linear,
}

impl Model {
    fn new(device: &Device) -> Result<Self, Error> {
        let both = |input| {
            let cell = || Leaky::new(input, 16, device);
            Ok::<_, Error>(Bidirectional::new(cell()?, cell()?, Merge::Concat))
        };
        let layers = Deep::new(vec![both(1)?, both(32)?], 0.0, Connection::Plain)?;
        Ok(Self {
            layers,
            readout: LinearConfig::new(16, 1).init(device),
        })
    }

    fn forward(&self, input: Tensor<3>, lengths: &Lengths) -> Result<Tensor<2>, Error> {
        let run = self
            .layers
            .forward(LayerInput::new(input).with_lengths(lengths))?;
        // The forward direction of the upper layer, after each row's own last step.
        Ok(self.readout.forward(run.state[1].forward.clone()))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = DeviceChoice::Auto.pick()?.device;
    device.seed(1);
    let mut model = Model::new(&device)?.train();
    for (layer, path) in model.layers.paths() {
        println!("{layer}: {path}");
    }
    let mut optimizer = AdamConfig::new().init();

    for step in 1..=400 {
        let (batch, time) = (32, 30);
        let lengths = Lengths::new(
            (0..batch)
                .map(|row| 5 + (row * 7 + step) % 26)
                .collect::<Vec<_>>(),
        );
        let noise = Tensor::<3>::random([batch, time, 1], Distribution::Normal(0.0, 0.5), &device);
        let coin = Tensor::<3>::random([batch, 1, 1], Distribution::Bernoulli(0.5), &device);
        let sign = coin * 2.0 - 1.0;
        let input = noise.slice_assign([0..batch, 0..1], sign.clone());
        let sign = sign.reshape([batch, 1]);

        let answer = model.forward(Tensor::from_inner(input), &lengths)?;
        let correct = (answer.clone().inner().sign() * sign.clone() + 1.0) * 0.5;
        // The loss of a wrong sign: ln(1 + exp(-answer * sign)).
        let loss = (answer * Tensor::from_inner(-sign)).exp().log1p().mean();
        if step % 100 == 0 {
            let (loss, accuracy) = (
                loss.clone().into_scalar::<f64>(),
                correct.mean().into_scalar::<f64>(),
            );
            println!("step {step}: loss {loss:.4}, accuracy {accuracy:.3}");
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.005, model, gradients);
    }
    Ok(())
}
