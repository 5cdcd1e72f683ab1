//! A language model, which learns by truncated backpropagation through time.
//!
//! ```text
//! e_t = E[x_t]                                     E: [V, I]
//! h_t = LSTM_2(LSTM_1(e_t))                        H units; their state goes on, cut off from its graph
//! L   = - mean of ln softmax(U h_t + c)[x_{t+1}]   U: [V, H]
//! ```
//!
//! A batch is a window: `B` rows of `T + 1` symbols, each of which is read but for its last symbol and
//! foreseen but for its first.

use backdraft_cells::{
    Deep, DeepConfig, Layer, Lstm, LstmConfig, Path, Recurrent, RecurrentConfig,
};
use backdraft_models::{LanguageModel, LanguageModelConfig};
use backdraft_train::SymbolBatch;
use burn::tensor::Device;
use serde_json::{Value, json};

use super::drawn::{Rows, random_rows, tensor};
use super::{ModelSetup, VOCABULARY, product_flops};
use crate::{BenchError, CellKind, PyTorchProgram, Shape};

/// LSTMs on top of each other.
const LAYERS: usize = 2;

/// A language model of two LSTMs.
#[derive(Debug, Clone, Copy)]
pub struct LanguageModelSetup {
    shape: Shape,
}

impl LanguageModelSetup {
    fn windows(self) -> Vec<Rows> {
        random_rows(0, self.shape.batch, self.shape.time + 1)
    }
}

impl ModelSetup for LanguageModelSetup {
    type Model = LanguageModel<Deep<Recurrent<Lstm>>>;

    const SHAPE: Shape = Shape {
        batch: 64,
        time: 64,
        input: 512,
        hidden: 512,
    };

    const PYTORCH: &'static [PyTorchProgram] = &[PyTorchProgram {
        name: "pytorch",
        way: None,
        script: include_str!("../../peers/language_model.py"),
        class: "LanguageModel",
    }];

    fn all(shape: Shape) -> Vec<Self> {
        vec![Self { shape }]
    }

    fn name(&self) -> &'static str {
        "language-model"
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn layers(&self) -> usize {
        LAYERS
    }

    fn describe(&self) -> String {
        format!("embedding, {LAYERS} LSTMs, softmax over {VOCABULARY} symbols")
    }

    fn init(&self, device: &Device) -> Result<Self::Model, BenchError> {
        let cell = LstmConfig::new(self.shape.input, self.shape.hidden);
        let stack = DeepConfig::new(RecurrentConfig::new(cell), LAYERS);
        Ok(LanguageModelConfig::new(VOCABULARY, stack).init(device)?)
    }

    fn paths(model: &Self::Model) -> Vec<(String, Path)> {
        model.recurrent.paths()
    }

    fn batches(&self, device: &Device) -> Vec<SymbolBatch> {
        let Shape { batch, time, .. } = self.shape;
        let windows = self.windows().into_iter();
        let batches = windows.map(|window| {
            let symbols = tensor(&window, device);
            SymbolBatch {
                inputs: symbols.clone().slice([0..batch, 0..time]),
                targets: symbols.slice([0..batch, 1..time + 1]),
            }
        });
        batches.collect()
    }

    fn sizes(&self) -> Value {
        let Shape { input, hidden, .. } = self.shape;
        json!({"vocabulary": VOCABULARY, "embedding": input, "hidden": hidden, "layers": LAYERS})
    }

    fn symbols(&self) -> Value {
        json!(self.windows())
    }

    /// Those of the layers, and of the scores, `3 2 T B H V`.
    fn training_flops(&self) -> f64 {
        let shape = self.shape;
        let upper = Shape {
            input: shape.hidden,
            ..shape
        };
        let layers = shape.training_flops(CellKind::Lstm)
            + upper.training_flops(CellKind::Lstm) * (LAYERS - 1) as f64;
        layers + product_flops(self.symbols_read(), shape.hidden, VOCABULARY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceChoice, ModelStep};

    #[test]
    fn the_operations_are_those_of_three_products_of_each_matrix() {
        let shape = "2,3,4,5".parse().unwrap();
        // For each of 6 symbols: two LSTMs of 20 sums, over 4 + 5 and 5 + 5 numbers; 100 scores.
        let products = 6 * (20 * (4 + 5) + 20 * (5 + 5) + 100 * 5);
        let setup = LanguageModelSetup { shape };
        assert_eq!(setup.training_flops(), 3.0 * 2.0 * f64::from(products));
    }

    #[test]
    fn the_weights_go_by_pytorchs_names() {
        let place = DeviceChoice::default().find().unwrap();
        let shape = "3,4,5,6".parse().unwrap();
        let model = ModelStep::new(LanguageModelSetup { shape }, &place).unwrap();
        let weights = model.weights().unwrap();
        assert_eq!(weights.shape("embedding.weight"), Some(&[100, 5][..]));
        assert_eq!(weights.shape("recurrent.weight_ih_l1"), Some(&[24, 6][..]));
        assert_eq!(weights.shape("output.weight"), Some(&[100, 6][..]));
        assert_eq!(weights.names().count(), 1 + 4 * LAYERS + 2);
    }
}
