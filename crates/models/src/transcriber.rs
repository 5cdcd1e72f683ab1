//! A model that writes down what it hears, without being told when it was said.
//!
//! ```text
//! x'_t = x_{kt} .. x_{kt+k-1}                 k frames side by side become one step
//! h_t  = recurrent layers over dropout(x'_1) .. dropout(x'_T)
//! p_t(symbol) = softmax(U dropout(h_t) + c)   labels, and the blank
//! loss = -ln p(labels | x)                    over all ways in which they can stand; see ctc_loss
//! ```
//!
//! Graves, Mohamed and Hinton 2013, "Speech recognition with deep recurrent neural networks",
//! arXiv 1303.5778; stacked frames of Sak et al. 2015, arXiv 1507.06947.

use backdraft_cells::{Error, Layer, LayerInput, Lengths, Size};
use burn::module::{Module, ModuleDisplay};
use burn::nn::{Dropout, Linear};
use burn::tensor::{Tensor, activation::log_softmax};

use crate::host::numbers;
use crate::{CtcDecoding, LabelModel, Labeling, PrefixBeam, ctc_loss};

mod config;

pub use config::TranscriberConfig;

/// A model that writes down what it hears.
#[derive(Module, Debug)]
pub struct Transcriber<L: Module + ModuleDisplay> {
    /// The recurrent layers, which read steps of stacked frames.
    pub recurrent: L,
    /// `U` and `c`; the blank is symbol 0.
    pub output: Linear,
    input_dropout: Dropout,
    output_dropout: Dropout,
    #[module(skip)]
    stacking: usize,
}

impl<L: Layer> Transcriber<L> {
    /// The number of labels, without the blank.
    pub fn labels(&self) -> usize {
        self.output.weight.dims()[1] - 1
    }

    /// The features of one frame.
    pub fn features(&self) -> usize {
        self.recurrent.input_size() / self.stacking
    }

    /// The steps of a number of frames; labels [need](crate::steps_needed) so many.
    pub fn steps(&self, frames: usize) -> usize {
        frames.div_ceil(self.stacking)
    }

    /// `ln p_t(symbol)` of each step, the blank first, and the steps of each row:
    /// `[batch, steps, labels + 1]`.
    ///
    /// # Errors
    ///
    /// When the frames (`[batch, time, features]`) or their lengths do not fit, or a row is empty.
    pub fn log_probabilities(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
    ) -> Result<(Tensor<3>, Lengths), Error> {
        let (stacked, lengths) = self.stacked(frames, lengths)?;
        let run = self
            .recurrent
            .forward(LayerInput::new(self.input_dropout.forward(stacked)).with_lengths(&lengths))
            .map_err(|error| error.within("Transcriber"))?;
        let scores = self
            .output
            .forward(self.output_dropout.forward(run.outputs));
        Ok((log_softmax(scores, 2), lengths))
    }

    /// `-ln p(labels | frames)` of each row, in nats: `[batch]`. Infinite, with a gradient of 0, where a
    /// row has fewer [steps](Self::steps) than its labels [need](crate::steps_needed); a
    /// [`CtcLoss`](crate::CtcLoss) of the [probabilities](Self::log_probabilities) can leave such rows out.
    ///
    /// # Errors
    ///
    /// As [`log_probabilities`](Self::log_probabilities) and [`ctc_loss`]: labels are at least 1
    /// and at most their number.
    pub fn loss(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
        targets: &[Vec<u32>],
    ) -> Result<Tensor<1>, Error> {
        let (log_p, lengths) = self.log_probabilities(frames, lengths)?;
        ctc_loss(log_p, &lengths, targets).map_err(|error| error.within("Transcriber"))
    }

    /// The labels of each row.
    ///
    /// # Errors
    ///
    /// As [`log_probabilities`](Self::log_probabilities) and [`CtcDecoding::labels`].
    pub fn transcribe(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
        decoding: CtcDecoding,
    ) -> Result<Vec<Vec<u32>>, Error> {
        let decoded = |row: &[f64], symbols| decoding.labels(row, symbols);
        self.decoded(frames, lengths, decoded)
    }

    /// The `best` likeliest labelings of each row, the likeliest first.
    ///
    /// # Errors
    ///
    /// As [`log_probabilities`](Self::log_probabilities) and [`CtcDecoding::best`].
    pub fn labelings(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
        decoding: CtcDecoding,
        best: usize,
    ) -> Result<Vec<Vec<Labeling>>, Error> {
        let decoded = |row: &[f64], symbols| decoding.best(row, symbols, best);
        self.decoded(frames, lengths, decoded)
    }

    /// The best labelings of each row, the best first, with what is known of labels if the search has a
    /// language model. A row may have fewer than wanted, or none: see [`PrefixBeam::search`].
    ///
    /// # Errors
    ///
    /// As [`log_probabilities`](Self::log_probabilities) and [`PrefixBeam::search`].
    pub fn transcribe_best<M: LabelModel>(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
        search: &PrefixBeam<M>,
    ) -> Result<Vec<Vec<Labeling>>, Error> {
        self.decoded(frames, lengths, |row, symbols| search.search(row, symbols))
    }

    /// What is made of `ln p_t(symbol)` of each row.
    fn decoded<T>(
        &self,
        frames: Tensor<3>,
        lengths: &Lengths,
        decode: impl Fn(&[f64], usize) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        // Without dropout, whether it is in training or not.
        let model = self.valid();
        let (log_p, lengths) = model.log_probabilities(frames.without_autodiff(), lengths)?;
        let [_, steps, symbols] = log_p.dims();
        let log_p: Vec<f64> = numbers(&log_p.to_data());
        let rows = log_p.chunks(steps * symbols).zip(lengths.as_slice());
        let decoded = rows.map(|(row, steps)| decode(&row[..steps * symbols], symbols));
        decoded
            .collect::<Result<_, _>>()
            .map_err(|error| error.within("Transcriber"))
    }

    /// `x'`, zero in padding: `[batch, steps, k features]`, and the steps of each row.
    fn stacked(&self, frames: Tensor<3>, lengths: &Lengths) -> Result<(Tensor<3>, Lengths), Error> {
        let name = "Transcriber";
        let [batch, time, features] = frames.dims();
        if batch == 0 || time == 0 || features != self.features() {
            let one = Size::AtLeast(1);
            let expected = [one, one, Size::Is(self.features())];
            let what = "frames [batch, time, features]";
            return Err(Error::shape(name, what, expected, frames.dims()));
        }
        lengths.check(name, batch, time)?;
        let mut rows = lengths.as_slice().iter();
        if let Some(row) = rows.position(|&length| length == 0) {
            let what = format!("length of row {row}");
            return Err(Error::new(name, what, "at least 1", 0));
        }
        let frames = lengths.clear_padding(frames);
        if self.stacking == 1 {
            return Ok((frames, lengths.clone()));
        }
        let steps = self.steps(time);
        let missing = steps * self.stacking - time;
        let frames = match missing {
            0 => frames,
            _ => {
                let place = (&frames.device(), frames.dtype());
                let rest = Tensor::zeros([batch, missing, features], place);
                Tensor::cat(vec![frames, rest], 1)
            }
        };
        let lengths: Vec<_> = lengths.as_slice().iter().map(|&t| self.steps(t)).collect();
        let stacked = frames.reshape([batch, steps, self.stacking * features]);
        Ok((stacked, Lengths::new(lengths)))
    }
}
