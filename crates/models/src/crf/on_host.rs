//! The loss of a conditional random field and its gradient, both computed on the host.
//!
//! ```text
//! L = ln Z - s(y)
//! dL/dE_{t,j} = p(y_t = j) - [y_t = j]
//! dL/dA_{ij}  = sum_t p(y_{t-1} = i, y_t = j) - [y_{t-1} = i, y_t = j]
//! dL/da_j     = dL/dE_{1,j}         dL/db_j = dL/dE_{n,j}
//! ```
//!
//! Autodiff is told of them by a sum that is zero and whose gradient is this one: of each score
//! `x` with gradient `g`, `g (x - detach(x))`. So it holds on every backend, and as a derivative
//! of the first order.

use backdraft_cells::Lengths;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Scores;
use super::chain::Marginals;

use crate::host::numbers;

/// `dL / d` each score, of all rows.
#[derive(Default)]
struct Gradients {
    /// `[batch, time, tags]`; zero in the padding.
    emissions: Vec<f32>,
    /// `[batch, tags * tags]`.
    transitions: Vec<f32>,
    /// `[batch, tags]`.
    start: Vec<f32>,
    /// `[batch, tags]`.
    end: Vec<f32>,
}

impl Scores {
    /// `L` of each row; `ln Z` alone where there are no tags. What is given has been checked.
    pub(super) fn nats_on_host(
        &self,
        emissions: Tensor<3>,
        tags: Option<Tensor<2, Int>>,
        lengths: &Lengths,
    ) -> Tensor<1> {
        let [batch, time, count] = emissions.dims();
        let device = emissions.device();
        let emissions = lengths.clear_padding(emissions);
        let scores: Vec<f64> = numbers(&emissions.to_data());
        let tags: Vec<usize> = tags.map_or(Vec::new(), |tags| {
            tags.into_data().iter::<i64>().map(|y| y as usize).collect()
        });
        let tags = tags.chunks(time).chain(std::iter::repeat(&[][..]));
        let rows = scores.chunks(time * count).zip(tags);
        let rows = rows
            .zip(lengths.as_slice())
            .map(|((row, tags), &n)| (&row[..n * count], &tags[..n.min(tags.len())]));

        let chain = self.chain();
        if !device.is_autodiff() {
            let nats = rows.map(|(row, tags)| chain.log_z(row) - chain.score(row, tags));
            return constant(nats.map(|nats| nats as f32).collect(), [batch], &device);
        }
        let mut nats = Vec::with_capacity(batch);
        let mut gradients = Gradients::default();
        for (row, tags) in rows {
            let marginals = chain.forward_backward(row);
            nats.push((marginals.log_z - chain.score(row, tags)) as f32);
            gradients.push(marginals, tags, [time, count]);
        }
        let emitted = constant(gradients.emissions, [batch, time * count], &device);
        let emissions = emissions.reshape([batch, time * count]);
        let emitted = (emitted * without_value(emissions)).sum_dim(1);
        let transitions = self.transitions.clone().reshape([count * count, 1]);
        let of = |gradient, scores: Tensor<2>| {
            let size = scores.dims()[0];
            constant(gradient, [batch, size], &device).matmul(without_value(scores))
        };
        let zero = emitted
            + of(gradients.transitions, transitions)
            + of(gradients.start, self.start.clone().unsqueeze_dim(1))
            + of(gradients.end, self.end.clone().unsqueeze_dim(1));
        constant(nats, [batch], &device) + zero.reshape([batch])
    }
}

impl Gradients {
    /// Adds those of a row whose right tags are `tags`, padded to `[time, count]`.
    fn push(&mut self, marginals: Marginals, tags: &[usize], [time, count]: [usize; 2]) {
        let Marginals {
            mut steps,
            mut pairs,
            ..
        } = marginals;
        for (step, &tag) in steps.chunks_mut(count).zip(tags) {
            step[tag] -= 1.0;
        }
        for pair in tags.windows(2) {
            pairs[pair[0] * count + pair[1]] -= 1.0;
        }
        let nothing = vec![0.0; count];
        let first = steps.chunks(count).next().unwrap_or(&nothing);
        let last = steps.chunks(count).next_back().unwrap_or(&nothing);
        extend(&mut self.start, first);
        extend(&mut self.end, last);
        steps.resize(time * count, 0.0);
        extend(&mut self.emissions, &steps);
        extend(&mut self.transitions, &pairs);
    }
}

fn extend(all: &mut Vec<f32>, more: &[f64]) {
    all.extend(more.iter().map(|&value| value as f32));
}

/// Zeros, whose derivative by `scores` is one.
fn without_value<const D: usize>(scores: Tensor<D>) -> Tensor<D> {
    scores.clone() - scores.detach()
}

fn constant<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}
