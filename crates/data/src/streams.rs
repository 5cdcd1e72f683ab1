//! Parallel streams over one long text, in windows, for truncated backpropagation through time.
//!
//! The text is cut into `batch` streams of equal length, side by side; a window is `unroll`
//! steps of each, and begins where the one before it ended:
//!
//! ```text
//! stream 0:  s_0       .. s_{L-1}           window 0   window 1   window 2
//! stream 1:  s_L       .. s_{2L-1}         [----------|----------|-----   ]
//! ..
//! ```
//!
//! The target of each step is the symbol after it. The last window may be shorter; of the text,
//! only the remainder that does not fill one more step of every stream is left out.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::DataError;

/// `batch` rows of `time` symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbols {
    symbols: Vec<u32>,
    shape: [usize; 2],
}

impl Symbols {
    /// Rows that follow each other.
    pub(crate) fn new(symbols: Vec<u32>, shape: [usize; 2]) -> Self {
        debug_assert_eq!(symbols.len(), shape[0] * shape[1]);
        Self { symbols, shape }
    }

    /// `[batch, time]`.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// The symbols of one row.
    pub fn row(&self, row: usize) -> &[u32] {
        let [_, time] = self.shape;
        &self.symbols[row * time..(row + 1) * time]
    }

    /// As a tensor `[batch, time]`.
    pub fn to_tensor(&self, device: &Device) -> Tensor<2, Int> {
        let symbols: Vec<i32> = self.symbols.iter().map(|&symbol| symbol as i32).collect();
        Tensor::from_data(TensorData::new(symbols, self.shape), device)
    }
}

/// Some steps of every stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamWindow {
    /// What the model reads.
    pub inputs: Symbols,
    /// What comes next after each: the inputs, one step later.
    pub targets: Symbols,
    /// Whether the streams begin here; otherwise this window continues the one before it.
    pub first: bool,
}

/// A text as parallel streams.
#[derive(Debug, Clone)]
pub struct Streams {
    symbols: Vec<u32>,
    batch: usize,
    unroll: usize,
    /// Steps of each stream.
    steps: usize,
    /// Where documents begin, in symbols; in order.
    documents: Vec<usize>,
}

impl Streams {
    /// `batch` streams over `symbols`, in windows of `unroll` steps.
    ///
    /// # Errors
    ///
    /// When `batch` or `unroll` is 0, or the text is shorter than one window of each stream.
    pub fn new(symbols: &[u32], batch: usize, unroll: usize) -> Result<Self, DataError> {
        for (what, size) in [("the batch size", batch), ("the unroll length", unroll)] {
            if size == 0 {
                return Err(DataError::Invalid {
                    what,
                    expected: "at least 1".to_string(),
                    found: size.to_string(),
                });
            }
        }
        let needed = batch.saturating_mul(unroll).saturating_add(1);
        if symbols.len() < needed {
            return Err(DataError::TooShort {
                batch,
                unroll,
                needed,
                found: symbols.len(),
            });
        }
        let steps = (symbols.len() - 1) / batch;
        Ok(Self {
            symbols: symbols[..=steps * batch].to_vec(),
            batch,
            unroll,
            steps,
            documents: Vec::new(),
        })
    }

    /// As [`new`](Self::new) with as many of the `batch` streams as the text is long enough for,
    /// and one short window if it is not long enough for one stream: for held-out texts, which
    /// may be short and must be read whole.
    ///
    /// # Errors
    ///
    /// When `batch` or `unroll` is 0, or there are not two symbols.
    pub fn at_most(symbols: &[u32], batch: usize, unroll: usize) -> Result<Self, DataError> {
        let steps = symbols.len().saturating_sub(1);
        let batch = batch.min((steps / unroll.max(1)).max(1));
        Self::new(symbols, batch, unroll.min(steps.max(1)))
    }

    /// Marks where documents begin, in symbols of the text and in their order.
    #[must_use]
    pub fn with_documents(self, documents: Vec<usize>) -> Self {
        Self { documents, ..self }
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        self.steps.div_ceil(self.unroll)
    }

    /// Whether there is no window; never, as there is at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of streams.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Steps of each stream.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The number of symbols that are predicted in all windows together.
    pub fn predicted(&self) -> usize {
        self.steps * self.batch
    }

    /// One window.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`len`](Self::len).
    pub fn window(&self, index: usize) -> StreamWindow {
        assert!(index < self.len(), "window {index} of {}", self.len());
        let from = index * self.unroll;
        self.between(from..self.steps.min(from + self.unroll))
    }

    /// Some steps of each stream.
    ///
    /// # Panics
    ///
    /// When there are fewer [`steps`](Self::steps).
    pub fn between(&self, steps: Range<usize>) -> StreamWindow {
        assert!(steps.end <= self.steps, "steps {steps:?} of {}", self.steps);
        let time = steps.len();
        let rows = |shift: usize| {
            let row = |row: usize| {
                let start = row * self.steps + steps.start + shift;
                &self.symbols[start..start + time]
            };
            let symbols = (0..self.batch).flat_map(row).copied().collect();
            Symbols {
                symbols,
                shape: [self.batch, time],
            }
        };
        StreamWindow {
            inputs: rows(0),
            targets: rows(1),
            first: steps.start == 0,
        }
    }

    /// The steps among these at which documents begin, and in which rows.
    pub fn documents(&self, steps: Range<usize>) -> BTreeMap<usize, Vec<bool>> {
        let mut begin = BTreeMap::new();
        for row in 0..self.batch {
            let offset = row * self.steps;
            let first = self
                .documents
                .partition_point(|at| *at < offset + steps.start);
            for at in self.documents[first..]
                .iter()
                .take_while(|at| **at < offset + steps.end)
            {
                let rows = begin
                    .entry(at - offset)
                    .or_insert_with(|| vec![false; self.batch]);
                rows[row] = true;
            }
        }
        begin
    }

    /// All windows in their order.
    pub fn windows(&self) -> impl ExactSizeIterator<Item = StreamWindow> + '_ {
        (0..self.len()).map(|index| self.window(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_continue_each_other_and_cover_the_text() {
        for (length, batch, unroll) in [(29, 3, 4), (13, 1, 4), (2, 1, 1), (100, 7, 9)] {
            let symbols: Vec<u32> = (0..length).collect();
            let streams = Streams::new(&symbols, batch, unroll).unwrap();
            let mut read = vec![Vec::new(); batch];
            let mut last: Option<StreamWindow> = None;
            for window in streams.windows() {
                assert_eq!(window.first, last.is_none());
                for (row, read) in read.iter_mut().enumerate() {
                    let (inputs, targets) = (window.inputs.row(row), window.targets.row(row));
                    assert!(
                        inputs
                            .iter()
                            .zip(targets)
                            .all(|(input, target)| input + 1 == *target)
                    );
                    if let Some(last) = &last {
                        assert_eq!(last.targets.row(row).last(), inputs.first());
                    }
                    read.extend_from_slice(inputs);
                }
                last = Some(window);
            }
            let read: Vec<u32> = read.concat();
            assert_eq!(read.len(), streams.predicted());
            assert!(
                symbols.len() - 1 - read.len() < batch,
                "more left out than needed"
            );
            assert!(
                read.iter()
                    .enumerate()
                    .all(|(index, symbol)| index == *symbol as usize)
            );
        }
    }

    #[test]
    fn documents_begin_in_their_rows() {
        let streams = Streams::new(&[0; 31], 3, 4)
            .unwrap()
            .with_documents(vec![2, 5, 10, 12, 25, 30]);
        let found = streams.documents(0..6);
        let expected = [
            (0, vec![false, true, false]),
            (2, vec![true, true, false]),
            (5, vec![true, false, true]),
        ];
        assert_eq!(found, BTreeMap::from(expected));
        assert!(streams.documents(6..10).is_empty());
    }

    #[test]
    fn a_text_shorter_than_a_window_is_refused() {
        let error = Streams::new(&[0; 40], 8, 5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the text is too short: for 8 streams of one window of 5 steps each, expected at least 41 \
             symbols, found 40; use a smaller batch, a shorter unroll or more text"
        );
        let error = Streams::at_most(&[0], 8, 5).unwrap_err().to_string();
        assert_eq!(
            error,
            "the text is too short: expected at least 2 symbols, found 1; use more text"
        );
        assert!(Streams::new(&[0; 41], 8, 5).is_ok());
        assert!(Streams::new(&[0; 41], 0, 5).is_err());
        assert!(Streams::new(&[0; 41], 5, 0).is_err());
    }

    #[test]
    fn a_short_held_out_text_gets_fewer_streams() {
        let streams = Streams::at_most(&[0; 40], 8, 5).unwrap();
        assert_eq!((streams.batch(), streams.predicted()), (7, 35));
        let streams = Streams::at_most(&[0; 3], 8, 5).unwrap();
        assert_eq!(
            (streams.batch(), streams.predicted(), streams.len()),
            (1, 2, 1)
        );
        assert!(Streams::at_most(&[0; 1], 8, 5).is_err());
    }

    #[test]
    fn tensors_hold_the_same_symbols() {
        let streams = Streams::new(&[5, 6, 7, 8, 9], 2, 2).unwrap();
        let inputs = streams.window(0).inputs.to_tensor(&Device::default());
        assert_eq!(inputs.dims(), [2, 2]);
        assert_eq!(
            inputs.to_data().iter::<i64>().collect::<Vec<_>>(),
            [5, 6, 7, 8]
        );
    }
}
