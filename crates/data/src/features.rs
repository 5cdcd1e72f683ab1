//! Sequences of feature vectors, and batches of them.

use burn::tensor::{Device, Tensor, TensorData};

use crate::DataError;

/// Sequences of vectors of `features` numbers, of any lengths, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSequences {
    features: usize,
    values: Vec<f32>,
    /// Where each row begins, in steps, and where the last one ends.
    starts: Vec<usize>,
}

impl FeatureSequences {
    /// Rows of vectors of `features` numbers, each row's one after the other.
    ///
    /// # Errors
    ///
    /// When a vector would have no number, or a row ends within one.
    pub fn of_rows(
        features: usize,
        rows: impl IntoIterator<Item = Vec<f32>>,
    ) -> Result<Self, DataError> {
        let (mut values, mut lengths) = (Vec::new(), Vec::new());
        for row in rows {
            if features == 0 || row.len() % features != 0 {
                return Err(DataError::Invalid {
                    what: "the numbers of a row",
                    expected: format!("a multiple of {features}, at least 1 each"),
                    found: row.len().to_string(),
                });
            }
            lengths.push(row.len() / features);
            values.extend(row);
        }
        Ok(Self::new(features, values, &lengths))
    }

    /// `lengths` steps each of `values`, one row after the other.
    pub(crate) fn new(features: usize, values: Vec<f32>, lengths: &[usize]) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        Self {
            features,
            values,
            starts,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of a vector.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The steps of a row.
    pub fn length(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }

    /// The vectors of a row, one after the other.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[self.starts[row] * self.features..self.starts[row + 1] * self.features]
    }

    /// The [`moments`] over all steps of `rows`.
    pub fn moments(&self, rows: &[usize]) -> (Vec<f32>, Vec<f32>) {
        moments(rows.iter().map(|&row| self.row(row)), self.features)
    }

    /// The same with `(x - mean) / deviation` for each vector `x`.
    #[must_use]
    pub fn normalized(mut self, (mean, deviation): (&[f32], &[f32])) -> Self {
        for vector in self.values.chunks_mut(self.features) {
            for ((value, mean), deviation) in vector.iter_mut().zip(mean).zip(deviation) {
                *value = (*value - mean) / deviation;
            }
        }
        self
    }

    /// `rows` side by side, zeros after their ends: `[rows, time, features]`, and their lengths.
    pub fn batch(&self, rows: &[usize], device: &Device) -> (Tensor<3>, Vec<usize>) {
        let lengths: Vec<_> = rows.iter().map(|&row| self.length(row)).collect();
        let time = lengths.iter().copied().max().unwrap_or(0);
        let mut padded = Vec::with_capacity(rows.len() * time * self.features);
        for (index, &row) in rows.iter().enumerate() {
            padded.extend_from_slice(self.row(row));
            padded.resize((index + 1) * time * self.features, 0.0);
        }
        let padded = TensorData::new(padded, [rows.len(), time, self.features]);
        (Tensor::from_data(padded, device), lengths)
    }

    /// The first value that is not finite: its row, step, and what it is.
    pub(crate) fn first_not_finite(&self) -> Option<(usize, usize, f32)> {
        let at = self.values.iter().position(|value| !value.is_finite())?;
        let step = at / self.features;
        let row = self.starts.partition_point(|&start| start <= step) - 1;
        Some((row, step - self.starts[row], self.values[at]))
    }
}

/// The mean and the standard deviation of each feature over all vectors of `sequences`, each of which has
/// vectors of `features` numbers, one after the other. A deviation of 0, where a feature never changes, is
/// told as 1, so that it can be divided by.
pub fn moments<'a>(
    sequences: impl Iterator<Item = &'a [f32]> + Clone,
    features: usize,
) -> (Vec<f32>, Vec<f32>) {
    let mean_of = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        let (mut sums, mut count) = (vec![0.0; features], 0_usize);
        for vector in sequences.clone().flat_map(|row| row.chunks_exact(features)) {
            count += 1;
            for (feature, (sum, &value)) in sums.iter_mut().zip(vector).enumerate() {
                *sum += of(feature, f64::from(value));
            }
        }
        sums.iter().map(|sum| sum / count.max(1) as f64).collect()
    };
    let mean = mean_of(&|_, value| value);
    let variance = mean_of(&|feature, value| (value - mean[feature]).powi(2));
    let deviation = variance.iter().map(|&variance| match variance > 0.0 {
        true => variance.sqrt() as f32,
        false => 1.0,
    });
    let deviation = deviation.collect();
    (mean.iter().map(|&mean| mean as f32).collect(), deviation)
}
