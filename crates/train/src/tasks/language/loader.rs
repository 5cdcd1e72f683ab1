//! Windows, one after the other, as burn-train's loops ask for them.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use backdraft_data::{Cut, Span, Streams};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::{Carrying, Objective, Part, Piece, SymbolBatch, Window};

/// The windows of parallel streams in their order, as a `DataLoader` of burn-train.
///
/// A window is one item. Their order is their meaning: it is never shuffled. Windows are numbered on
/// over the epochs: of `n` windows an epoch, `slice(n, 2 n)` are those of the second, which need not
/// be cut at the same places as those of the first.
#[derive(Debug, Clone)]
pub struct StreamLoader {
    streams: Arc<Streams>,
    device: Device,
    cut: Cut,
    carrying: Carrying,
    accumulate: usize,
    recompute: bool,
    /// Windows of an epoch.
    an_epoch: usize,
    from: usize,
    to: usize,
}

impl StreamLoader {
    /// All windows of `streams`, cut by `cut`, on `device`; each continues the one before it.
    pub fn new(streams: Streams, cut: Cut, device: Device) -> Self {
        let an_epoch = cut.len(streams.steps());
        Self {
            streams: Arc::new(streams),
            device,
            cut,
            carrying: Carrying::default(),
            accumulate: 1,
            recompute: false,
            an_epoch,
            from: 0,
            to: an_epoch,
        }
    }

    /// Sets what a window continues from.
    #[must_use]
    pub fn with_carrying(self, carrying: Carrying) -> Self {
        Self { carrying, ..self }
    }

    /// Puts so many windows into one, each with a backward of its own: their gradients add up.
    ///
    /// # Panics
    ///
    /// When that is 0.
    #[must_use]
    pub fn with_accumulation(self, windows: usize) -> Self {
        assert!(windows > 0, "a step learns from a window");
        let an_epoch = self.cut.len(self.streams.steps()).div_ceil(windows);
        Self {
            accumulate: windows,
            an_epoch,
            to: an_epoch,
            ..self
        }
    }

    /// Computes what the backward pass needs of a window of T steps again, from every sqrt(T)-th state.
    #[must_use]
    pub fn with_recomputation(self, recompute: bool) -> Self {
        Self { recompute, ..self }
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        self.to - self.from
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Symbols that are learned from in the first `windows` windows, over as many epochs as that takes.
    pub fn learned(&self, windows: usize) -> usize {
        let (rows, steps) = (self.streams.batch(), self.streams.steps());
        let (epochs, rest) = (windows / self.an_epoch, windows % self.an_epoch);
        let spans = self.cut.spans(steps, epochs);
        let rest = spans.iter().take(rest * self.accumulate);
        let rest: usize = rest.map(Span::learned).sum();
        rows.saturating_mul(epochs.saturating_mul(steps).saturating_add(rest))
    }

    fn window<M: Objective<Batch = SymbolBatch>>(&self, spans: &[Span], index: usize) -> Window<M> {
        let first = index * self.accumulate;
        let after = (first + self.accumulate).min(spans.len());
        let part = |at: usize| self.part(&spans[at], spans.get(at + 1));
        let learned: usize = spans[first..after].iter().map(Span::learned).sum();
        Window {
            parts: (first..after).map(part).collect(),
            state: None,
            rate: match self.cut.is_drawn() {
                true => learned as f64 / ((after - first) * self.cut.stride()) as f64,
                false => 1.0,
            },
            timed: false,
            share: None,
        }
    }

    /// A span in as many pieces as it takes, and where in it the next one's past begins.
    fn part(&self, span: &Span, next: Option<&Span>) -> Part<SymbolBatch> {
        let Range { start, end } = span.read.clone();
        let carry_at = next.map_or(end, |next| next.read.start);
        let documents = match self.carrying {
            Carrying::Documents => self.streams.documents(start..end),
            Carrying::Always | Carrying::Never => Default::default(),
        };
        let mut cuts = vec![start, span.learn_from, carry_at, end];
        cuts.extend(documents.keys());
        if self.recompute {
            let steps = ((end - start) as f64).sqrt().ceil() as usize;
            cuts.extend((start..end).step_by(steps));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let piece = |pair: &[usize]| {
            let window = self.streams.between(pair[0]..pair[1]);
            Piece {
                batch: SymbolBatch {
                    inputs: window.inputs.to_tensor(&self.device),
                    targets: window.targets.to_tensor(&self.device),
                },
                positions: self.streams.batch() * (pair[1] - pair[0]),
                learned: pair[0] >= span.learn_from,
                begin: documents.get(&pair[0]).map(|rows| self.mask(rows)),
            }
        };
        Part {
            pieces: cuts.windows(2).map(piece).collect(),
            carry_after: cuts.partition_point(|cut| *cut < carry_at),
            fresh: start == 0 || self.carrying == Carrying::Never,
            recompute: self.recompute,
        }
    }

    fn mask(&self, rows: &[bool]) -> Tensor<2, Bool> {
        let data = TensorData::new(rows.to_vec(), [rows.len(), 1]);
        Tensor::from_data(data, &self.device)
    }
}

impl<M: Objective<Batch = SymbolBatch>> DataLoader<Window<M>> for StreamLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Window<M>> + 'a> {
        Box::new(Windows {
            loader: self,
            spans: None,
            next: self.from,
            model: PhantomData,
        })
    }

    fn num_items(&self) -> usize {
        self.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Window<M>>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Window<M>>> {
        let from = self.from + start;
        let to = from.max(self.from + end);
        Arc::new(Self {
            from,
            to,
            ..self.clone()
        })
    }
}

struct Windows<'a, M> {
    loader: &'a StreamLoader,
    /// Of an epoch.
    spans: Option<(usize, Vec<Span>)>,
    next: usize,
    model: PhantomData<M>,
}

impl<M: Objective<Batch = SymbolBatch>> Iterator for Windows<'_, M> {
    type Item = Result<Window<M>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.loader.to {
            return None;
        }
        let an_epoch = self.loader.an_epoch;
        let (epoch, index) = (self.next / an_epoch, self.next % an_epoch);
        self.next += 1;
        let spans = match self.spans.take() {
            Some((of, spans)) if of == epoch => spans,
            _ => self.loader.cut.spans(self.loader.streams.steps(), epoch),
        };
        let window = self.loader.window(&spans, index);
        self.spans = Some((epoch, spans));
        Some(Ok(window))
    }
}

impl<M: Objective<Batch = SymbolBatch>> DataLoaderIterator<Window<M>> for Windows<'_, M> {
    fn progress(&self) -> Progress {
        let done = self.next - self.loader.from;
        let total = self.loader.to - self.loader.from;
        Progress::new(done, total, Some("windows".to_string()))
    }
}
