//! The net that is probed: recurrent layers, and an affine map at the steps that have an answer.

use backdraft_cells::{Error, Layer, SequenceConfig};
use backdraft_models::Encoder;
use burn::module::Module;
use burn::nn::loss::{CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;

use super::{Probe, Problem};
use crate::{CellKind, Recurrence};

/// Some sequences, as the net takes them.
pub(super) struct Batch {
    /// `[batch, steps, features]`.
    inputs: Tensor<3>,
    /// Where the answers are, counted through all steps of all rows: `[answers]`.
    places: Tensor<1, Int>,
    /// Numbers, or classes: `[answers, 1]`.
    answers: Tensor<2>,
    problem: Problem,
}

impl Batch {
    pub fn draw(
        problem: Problem,
        length: usize,
        rows: usize,
        random: &mut StdRng,
        device: &Device,
    ) -> Self {
        let steps = problem.steps(length);
        let (mut inputs, mut places, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let sample = problem.draw(length, random);
            inputs.extend(sample.inputs);
            for (step, answer) in sample.answers {
                places.push((row * steps + step) as i32);
                answers.push(answer);
            }
        }
        let shape = [rows, steps, problem.features()];
        let count = answers.len();
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, shape), device),
            places: Tensor::from_data(TensorData::new(places, [count]), device),
            answers: Tensor::from_data(TensorData::new(answers, [count, 1]), device),
            problem,
        }
    }

    fn classes(&self) -> Tensor<1, Int> {
        self.answers.clone().int().flatten(0, 1)
    }
}

#[derive(Module, Debug)]
pub(super) struct Model {
    pub layer: Encoder,
    readout: Linear,
}

impl Model {
    /// With new weights; `Linear`'s start uniform within 1/sqrt(H).
    pub fn new(
        probe: &Probe,
        cell: CellKind,
        length: usize,
        device: &Device,
    ) -> Result<Self, Error> {
        let recurrence = Recurrence {
            cell,
            layers: probe.layers,
            hidden: probe.hidden,
            memory: probe.memory(cell, length),
            ..Recurrence::default()
        };
        let outputs = probe.problem.classes().unwrap_or(1);
        Ok(Self {
            layer: recurrence.encoder(probe.problem.features()).init(device)?,
            readout: LinearConfig::new(probe.hidden, outputs).init(device),
        })
    }

    /// What is said at the steps that have an answer: `[answers, outputs]`.
    fn said(&self, batch: &Batch) -> Result<Tensor<2>, Error> {
        let [rows, steps, _] = batch.inputs.dims();
        let outputs = self.layer.forward(batch.inputs.clone())?.outputs;
        let features = outputs.reshape([rows * steps, self.layer.output_size()]);
        let features = features.select(0, batch.places.clone());
        Ok(self.readout.forward(features))
    }

    /// The mean squared error of numbers, the cross-entropy of classes.
    pub fn loss(&self, batch: &Batch) -> Result<Tensor<1>, Error> {
        let said = self.said(batch)?;
        Ok(match batch.problem.classes() {
            None => MseLoss::new().forward(said, batch.answers.clone(), Reduction::Mean),
            Some(_) => {
                let loss = CrossEntropyLossConfig::new().init(&said.device());
                loss.forward(said, batch.classes())
            }
        })
    }

    /// What the problem's [`figure`](Problem::figure) is, in the mean of the answers.
    pub fn figure(&self, batch: &Batch) -> Result<f64, Error> {
        let figure = match batch.problem {
            Problem::Adding | Problem::Copy => self.loss(batch)?,
            Problem::TemporalOrder | Problem::Parity | Problem::Nested => {
                let found = self.said(batch)?.argmax(1).flatten(0, 1);
                found.not_equal(batch.classes()).int().float().mean()
            }
        };
        Ok(figure.into_scalar::<f32>().into())
    }
}
