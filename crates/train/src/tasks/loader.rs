//! Batches of examples, as burn-train's loops ask for them.

use std::sync::Arc;

use backdraft_data::{BatchSize, Buckets};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use super::gathered::Gathered;
use super::{ExampleTask, TaskSettings};
use crate::say::{counted, say};
use crate::{TrainError, Window};

/// The examples of a task in batches of similar length, as a `DataLoader` of burn-train.
///
/// A batch is one item, without a past. Batches are numbered on over the epochs: of `n` of them,
/// `slice(n, 2 n)` are those of the second epoch.
pub struct ExampleLoader<T: ExampleTask> {
    task: Arc<T>,
    examples: Arc<Vec<T::Example>>,
    buckets: Arc<Buckets<2>>,
    /// Batches of an epoch.
    an_epoch: usize,
    device: Device,
    from: usize,
    to: usize,
}

impl<T: ExampleTask> Clone for ExampleLoader<T> {
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            examples: self.examples.clone(),
            buckets: self.buckets.clone(),
            device: self.device.clone(),
            ..*self
        }
    }
}

impl<T: ExampleTask> ExampleLoader<T> {
    /// Examples, `rows` in a batch, in an order that the seed and the epoch decide.
    ///
    /// # Errors
    ///
    /// When there is no example or no row.
    pub fn new(
        task: Arc<T>,
        examples: Arc<Vec<T::Example>>,
        rows: usize,
        seed: u64,
        device: Device,
    ) -> Result<Self, TrainError> {
        let lengths = examples.iter().map(|example| task.lengths(example));
        let buckets = Buckets::new(lengths.collect(), BatchSize::Rows(rows), seed)?;
        let an_epoch = examples.len().div_ceil(rows);
        Ok(Self {
            task,
            examples,
            buckets: Arc::new(buckets),
            an_epoch,
            device,
            from: 0,
            to: an_epoch,
        })
    }

    fn window(&self, batch: &[usize], number: usize) -> Window<T::Model> {
        let rows: Vec<&T::Example> = batch.iter().map(|&row| &self.examples[row]).collect();
        let (batch, positions) = self.task.batch(&rows, &self.device);
        Window::of(self.task.numbered(batch, number), positions, true)
    }
}

impl<T: ExampleTask> DataLoader<Window<T::Model>> for ExampleLoader<T> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Window<T::Model>> + 'a> {
        Box::new(Batches {
            loader: self,
            epoch: None,
            next: self.from,
        })
    }

    fn num_items(&self) -> usize {
        self.to - self.from
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Window<T::Model>>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Window<T::Model>>> {
        let from = self.from + start;
        let to = from.max(self.from + end);
        Arc::new(Self {
            from,
            to,
            ..self.clone()
        })
    }
}

struct Batches<'a, T: ExampleTask> {
    loader: &'a ExampleLoader<T>,
    /// The batches of an epoch.
    epoch: Option<(usize, Vec<Vec<usize>>)>,
    next: usize,
}

impl<T: ExampleTask> Iterator for Batches<'_, T> {
    type Item = Result<Window<T::Model>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.loader.to {
            return None;
        }
        let an_epoch = self.loader.an_epoch;
        let number = self.next;
        let (epoch, index) = (number / an_epoch, number % an_epoch);
        self.next += 1;
        let batches = match self.epoch.take() {
            Some((of, batches)) if of == epoch => batches,
            _ => self.loader.buckets.batches(epoch),
        };
        let window = self.loader.window(&batches[index], number);
        self.epoch = Some((epoch, batches));
        Some(Ok(window))
    }
}

impl<T: ExampleTask> DataLoaderIterator<Window<T::Model>> for Batches<'_, T> {
    fn progress(&self) -> Progress {
        let done = self.next - self.loader.from;
        let total = self.loader.to - self.loader.from;
        Progress::new(done, total, Some("batches".to_string()))
    }
}

/// The examples that have a loss: an answer that was never learned has none, and counts as wrong in the figures alone.
///
/// # Errors
///
/// When there is none: why the first has none.
pub(super) fn with_loss<T: ExampleTask>(
    task: &T,
    examples: &Arc<Vec<T::Example>>,
) -> Result<Arc<Vec<T::Example>>, TrainError> {
    let reasons = examples
        .iter()
        .map(|example| task.check_learned(example).err());
    let reasons: Vec<Option<String>> = reasons.collect();
    let Some(first) = reasons.iter().flatten().next() else {
        return Ok(examples.clone());
    };
    let with_reasons = examples.iter().zip(&reasons);
    let known = with_reasons.filter(|(_, reason)| reason.is_none());
    let known: Vec<T::Example> = known.map(|(example, _)| example.clone()).collect();
    if known.is_empty() {
        return Err(TrainError::Unfit {
            what: "the held-out examples",
            expected: "one at least whose answer can be learned".to_string(),
            found: format!("none: {first}"),
        });
    }
    say(format_args!(
        "note: {} of {} have an answer that the model cannot give: they count as wrong and have no loss; {first}",
        examples.len() - known.len(),
        counted(examples.len(), "example"),
    ));
    Ok(Arc::new(known))
}

/// The batches that are learned from, and those of the held-out part.
pub(super) fn loaders<T: ExampleTask>(
    task: &Arc<T>,
    gathered: &Gathered<T>,
    settings: &TaskSettings<T::Options>,
    device: &Device,
) -> Result<[ExampleLoader<T>; 2], TrainError> {
    let (rows, seed) = (settings.training.batch, settings.training.seed);
    let learned_from = gathered.learned_from.clone();
    let held_out = with_loss(&**task, &gathered.held_out)?;
    Ok([
        ExampleLoader::new(task.clone(), learned_from, rows, seed, device.clone())?,
        ExampleLoader::new(task.clone(), held_out, rows, seed, device.clone())?,
    ])
}
