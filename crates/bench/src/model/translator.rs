//! An encoder-decoder with attention, whose decoder is given the right symbols (teacher forcing).
//!
//! ```text
//! a_j = E[x_j]                                   j = 1 .. T     E: [V, I]
//! e_j = [LSTM(a)_j, LSTM(a reversed)_j]          H / 2 units each, rounded up: M features
//! v   = their final states                       2 M features
//! s_0 = tanh(P_i v + p_i)                        P_i: [H, 2 M]  the bridge, of h_0 and of c_0
//! h_t = LSTM(F[y_{t-1}])                         t = 1 .. T + 1, y_0 = <BOS>, from s_0; F: [V + 1, I]
//! u_tj = w . tanh(Q h_t + q + K e_j)             additive       Q: [H, H]   K: [H, M]   w: [H]
//! u_tj = h_t . (K e_j)                           general        K: [H, M]
//! c_t = sum over j of softmax_j(u_tj) e_j
//! z_t = tanh(W [h_t, c_t] + b)                   W: [H, H + M]
//! L   = - mean of ln softmax(U z_t + d)[y_t]     U: [V + 1, H], y_{T+1} = <EOS>
//! ```
//!
//! A batch is `B` sources and their targets, all of `T` symbols. No row is padded, so that PyTorch
//! needs neither packing nor masks.
//!
//! Nothing of what is attended to goes back into the decoder (Luong, Pham and Manning 2015, arXiv
//! 1508.04025), so ours runs over a whole target at once. In PyTorch it is measured as it is usually
//! written, step by step, and as it could be written for this model, at once.

use backdraft_cells::{DeepConfig, Layer, Lengths, LstmConfig, Path};
use backdraft_models::{Encoder, EncoderConfig, Score, Translator, TranslatorConfig};
use backdraft_train::PairBatch;
use burn::tensor::Device;
use serde_json::{Value, json};

use super::drawn::{Rows, random_rows, tensor};
use super::{ModelSetup, VOCABULARY, product_flops};
use crate::{BenchError, PyTorchProgram, Shape};

/// An encoder-decoder of LSTMs, one layer each.
#[derive(Debug, Clone, Copy)]
pub struct TranslatorSetup {
    shape: Shape,
    score: AttentionScore,
}

/// How well a step of the source fits one of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttentionScore {
    /// Bahdanau's.
    Additive,
    /// Luong's general.
    General,
}

impl AttentionScore {
    const fn name(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::General => "general",
        }
    }
}

impl TranslatorSetup {
    /// Units of the encoder in each direction.
    const fn half(self) -> usize {
        self.shape.hidden.div_ceil(2)
    }

    /// Sources, and their targets.
    fn pairs(self) -> Vec<(Rows, Rows)> {
        let Shape { batch, time, .. } = self.shape;
        let [sources, targets] = [0, 1].map(|seed| random_rows(seed, batch, time));
        sources.into_iter().zip(targets).collect()
    }
}

impl ModelSetup for TranslatorSetup {
    type Model = Translator<Encoder, Encoder>;

    const SHAPE: Shape = Shape {
        batch: 64,
        time: 20,
        input: 64,
        hidden: 256,
    };

    const PYTORCH: &'static [PyTorchProgram] = &[
        PyTorchProgram {
            name: "pytorch-loop",
            way: Some("decoder, attention and scores in a loop over the target, by nn.LSTMCell"),
            script: include_str!("../../peers/translator.py"),
            class: "LoopTranslator",
        },
        PyTorchProgram {
            name: "pytorch-fused",
            way: Some("decoder, attention and scores of the whole target at once, by nn.LSTM"),
            script: include_str!("../../peers/translator.py"),
            class: "FusedTranslator",
        },
    ];

    fn all(shape: Shape) -> Vec<Self> {
        let scores = [AttentionScore::Additive, AttentionScore::General];
        scores.map(|score| Self { shape, score }).to_vec()
    }

    fn name(&self) -> &'static str {
        match self.score {
            AttentionScore::Additive => "translator-additive",
            AttentionScore::General => "translator-general",
        }
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn layers(&self) -> usize {
        1
    }

    fn describe(&self) -> String {
        format!(
            "embeddings, LSTM in both directions, bridge, LSTM, {} attention, softmax over {} symbols",
            self.score.name(),
            VOCABULARY + 1
        )
    }

    fn init(&self, device: &Device) -> Result<Self::Model, BenchError> {
        let lstm = |hidden| {
            let cell = LstmConfig::new(self.shape.input, hidden).into();
            EncoderConfig::new(DeepConfig::new(cell, self.layers()))
        };
        let encoder = lstm(self.half()).with_both(true);
        let decoder = lstm(self.shape.hidden);
        let score = match self.score {
            AttentionScore::Additive => Score::Additive,
            AttentionScore::General => Score::General,
        };
        let config = TranslatorConfig::new(VOCABULARY, VOCABULARY, encoder, decoder);
        Ok(config.with_attention(Some(score)).init(device)?)
    }

    fn paths(model: &Self::Model) -> Vec<(String, Path)> {
        [model.encoder.paths(), model.decoder.paths()].concat()
    }

    fn batches(&self, device: &Device) -> Vec<PairBatch> {
        let Shape { batch, time, .. } = self.shape;
        let lengths = Lengths::new(vec![time; batch]);
        let pairs = self.pairs().into_iter();
        let batches = pairs.map(|(source, target)| PairBatch {
            source: tensor(&source, device),
            source_lengths: lengths.clone(),
            target: tensor(&target, device),
            target_lengths: lengths.clone(),
            scheduled: None,
        });
        batches.collect()
    }

    fn sizes(&self) -> Value {
        let Shape { input, hidden, .. } = self.shape;
        let attention = self.score.name();
        json!({
            "vocabulary": VOCABULARY, "embedding": input, "hidden": hidden, "attention": attention,
        })
    }

    fn symbols(&self) -> Value {
        json!(self.pairs())
    }

    fn training_flops(&self) -> f64 {
        let Shape {
            batch,
            time,
            input,
            hidden,
        } = self.shape;
        let (half, read) = (self.half(), (batch * time) as f64);
        let (features, written) = (2 * half, (batch * (time + 1)) as f64);
        let lstm = |rows, input, hidden| product_flops(rows, input + hidden, 4 * hidden);
        let encoder = 2.0 * lstm(read, input, half);
        let bridge = 2.0 * product_flops(batch as f64, 2 * features, hidden);
        let decoder = lstm(written, input, hidden);
        let keys = product_flops(read, features, hidden);
        let fit = product_flops(written, hidden, time);
        let query = match self.score {
            AttentionScore::Additive => product_flops(written, hidden, hidden),
            AttentionScore::General => 0.0,
        };
        let context = product_flops(written, time, features);
        let combine = product_flops(written, hidden + features, hidden);
        let scores = product_flops(written, hidden, VOCABULARY + 1);
        encoder + bridge + decoder + keys + fit + query + context + combine + scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceChoice, ModelStep};

    fn setups(shape: &str) -> Vec<TranslatorSetup> {
        TranslatorSetup::all(shape.parse().unwrap())
    }

    #[test]
    fn sources_and_targets_differ() {
        for setup in setups("3,50,4,5") {
            let pairs = setup.pairs();
            assert!(pairs.iter().all(|(source, target)| source != target));
            let batch = &setup.batches(&Device::default())[0];
            assert_eq!(batch.source.dims(), [3, 50]);
            assert_eq!(batch.target_lengths.total(), 150);
        }
    }

    #[test]
    fn the_operations_are_those_of_three_products_of_each_matrix() {
        // 2 rows. 3 steps are read by 3 units in each direction, of 4 + 3 numbers. Of 12 final states
        // 5 hidden and 5 cell states are made. 4 steps are written, by 20 sums over 4 + 5 numbers.
        let layers = 2 * (3 * 2 * (12 * (4 + 3)) + 12 * (5 + 5) + 4 * (20 * (4 + 5)));
        // 3 keys of 5 numbers, over 6 features each; 4 x 3 scores over 5 numbers; 4 means of 3
        // annotations of 6 features; 4 x 5 numbers of 5 + 6; 101 scores of 5 numbers.
        let rest = 2 * (3 * 5 * 6 + 4 * 3 * 5 + 4 * 3 * 6 + 4 * 5 * (5 + 6) + 4 * 101 * 5);
        let query = 2 * 4 * 5 * 5;
        let [additive, general] = setups("2,3,4,5")[..] else {
            panic!("one for each score")
        };
        let expected = [layers + rest + query, layers + rest].map(|all| 3.0 * 2.0 * f64::from(all));
        let found = [additive, general].map(|setup| setup.training_flops());
        assert_eq!(found, expected);
    }

    #[test]
    fn the_weights_go_by_pytorchs_names() {
        let place = DeviceChoice::default().find().unwrap();
        // An odd number of units is halved upwards.
        for (setup, attention) in setups("3,4,5,7").into_iter().zip([4, 1]) {
            let weights = ModelStep::new(setup, &place).unwrap().weights().unwrap();
            let of = |name| weights.shape(name).unwrap();
            assert_eq!(of("encoder.weight_hh_l0_reverse"), [16, 4]);
            assert_eq!(of("decoder.weight_hh_l0"), [28, 7]);
            assert_eq!(of("bridge.1.weight"), [7, 16]);
            assert_eq!(of("attention.keys.weight"), [7, 8]);
            assert_eq!(of("output.weight"), [101, 7]);
            // Two embeddings; two directions and the decoder; the bridge; combine and output.
            let rest = 2 + 3 * 4 + 2 * 2 + 2 * 2;
            assert_eq!(weights.names().count(), rest + attention);
        }
    }
}
