//! Masks: as lengths, and of rows whose padding is not at the end, which are moved to the start and back.
//!
//! ```text
//! mask      0 0 1 1 1              1 1 1 0 0       (padding at the front)
//! sequence  - - a b c      <=>     a b c - -
//! ```

use burn::tensor::{Bool, Tensor};

use crate::pick::pick;
use crate::{Error, Lengths};

/// A batch whose rows were moved so that each begins at step 0, as [`Lengths`] need it.
///
/// ```
/// use backdraft_cells::Aligned;
/// use burn::tensor::{Bool, Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// let sequence = Tensor::<3>::from_floats([[[0.0], [0.0], [7.0], [8.0]]], &device);
/// let mask = Tensor::<2, Bool>::from_data([[false, false, true, true]], &device);
///
/// let aligned = Aligned::new(sequence, mask)?;
/// assert_eq!(aligned.lengths.as_slice(), [2]);
/// // What a layer makes of `aligned.sequence` goes back to where the steps were.
/// let restored = aligned.restore(aligned.sequence.clone());
/// restored.into_data().assert_eq(&[[[0.0f32], [0.0], [7.0], [8.0]]].into(), false);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Aligned {
    /// `[batch, time, features]`, each row from step 0 on; zero in the padding.
    pub sequence: Tensor<3>,
    /// The steps of each row.
    pub lengths: Lengths,
    /// Where each row began.
    starts: Vec<usize>,
}

impl Aligned {
    /// Moves `sequence` (`[batch, time, features]`); `mask` (`[batch, time]`) is true where there is data. It is read
    /// back from the device.
    ///
    /// # Errors
    ///
    /// When the mask has another shape, or a hole: a step of padding between two of data.
    #[doc(alias = "padding_side")]
    #[doc(alias = "attention_mask")]
    pub fn new(sequence: Tensor<3>, mask: Tensor<2, Bool>) -> Result<Self, Error> {
        let [batch, time, _] = sequence.dims();
        let spans = spans(mask, [batch, time])?;
        let (starts, lengths): (Vec<usize>, Vec<usize>) = spans.into_iter().unzip();
        let lengths = Lengths::new(lengths);
        let sequence = match starts.iter().all(|&start| start == 0) {
            true => sequence,
            // Behind a row's end comes its last step, which is padding or is cleared as such.
            false => pick(sequence, time, |row, t| (t + starts[row]).min(time - 1)),
        };
        Ok(Self {
            sequence: lengths.clear_padding(sequence),
            lengths,
            starts,
        })
    }

    /// `outputs` (`[batch, time, any]`) of the moved sequence, each step where it was before; zero in the padding.
    pub fn restore(&self, outputs: Tensor<3>) -> Tensor<3> {
        let outputs = self.lengths.clear_padding(outputs);
        let time = outputs.dims()[1];
        if self.starts.iter().all(|&start| start == 0) {
            return outputs;
        }
        // Before a row's start comes what is behind its end: padding.
        pick(outputs, time, |row, t| (t + time - self.starts[row]) % time)
    }
}

impl Lengths {
    /// The lengths of rows that all begin at step 0; `mask` (`[batch, time]`) is true where there is data. It is read
    /// back from the device.
    ///
    /// # Errors
    ///
    /// When there is padding before or between data. [`Aligned`] moves rows with padding at the front.
    #[doc(alias = "attention_mask")]
    pub fn from_mask(mask: Tensor<2, Bool>) -> Result<Self, Error> {
        let dims = mask.dims();
        let spans = spans(mask, dims)?;
        if let Some((row, (start, _))) = spans.iter().enumerate().find(|(_, span)| span.0 > 0) {
            let what = format!("first step with data in row {row} of the mask");
            return Err(Error::new("Lengths", what, "0", *start));
        }
        let lengths = spans.into_iter().map(|(_, length)| length);
        Ok(Self::new(lengths.collect::<Vec<_>>()))
    }
}

/// Where the data of each row begins, and how many steps it has.
fn spans(mask: Tensor<2, Bool>, [batch, time]: [usize; 2]) -> Result<Vec<(usize, usize)>, Error> {
    if mask.dims() != [batch, time] {
        let what = "mask [batch, time]";
        return Err(Error::shape("Lengths", what, [batch, time], mask.dims()));
    }
    let mask: Vec<bool> = mask.into_data().iter::<bool>().collect();
    let rows = (0..batch).map(|row| &mask[row * time..(row + 1) * time]);
    rows.enumerate()
        .map(|(row, there)| {
            let length = there.iter().filter(|there| **there).count();
            let start = there.iter().position(|there| *there).unwrap_or(0);
            match there[start..start + length].iter().position(|there| !there) {
                Some(hole) => {
                    let what = format!("row {row} of the mask");
                    let found = format!("a hole at step {}", start + hole);
                    Err(Error::new("Lengths", what, "data without holes", found))
                }
                None => Ok((start, length)),
            }
        })
        .collect()
}
