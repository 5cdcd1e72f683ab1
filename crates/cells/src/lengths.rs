//! How much of each row of a padded batch is there.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::{Error, ErrorKind};

/// The number of valid time steps of each row of a batch, counted from its start.
///
/// Given along with a padded batch, padding never changes a result: not the outputs at valid
/// steps, not the final states, not a gradient, not the reverse direction (which starts at each
/// row's last valid step). Outputs at padded steps are zero. What stands in the padding is never
/// read, be it NaN. A row may have length 0: its final state is its initial one.
///
/// ```
/// use backdraft_cells::Lengths;
///
/// let lengths = Lengths::new([5, 2, 3]);
/// assert_eq!(lengths.max(), 5);
/// ```
#[doc(alias = "pack_padded_sequence")]
#[doc(alias = "PackedSequence")]
#[doc(alias = "mask")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths(Vec<usize>);

impl Lengths {
    /// One length a row.
    pub fn new(lengths: impl Into<Vec<usize>>) -> Self {
        Self(lengths.into())
    }

    /// The lengths, one a row.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }

    /// The longest row; 0 without rows.
    pub fn max(&self) -> usize {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The number of valid steps in all rows together.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Whether each row has exactly `time` steps, that is, there is no padding.
    pub fn all_are(&self, time: usize) -> bool {
        self.0.iter().all(|&length| length == time)
    }

    /// The lengths in a window of `time` steps that begins at step `start`: a row that has ended has 0 steps there, and
    /// its state stands still.
    ///
    /// ```
    /// use backdraft_cells::Lengths;
    ///
    /// let lengths = Lengths::new([10, 7, 3]);
    /// assert_eq!(lengths.window(5, 5), Lengths::new([5, 2, 0]));
    /// ```
    #[must_use]
    pub fn window(&self, start: usize, time: usize) -> Self {
        let there = |length: &usize| length.saturating_sub(start).min(time);
        Self(self.0.iter().map(there).collect())
    }

    /// True where there is data: `[batch, time]`.
    #[doc(alias = "sequence_mask")]
    pub fn mask(&self, time: usize, device: &Device) -> Tensor<2, Bool> {
        let batch = self.0.len();
        let lengths: Vec<i64> = self.0.iter().map(|&length| length as i64).collect();
        let lengths = Tensor::<2, Int>::from_data(TensorData::new(lengths, [batch, 1]), device);
        let steps = Tensor::<1, Int>::arange(0..time as i64, device).unsqueeze::<2>();
        steps
            .expand([batch, time])
            .lower(lengths.expand([batch, time]))
    }

    /// `sequence` (`[batch, time, features]`) with zeros in place of what stands in the padding.
    ///
    /// The gradient there is zero in any case; but zero times NaN is NaN, and the product that
    /// gives the gradient of the weights would spread it.
    pub fn clear_padding(&self, sequence: Tensor<3>) -> Tensor<3> {
        let [_, time, _] = sequence.dims();
        if self.all_are(time) {
            return sequence;
        }
        let padding = self.mask(time, &sequence.device()).bool_not();
        let padding = padding.unsqueeze_dim::<3>(2).expand(sequence.shape());
        sequence.mask_fill(padding, 0.0)
    }

    /// Refuses lengths that do not fit a batch of `batch` rows and `time` steps.
    pub fn check(&self, layer: &str, batch: usize, time: usize) -> Result<(), Error> {
        if self.0.len() != batch {
            let what = "lengths, one for each row of the batch";
            return Err(Error::count(layer, what, batch, self.0.len()));
        }
        let mut rows = self.0.iter().enumerate();
        match rows.find(|(_, length)| **length > time) {
            Some((row, &found)) => Err(Error::of_kind(
                layer,
                ErrorKind::Length { row, time, found },
            )),
            None => Ok(()),
        }
    }
}
