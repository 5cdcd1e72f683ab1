//! Rows of different length as one batch.

use burn::tensor::{Device, Int, Tensor};

use crate::Symbols;

/// Rows of symbols, each followed by zeros up to the length of the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Padded {
    /// The rows and what follows them.
    pub symbols: Symbols,
    /// The symbols of each row that are there.
    pub lengths: Vec<usize>,
}

impl Padded {
    /// These rows, at least one step long even if all of them are empty.
    pub fn of<R: AsRef<[u32]>>(rows: &[R]) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut symbols = vec![0; rows.len() * time];
        for (row, padded) in rows.iter().zip(symbols.chunks_mut(time)) {
            padded[..row.as_ref().len()].copy_from_slice(row.as_ref());
        }
        Self {
            symbols: Symbols::new(symbols, [rows.len(), time]),
            lengths,
        }
    }

    /// As a tensor `[batch, time]`.
    pub fn to_tensor(&self, device: &Device) -> Tensor<2, Int> {
        self.symbols.to_tensor(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_up_to_the_longest() {
        let padded = Padded::of(&[vec![3, 4], vec![], vec![5, 6, 7]]);
        assert_eq!(padded.symbols.shape(), [3, 3]);
        let rows: Vec<&[u32]> = (0..3).map(|row| padded.symbols.row(row)).collect();
        assert_eq!(rows, [[3, 4, 0], [0, 0, 0], [5, 6, 7]]);
        assert_eq!(padded.lengths, [2, 0, 3]);
        assert_eq!(Padded::of(&[[0; 0]]).symbols.shape(), [1, 1]);
    }
}
