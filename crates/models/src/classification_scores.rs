//! How well classes are told.
//!
//! ```text
//! n(i, j)           examples of class i that were taken for class j       the confusion matrix
//! accuracy          sum_i n(i, i) / sum_ij n(i, j)
//! precision(k)      n(k, k) / sum_i n(i, k)
//! recall(k)         n(k, k) / sum_j n(k, j)
//! F1(k)             2 precision recall / (precision + recall)
//! macro F1          the mean of F1(k) over the classes that were there or were told
//! ```
//!
//! A ratio of nothing to nothing is 0, as scikit-learn's.

use std::fmt;

use backdraft_cells::Error;

/// Counts of which class was taken for which; displayed, a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassificationScores {
    names: Vec<String>,
    counts: Vec<u64>,
}

impl ClassificationScores {
    /// Nothing counted yet, of classes of these names.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<_> = names.into_iter().map(Into::into).collect();
        let counts = vec![0; names.len() * names.len()];
        Self { names, counts }
    }

    /// Counts an example of class `right` that was taken for class `told`.
    ///
    /// # Errors
    ///
    /// When there is no such class.
    pub fn add(&mut self, right: usize, told: usize) -> Result<(), Error> {
        let classes = self.names.len();
        for (what, class) in [("right class", right), ("told class", told)] {
            if class >= classes {
                let expected = format!("below {classes}");
                return Err(Error::new("ClassificationScores", what, expected, class));
            }
        }
        self.counts[right * classes + told] += 1;
        Ok(())
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// `n(right, told)`; 0 of classes that are none.
    pub fn count(&self, right: usize, told: usize) -> u64 {
        let classes = self.names.len();
        match right < classes && told < classes {
            true => self.counts[right * classes + told],
            false => 0,
        }
    }

    /// The number of examples.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The fraction of the examples that were classified correctly.
    pub fn accuracy(&self) -> f64 {
        let right = self.classes().map(|class| self.count(class, class)).sum();
        ratio(right, self.total())
    }

    /// Of the examples that were predicted as this class, the fraction that belong to it.
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.told(class))
    }

    /// Of the examples that belong to this class, the fraction that were predicted as it.
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.count(class, class), self.there(class))
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self, class: usize) -> f64 {
        ratio(
            2 * self.count(class, class),
            self.there(class) + self.told(class),
        )
    }

    /// The mean of [`f1`](Self::f1) over the classes that occur in the data or were predicted.
    pub fn macro_f1(&self) -> f64 {
        let seen = |class: &usize| self.there(*class) + self.told(*class) > 0;
        let f1: Vec<_> = self.classes().filter(seen).map(|k| self.f1(k)).collect();
        f1.iter().sum::<f64>() / f1.len().max(1) as f64
    }

    fn classes(&self) -> std::ops::Range<usize> {
        0..self.names.len()
    }

    /// The examples of a class.
    fn there(&self, class: usize) -> u64 {
        self.classes().map(|told| self.count(class, told)).sum()
    }

    /// The examples taken for a class.
    fn told(&self, class: usize) -> u64 {
        self.classes().map(|right| self.count(right, class)).sum()
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A row for each class: its precision, recall and F1, and what its examples were taken for.
impl fmt::Display for ClassificationScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = self.names.iter().map(|name| name.chars().count());
        let first = lengths.clone().max().unwrap_or(0).max("class".len());
        let digits = self.counts.iter().map(|count| count.to_string().len());
        let widest = digits.max().unwrap_or(0);
        let widths: Vec<_> = lengths.map(|length| length.max(widest)).collect();

        write!(f, "{:first$}  precision  recall     F1 ", "class")?;
        for (name, &width) in self.names.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        for (class, name) in self.names.iter().enumerate() {
            let (precision, recall) = (self.precision(class), self.recall(class));
            let f1 = self.f1(class);
            write!(
                f,
                "\n{name:first$}  {precision:9.3}  {recall:6.3}  {f1:5.3} "
            )?;
            for (told, &width) in widths.iter().enumerate() {
                write!(f, "  {:>width$}", self.count(class, told))?;
            }
        }
        let (accuracy, macro_f1) = (self.accuracy(), self.macro_f1());
        write!(f, "\naccuracy {accuracy:.3}, macro F1 {macro_f1:.3}")
    }
}
