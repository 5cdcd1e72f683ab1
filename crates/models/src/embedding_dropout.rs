//! Dropout of whole symbols of an embedding.
//!
//! ```text
//! e_t = m_{x_t} E[x_t]        m_v: 0 with probability p, else 1 / (1 - p), one number for each symbol v
//! ```
//!
//! The mask is drawn once a run: a symbol that is dropped is dropped wherever it stands in the batch. Gal and
//! Ghahramani 2016, arXiv 1512.05287; in AWD-LSTM, arXiv 1708.02182.

use backdraft_cells::Error;
use burn::module::Module;
use burn::nn::{Dropout, Embedding};
use burn::tensor::{Int, Tensor};

use crate::probability::dropout;

/// Dropout of whole symbols; nothing in evaluation.
#[derive(Module, Debug)]
pub(crate) struct EmbeddingDropout {
    dropout: Dropout,
}

impl EmbeddingDropout {
    /// Drops each symbol with `probability`.
    pub(crate) fn new(model: &str, probability: f64) -> Result<Self, Error> {
        let dropout = dropout(model, "embedding dropout", probability)?;
        Ok(Self { dropout })
    }

    /// The embedding of `symbols`, `[batch, time]`: `[batch, time, features]`.
    pub(crate) fn forward(&self, embedding: &Embedding, symbols: Tensor<2, Int>) -> Tensor<3> {
        let embedded = embedding.forward(symbols.clone());
        let device = embedded.device();
        if self.dropout.prob == 0.0 || !device.is_autodiff() {
            return embedded;
        }
        let [batch, time] = symbols.dims();
        let [vocabulary, _] = embedding.weight.dims();
        let mask = Tensor::<1>::ones([vocabulary], (&device, embedded.dtype()));
        let mask = self.dropout.forward(mask);
        let mask = mask.select(0, symbols.reshape([batch * time]));
        embedded * mask.reshape([batch, time, 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::EmbeddingConfig;
    use burn::tensor::Device;

    #[test]
    fn a_symbol_is_dropped_wherever_it_stands() {
        let (vocabulary, features) = (200, 3);
        let device = Device::flex().autodiff();
        let embedding = EmbeddingConfig::new(vocabulary, features).init(&device);
        let drop = EmbeddingDropout::new("test", 0.4).unwrap();
        let symbols = Tensor::<1, Int>::arange(0..vocabulary as i64, &device);
        let symbols = symbols.reshape([1, vocabulary]).repeat(&[2, 1]);
        let plain = embedding.forward(symbols.clone());
        let dropped = drop.forward(&embedding, symbols.clone());
        let factors = (dropped.clone() / plain.clone()).into_data();
        let factors: Vec<f32> = factors.iter().collect();
        let kept = |at: usize| factors[at] != 0.0;
        for (at, factor) in factors.iter().enumerate() {
            let expected = if kept(at) { 1.0 / 0.6 } else { 0.0 };
            assert!((factor - expected).abs() < 1e-5, "{factor}");
            // All features of the symbol, and the same symbol of the other row.
            assert_eq!(kept(at), kept(at / features * features));
            assert_eq!(kept(at), kept(at % (vocabulary * features)));
        }
        let kept = (0..vocabulary)
            .filter(|symbol| kept(symbol * features))
            .count();
        assert!((80..160).contains(&kept), "{kept} of 120 expected");
        let valid = embedding.valid();
        let symbols = symbols.without_autodiff();
        let evaluated = drop.valid().forward(&valid, symbols.clone());
        assert_eq!(evaluated.into_data(), valid.forward(symbols).into_data());
    }
}
