//! A model of one sequence given another: the translation of a source.
//!
//! ```text
//! e_1 .. e_S = encoder(dropout(E x_1) .. dropout(E x_S))       most often in both directions
//! s_0 = bridge(the encoder's final states)                     of each layer of the decoder
//! h_1 .. h_T = decoder(dropout(F y_0) .. dropout(F y_{T-1}))   from s_0
//! c_t = attention(h_t, e)
//! z_t = tanh(W [h_t, c_t] + b)                                 W: [H, H + M]
//! p(y_t | x, y_1 .. y_{t-1}) = softmax(U dropout(z_t) + d)     U: [V + 1, H]
//! ```
//!
//! Attention stands after the decoder's layer (Luong, Pham and Manning 2015, arXiv 1508.04025), so
//! that in training the decoder runs over a whole target at once. Without attention all that is
//! known of the source is in s_0 (Sutskever, Vinyals and Le 2014, arXiv 1409.3215).
//!
//! # The edge of a target
//!
//! A target has symbols `0 .. V`. The model itself adds one, `V`, for its edge: `<BOS>` where it is
//! read, before the first symbol, and `<EOS>` where it is foreseen, after the last. Targets are given,
//! and translations come, without it.

mod config;
mod scheduled;
mod writing;

use backdraft_cells::{Error, Layer, Lengths};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Embedding, Linear};
use burn::tensor::{Device, Int, Tensor};

use crate::bridge::state_features;
use crate::teacher::{Teacher, clear};
use crate::{Annotations, Attention, Bridge};
pub use config::TranslatorConfig;
pub use scheduled::ScheduledSampling;

const NAME: &str = "Translator";

/// A model of one sequence given another.
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
    state: S,
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
            let found = format!("{:?}", source.dims());
            let expected = "at least 1 of each";
            return Err(Error::new(NAME, "source [batch, time]", expected, found));
        }
        lengths
            .check("source", batch, steps)
            .map_err(|error| error.within(NAME))?;
        let source = clear(source, lengths);
        let embedded = self.dropout.forward(self.source_embedding.forward(source));
        let run = self.encoder.forward(embedded, None, Some(lengths));
        let run = run.map_err(|error| error.within(format!("encoder of {NAME}")))?;
        let state = self
            .bridge
            .forward(state_features(&run.state), &self.decoder)?;
        let attention = self.attention.as_ref();
        let annotations =
            attention.map(|attention| attention.annotations(run.outputs, Some(lengths)));
        Ok(Encoded {
            annotations: annotations.transpose()?,
            state,
        })
    }

    /// `[h_t, c_t]` of what the decoder puts out (`[batch, time, H]`), and the weights of the
    /// attention.
    fn attend(
        &self,
        hidden: Tensor<3>,
        annotations: Option<&Annotations>,
    ) -> Result<(Tensor<3>, Option<Tensor<3>>), Error> {
        match (&self.attention, annotations) {
            (Some(attention), Some(annotations)) => {
                let attended = attention.forward(hidden.clone(), annotations)?;
                let both = Tensor::cat(vec![hidden, attended.context], 2);
                Ok((both, Some(attended.weights)))
            }
            _ => Ok((hidden, None)),
        }
    }

    /// The scores of each symbol and of the end, of `[h_t, c_t]`.
    fn scores<const N: usize>(&self, both: Tensor<N>) -> Tensor<N> {
        let combined = self.combine.forward(both).tanh();
        self.output.forward(self.dropout.forward(combined))
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
        let (both, weights) = self.taught(&teacher, encoded)?;
        Ok(Foreseen {
            scores: self.scores(both),
            weights,
        })
    }

    /// How little each symbol of the targets was foreseen from the right ones before it, in nats:
    /// row by row, the end of each row included, `[target_lengths.total() + batch]`.
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

    /// `[h_t, c_t]` of what a teacher gives to read, and the weights of the attention.
    fn taught(
        &self,
        teacher: &Teacher,
        encoded: Encoded<D::State>,
    ) -> Result<(Tensor<3>, Option<Tensor<3>>), Error> {
        let embedded = self.target_embedding.forward(teacher.inputs.clone());
        let embedded = self.dropout.forward(embedded);
        let lengths = Some(&teacher.lengths);
        let run = self.decoder.forward(embedded, Some(encoded.state), lengths);
        let run = run.map_err(|error| error.within(format!("decoder of {NAME}")))?;
        self.attend(run.outputs, encoded.annotations.as_ref())
    }

    /// `-ln p` of each symbol that a teacher wants to hear.
    fn nats(&self, teacher: &Teacher, encoded: Encoded<D::State>) -> Result<Tensor<1>, Error> {
        let (both, _) = self.taught(teacher, encoded)?;
        Ok(teacher.nats(both, |both| self.scores(both)))
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
