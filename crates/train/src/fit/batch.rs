//! The rows of a batch, each of which can be computed without the others: so that they can be shared out among
//! devices.

use std::ops::Range;

use backdraft_cells::Lengths;
use backdraft_models::{Inputs, Spellings, TaggerInput};
use burn::tensor::{Bool, Device, Int, Tensor};

/// A batch, or a part of one that has something of each row.
///
/// A struct whose fields are such parts implements it with [`batch!`](crate::batch).
pub trait Batch: Clone + Send + 'static {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// Some of the rows, one after another. Padding stays as it is.
    #[must_use]
    fn take_rows(&self, rows: Range<usize>) -> Self;

    /// The same values on another device. What lies on none stays as it is.
    #[must_use]
    fn to_device(self, device: &Device) -> Self;
}

/// Rows are the first dimension.
macro_rules! tensors {
    ($($kind:ty)*) => {
        $(impl<const D: usize> Batch for $kind {
            fn rows(&self) -> usize {
                self.dims()[0]
            }

            fn take_rows(&self, rows: Range<usize>) -> Self {
                self.clone().slice(rows)
            }

            fn to_device(self, device: &Device) -> Self {
                Tensor::to_device(self, device)
            }
        })*
    };
}

tensors! { Tensor<D> Tensor<D, Int> Tensor<D, Bool> }

impl Batch for Lengths {
    fn rows(&self) -> usize {
        self.as_slice().len()
    }

    fn take_rows(&self, rows: Range<usize>) -> Self {
        Self::new(&self.as_slice()[rows])
    }

    fn to_device(self, _device: &Device) -> Self {
        self
    }
}

impl Batch for Inputs {
    fn rows(&self) -> usize {
        let [rows, _] = self.dims();
        rows
    }

    fn take_rows(&self, rows: Range<usize>) -> Self {
        match self {
            Self::Symbols(symbols) => symbols.take_rows(rows).into(),
            Self::Features(features) => features.take_rows(rows).into(),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        match self {
            Self::Symbols(symbols) => symbols.to_device(device).into(),
            Self::Features(features) => features.to_device(device).into(),
        }
    }
}

impl Batch for TaggerInput {
    fn rows(&self) -> usize {
        self.words.rows()
    }

    /// The distinct words are spelled for all rows, so that the numbers of those in some rows stay.
    fn take_rows(&self, rows: Range<usize>) -> Self {
        let spelled = self.spellings.clone();
        let spellings = spelled.map(|spellings| Spellings {
            word_of: spellings.word_of.take_rows(rows.clone()),
            ..spellings
        });
        Self {
            words: self.words.take_rows(rows.clone()),
            lengths: self.lengths.take_rows(rows),
            spellings,
        }
    }

    fn to_device(self, device: &Device) -> Self {
        let spellings = self.spellings.map(|spellings| Spellings {
            word_of: spellings.word_of.to_device(device),
            characters: spellings.characters.to_device(device),
            ..spellings
        });
        Self {
            words: self.words.to_device(device),
            spellings,
            ..self
        }
    }
}

/// Implements [`Batch`](crate::Batch) for a struct, each field of which has something of each row.
///
/// ```
/// use backdraft_cells::Lengths;
/// use backdraft_train::Batch;
/// use burn::tensor::{Device, Tensor};
///
/// #[derive(Debug, Clone)]
/// struct Sequences {
///     values: Tensor<3>,
///     lengths: Lengths,
/// }
/// backdraft_train::batch!(Sequences { values, lengths });
///
/// let sequences = Sequences {
///     values: Tensor::zeros([3, 5, 2], &Device::flex()),
///     lengths: Lengths::new([5, 2, 4]),
/// };
/// let last = sequences.take_rows(1..3);
/// assert_eq!(last.values.dims(), [2, 5, 2]);
/// assert_eq!(last.lengths, Lengths::new([2, 4]));
/// ```
#[macro_export]
macro_rules! batch {
    ($name:ident { $first:ident $(, $field:ident)* $(,)? }) => {
        impl $crate::Batch for $name {
            fn rows(&self) -> usize {
                $crate::Batch::rows(&self.$first)
            }

            fn take_rows(&self, rows: ::core::ops::Range<usize>) -> Self {
                Self {
                    $first: $crate::Batch::take_rows(&self.$first, rows.clone()),
                    $($field: $crate::Batch::take_rows(&self.$field, rows.clone())),*
                }
            }

            fn to_device(self, device: &::burn::tensor::Device) -> Self {
                Self {
                    $first: $crate::Batch::to_device(self.$first, device),
                    $($field: $crate::Batch::to_device(self.$field, device)),*
                }
            }
        }
    };
}
