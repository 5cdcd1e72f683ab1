//! A model of one sequence given another: the translation of a source.
//!
//! ```text
//! e_1 .. e_S = encoder(dropout(E x_1) .. dropout(E x_S))       most often in both directions
//! s_0 = bridge(the encoder's final states)                     of each layer of the decoder
//! h_1 .. h_T = decoder(dropout(F y_0) .. dropout(F y_{T-1}))   from s_0
//! c_t = attention(h_t, e)
//! z_t = tanh(W [h_t, c_t] + b)                                 W: [H, H + M]
//! p(y_t | x, y_1 .. y_{t-1}) = softmax(U dropout(z_t) + d)     U: [V + 1, H]
//!
//! h_t = decoder([dropout(F y_{t-1}), z_{t-1}])                 with input feeding; z_0 = 0
//! ```
//!
//! Attention stands after the decoder's layer (Luong, Pham and Manning 2015, arXiv 1508.04025), so
//! that in training the decoder runs over a whole target at once. Without attention all that is
//! known of the source is in s_0 (Sutskever, Vinyals and Le 2014, arXiv 1409.3215).
//!
//! With input feeding (section 3.3 of Luong et al.) the decoder is told where it looked before. Attention is
//! then part of the recurrence: in training, too, each step needs the one before it. What does not recur (the
//! embeddings, the keys of the attention, the scores of all symbols) is computed for all steps at once.
//!
//! # The edge of a target
//!
//! A target has symbols `0 .. V`. The model itself adds one, `V`, for its edge: `<BOS>` where it is
//! read, before the first symbol, and `<EOS>` where it is foreseen, after the last. Targets are given,
//! and translations come, without it.

mod config;
mod scheduled;
mod steps;
mod writing;

use backdraft_cells::{Error, Layer, LayerInput, Lengths, Size};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, Linear};
use burn::tensor::{Device, Int, Tensor};

use crate::bridge::state_features;
use crate::tanh::tanh;
use crate::teacher::{Teacher, clear};
use crate::{Annotations, Attention, Bridge};
pub use config::TranslatorConfig;
pub use scheduled::ScheduledSampling;
use steps::DecoderState;

const NAME: &str = "Translator";

/// A model of one sequence given another: an encoder-decoder.
#[doc(alias = "EncoderDecoder")]
#[doc(alias = "Seq2Seq")]
#[derive(Module, Debug)]
pub struct Translator<E: Module + ModuleDisplay, D: Module + ModuleDisplay> {
    /// `E`.
    pub source_embedding: Embedding,
    /// What reads the source.
    pub encoder: E,
    /// `F`, whose last row is that of `<BOS>`.
    pub target_embedding: Embedding,
    /// What writes the target.
    pub decoder: D,
    /// From the encoder's final states to the decoder's initial ones.
    pub bridge: Bridge,
    /// What the decoder sees of the source at each step; nothing without it.
    pub attention: Option<Attention>,
    /// `W` and `b`.
    pub combine: Linear,
    /// `U` and `d`, whose last row is that of `<EOS>`.
    pub output: Linear,
    dropout: Dropout,
    /// Whether the decoder reads `z_{t-1}`, too.
    #[module(skip)]
    input_feeding: bool,
    /// How much all symbols share of what is right, in training.
    #[module(skip)]
    label_smoothing: f64,
}

/// The predictions for each symbol of a target, given the right symbols before it (teacher forcing).
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// The scores (logits) of each symbol and of the end: `[batch, time + 1, V + 1]`. Step `t` has
    /// read the symbols before `t`. What stands at steps after a row's end means nothing.
    pub scores: Tensor<3>,
    /// Where each step looks: `[batch, time + 1, source steps]`; `None` without attention.
    pub weights: Option<Tensor<3>>,
}

/// A source that has been read.
struct Encoded<S> {
    annotations: Option<Annotations>,
    /// Where the decoder begins.
    start: DecoderState<S>,
}

impl<E: Layer, D: Layer> Translator<E, D> {
    /// The number of symbols of a source.
    pub fn source_vocabulary(&self) -> usize {
        self.source_embedding.weight.dims()[0]
    }

    /// The number of symbols of a target, `V`, without its edge.
    pub fn target_vocabulary(&self) -> usize {
        self.target_embedding.weight.dims()[0] - 1
    }

    /// The symbol of the edge of a target: `<BOS>` and `<EOS>`, `V`.
    pub fn edge(&self) -> u32 {
        self.target_vocabulary() as u32
    }

    fn device(&self) -> Device {
        self.output.weight.val().device()
    }

    /// Reads sources (`[batch, steps]`).
    fn encode(
        &self,
        source: Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<Encoded<D::State>, Error> {
        let [batch, steps] = source.dims();
        if batch == 0 || steps == 0 {
            let expected = [Size::AtLeast(1); 2];
            return Err(Error::shape(
                NAME,
                "source [batch, time]",
                expected,
                [batch, steps],
            ));
        }
        lengths
            .check("source", batch, steps)
            .map_err(|error| error.within(NAME))?;
        let source = clear(source, lengths);
        let embedded = self.dropout.forward(self.source_embedding.forward(source));
        let run = self
            .encoder
            .forward(LayerInput::new(embedded).with_lengths(lengths));
        let run = run.map_err(|error| error.within(format!("encoder of {NAME}")))?;
        let state = self
            .bridge
            .forward(state_features(&run.state), &self.decoder)?;
        let attention = self.attention.as_ref();
        let annotations =
            attention.map(|attention| attention.annotations(run.outputs, Some(lengths)));
        Ok(Encoded {
            annotations: annotations.transpose()?,
            start: self.start(state, batch),
        })
    }

    /// `z_t` of what the decoder puts out (`[batch, time, H]`), and the weights of the attention.
    fn attend(
        &self,
        hidden: Tensor<3>,
        annotations: Option<&Annotations>,
    ) -> Result<(Tensor<3>, Option<Tensor<3>>), Error> {
        let (seen, weights) = match (&self.attention, annotations) {
            (Some(attention), Some(annotations)) => {
                let attended = attention.forward(hidden.clone(), annotations)?;
                let both = Tensor::cat(vec![hidden, attended.context], 2);
                (both, Some(attended.weights))
            }
            _ => (hidden, None),
        };
        Ok((tanh(self.combine.forward(seen)), weights))
    }

    /// The scores of each symbol and of the end, of `z_t`.
    fn scores<const N: usize>(&self, z: Tensor<N>) -> Tensor<N> {
        self.output.forward(self.dropout.forward(z))
    }

    /// What is foreseen of targets (`[batch, time]`) of which all symbols before are given.
    ///
    /// # Errors
    ///
    /// When batch sizes or lengths do not fit. Symbols must be below the sizes of the vocabularies.
    pub fn forward(
        &self,
        source: Tensor<2, Int>,
        source_lengths: &Lengths,
        target: Tensor<2, Int>,
        target_lengths: &Lengths,
    ) -> Result<Foreseen, Error> {
        let teacher = self.teacher(&source, target, target_lengths)?;
        let encoded = self.encode(source, source_lengths)?;
        let (z, weights) = self.taught(&teacher, encoded)?;
        Ok(Foreseen {
            scores: self.scores(z),
            weights,
        })
    }

    /// How little each symbol of the targets was foreseen from the right ones before it, in nats:
    /// row by row, the end of each row included, `[target_lengths.total() + batch]`. In training, labels are smoothed.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    pub fn loss(
        &self,
        source: Tensor<2, Int>,
        source_lengths: &Lengths,
        target: Tensor<2, Int>,
        target_lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        let teacher = self.teacher(&source, target, target_lengths)?;
        let encoded = self.encode(source, source_lengths)?;
        self.nats(&teacher, encoded)
    }

    /// `z_t` of what a teacher gives to read, and the weights of the attention.
    fn taught(
        &self,
        teacher: &Teacher,
        encoded: Encoded<D::State>,
    ) -> Result<(Tensor<3>, Option<Tensor<3>>), Error> {
        let embedded = self.target_embedding.forward(teacher.inputs.clone());
        let embedded = self.dropout.forward(embedded);
        if self.input_feeding {
            return self.taught_step_by_step(embedded, encoded);
        }
        let (state, lengths) = (encoded.start.state, Some(&teacher.lengths));
        let run = self.decoder.forward(
            LayerInput::new(embedded)
                .with_state(state)
                .with_lengths(lengths),
        );
        let run = run.map_err(within_decoder)?;
        self.attend(run.outputs, encoded.annotations.as_ref())
    }

    /// `-ln p` of each symbol that a teacher wants to hear.
    fn nats(&self, teacher: &Teacher, encoded: Encoded<D::State>) -> Result<Tensor<1>, Error> {
        let (z, _) = self.taught(teacher, encoded)?;
        Ok(teacher.nats(z, |z| self.scores(z), self.label_smoothing))
    }

    fn teacher(
        &self,
        source: &Tensor<2, Int>,
        target: Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<Teacher, Error> {
        let [rows, _] = source.dims();
        Teacher::new(NAME, rows, target, lengths, self.edge())
    }
}

fn within_decoder(error: Error) -> Error {
    error.within(format!("decoder of {NAME}"))
}
