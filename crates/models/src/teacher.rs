//! What a decoder reads and should say at each step, when a teacher gives the symbols before.
//!
//! ```text
//! reads     <BOS>  y_1   y_2  ..  y_T
//! says      y_1    y_2   ..  y_T  <EOS>
//! ```
//!
//! A text has symbols `0 .. V`; its edge is one more, `V`: `<BOS>` where it is read, `<EOS>` where it
//! is foreseen. It is never read as an end nor foreseen as a beginning, so one symbol does for both.

use backdraft_cells::{Error, Lengths, Size};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::log_probability::smoothed_nats;

/// Targets as a decoder reads and should say them, one step longer than they are.
pub(crate) struct Teacher {
    /// `[batch, time + 1]`.
    pub inputs: Tensor<2, Int>,
    /// `[batch, time + 1]`; anything after the end.
    targets: Tensor<2, Int>,
    /// The end included.
    pub lengths: Lengths,
}

impl Teacher {
    /// Of targets `[rows, time]`, for the model of that name.
    pub fn new(
        model: &str,
        rows: usize,
        target: Tensor<2, Int>,
        lengths: &Lengths,
        edge: u32,
    ) -> Result<Self, Error> {
        let [batch, time] = target.dims();
        if batch != rows || time == 0 {
            let what = "target [batch, time], a row for each of the source";
            let expected = [Size::Is(rows), Size::AtLeast(1)];
            return Err(Error::shape(model, what, expected, target.dims()));
        }
        lengths
            .check("target", batch, time)
            .map_err(|error| error.within(model))?;
        let device = target.device();
        let target = clear(target, lengths);
        let edges = Tensor::<2, Int>::full([batch, 1], edge as i32, &device);
        let inputs = Tensor::cat(vec![edges.clone(), target.clone()], 1);

        let longer: Vec<usize> = lengths.as_slice().iter().map(|length| length + 1).collect();
        let after = lengths.mask(time + 1, &device).bool_not();
        let targets = Tensor::cat(vec![target, edges], 1).mask_fill(after, edge as i32);
        Ok(Self {
            inputs,
            targets,
            lengths: Lengths::new(longer),
        })
    }

    /// `-ln p` of each symbol that should be said, row by row, the end of each included; `scores` are
    /// those of what comes next, of what the decoder has made of `[batch, time + 1, features]`. In
    /// training, labels are smoothed.
    pub fn nats(
        &self,
        features: Tensor<3>,
        scores: impl FnOnce(Tensor<2>) -> Tensor<2>,
        label_smoothing: f64,
    ) -> Tensor<1> {
        let [batch, time, size] = features.dims();
        let places = self.places(time, &features.device());
        let features = features.reshape([batch * time, size]);
        let features = features.select(0, places.clone());
        let targets = self.targets.clone().reshape([batch * time]);
        let label_smoothing = match features.device().is_autodiff() {
            true => label_smoothing,
            false => 0.0,
        };
        smoothed_nats(scores(features), targets.select(0, places), label_smoothing)
    }

    /// Where there is something to say, row by row, in a batch of `time` steps a row laid out flat.
    fn places(&self, time: usize, device: &Device) -> Tensor<1, Int> {
        let rows = self.lengths.as_slice().iter().enumerate();
        let places = rows.flat_map(|(row, &length)| row * time..row * time + length);
        let places: Vec<i32> = places.map(|place| place as i32).collect();
        let count = places.len();
        Tensor::from_data(TensorData::new(places, [count]), device)
    }
}

/// Symbols with 0 in place of what stands in padding, which may be no symbol at all.
pub(crate) fn clear(symbols: Tensor<2, Int>, lengths: &Lengths) -> Tensor<2, Int> {
    let [_, time] = symbols.dims();
    if lengths.all_are(time) {
        return symbols;
    }
    let padding = lengths.mask(time, &symbols.device()).bool_not();
    symbols.mask_fill(padding, 0)
}
