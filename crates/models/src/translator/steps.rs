//! A decoder that goes step by step: to write, and with input feeding to learn.
//!
//! ```text
//! h_t, s_t = decoder(e_t, s_{t-1})
//! h_t, s_t = decoder([e_t, z_{t-1}], s_{t-1})    with input feeding; z_0 = 0
//! z_t      = tanh(W [h_t, c_t] + b)
//! ```
//!
//! Input feeding: Luong, Pham and Manning 2015, arXiv 1508.04025, section 3.3.

use backdraft_cells::{Error, Layer, LayerInput, State};
use burn::tensor::Tensor;

use super::{Encoded, Translator, within_decoder};
use crate::Annotations;

/// Where a decoder is between two steps.
#[derive(Debug, Clone)]
pub(super) struct DecoderState<S> {
    pub state: S,
    /// `z_{t-1}`, `[batch, H]`, if it is read.
    pub fed: Option<Tensor<2>>,
}

impl<S: State> State for DecoderState<S> {
    fn map(self, f: &mut dyn FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        Self {
            state: self.state.map(f),
            fed: self.fed.map(f),
        }
    }

    fn zip(self, other: Self, f: &mut dyn FnMut(Tensor<2>, Tensor<2>) -> Tensor<2>) -> Self {
        Self {
            state: self.state.zip(other.state, f),
            fed: self.fed.zip(other.fed).map(|(own, other)| f(own, other)),
        }
    }

    fn visit(&self, path: &str, f: &mut dyn FnMut(&str, &Tensor<2>)) {
        self.state.visit(path, f);
        if let Some(fed) = &self.fed {
            f(&format!("{path}fed"), fed);
        }
    }
}

/// What one step gives.
pub(super) struct Step<S> {
    /// `z_t`: `[batch, H]`.
    pub z: Tensor<2>,
    /// `[batch, 1, source steps]`, or `[batch / width, width, source steps]`; `None` without attention.
    pub weights: Option<Tensor<3>>,
    pub next: DecoderState<S>,
}

impl<E: Layer, D: Layer> Translator<E, D> {
    /// Where the decoder begins, from this state of its layers.
    pub(super) fn start(&self, state: D::State, batch: usize) -> DecoderState<D::State> {
        let fed = self.input_feeding.then(|| {
            let weight = self.combine.weight.val();
            let shape = [batch, self.decoder.output_size()];
            Tensor::zeros(shape, (&weight.device(), weight.dtype()))
        });
        DecoderState { state, fed }
    }

    /// One step of the decoder, of embedded symbols `[batch, D]`. `width` rows that follow each other look at the
    /// same source.
    pub(super) fn step(
        &self,
        embedded: Tensor<2>,
        from: DecoderState<D::State>,
        annotations: Option<&Annotations>,
        width: usize,
    ) -> Result<Step<D::State>, Error> {
        let [batch, _] = embedded.dims();
        let read = match from.fed {
            Some(fed) => Tensor::cat(vec![embedded, fed], 1),
            None => embedded,
        };
        let run = self
            .decoder
            .forward(LayerInput::new(read.unsqueeze_dim(1)).with_state(from.state))
            .map_err(within_decoder)?;
        let hidden = self.decoder.output_size();
        let queries = run.outputs.reshape([batch / width, width, hidden]);
        let (z, weights) = self.attend(queries, annotations)?;
        let [_, _, features] = z.dims();
        let z = z.reshape([batch, features]);
        let next = DecoderState {
            state: run.state,
            fed: self.input_feeding.then(|| z.clone()),
        };
        Ok(Step { z, weights, next })
    }

    /// `z_t` of embedded symbols `[batch, time, D]`, one step after the other, and the weights of the attention. What
    /// is computed after the end of a row is read by nothing.
    pub(super) fn taught_step_by_step(
        &self,
        embedded: Tensor<3>,
        encoded: Encoded<D::State>,
    ) -> Result<(Tensor<3>, Option<Tensor<3>>), Error> {
        let [batch, time, features] = embedded.dims();
        let annotations = encoded.annotations.as_ref();
        let (mut from, mut z, mut weights) = (encoded.start, Vec::new(), Vec::new());
        for t in 0..time {
            let symbol = embedded.clone().narrow(1, t, 1);
            let step = self.step(symbol.reshape([batch, features]), from, annotations, 1)?;
            z.push(step.z.unsqueeze_dim::<3>(1));
            weights.extend(step.weights);
            from = step.next;
        }
        let weights = (!weights.is_empty()).then(|| Tensor::cat(weights, 1));
        Ok((Tensor::cat(z, 1), weights))
    }
}
