//! Windows, one after the other, as burn-train's loops ask for them.

use std::marker::PhantomData;
use std::sync::Arc;

use backdraft_data::Streams;
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use crate::{Objective, SymbolBatch, Window};

/// The windows of parallel streams in their order, as a `DataLoader` of burn-train.
///
/// A window is one item. Their order is their meaning: it is never shuffled.
#[derive(Debug, Clone)]
pub struct StreamLoader {
    streams: Arc<Streams>,
    device: Device,
    from: usize,
    to: usize,
}

impl StreamLoader {
    /// All windows of `streams`, on `device`.
    pub fn new(streams: Streams, device: Device) -> Self {
        let to = streams.len();
        Self {
            streams: Arc::new(streams),
            device,
            from: 0,
            to,
        }
    }
}

impl<M: Objective<Batch = SymbolBatch>> DataLoader<Window<M>> for StreamLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Window<M>> + 'a> {
        Box::new(Windows {
            loader: self,
            next: self.from,
            model: PhantomData,
        })
    }

    fn num_items(&self) -> usize {
        self.to - self.from
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Window<M>>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Window<M>>> {
        let from = (self.from + start).min(self.to);
        let to = (self.from + end).clamp(from, self.to);
        Arc::new(Self {
            from,
            to,
            ..self.clone()
        })
    }
}

struct Windows<'a, M> {
    loader: &'a StreamLoader,
    next: usize,
    model: PhantomData<M>,
}

impl<M: Objective<Batch = SymbolBatch>> Iterator for Windows<'_, M> {
    type Item = Result<Window<M>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.loader.to {
            return None;
        }
        let window = self.loader.streams.window(self.next);
        let first = self.next == 0;
        self.next += 1;
        let batch = SymbolBatch {
            inputs: window.inputs.to_tensor(&self.loader.device),
            targets: window.targets.to_tensor(&self.loader.device),
        };
        Some(Ok(Window {
            batch,
            first,
            state: None,
        }))
    }
}

impl<M: Objective<Batch = SymbolBatch>> DataLoaderIterator<Window<M>> for Windows<'_, M> {
    fn progress(&self) -> Progress {
        let done = self.next - self.loader.from;
        let total = self.loader.to - self.loader.from;
        Progress::new(done, total, Some("windows".to_string()))
    }
}
