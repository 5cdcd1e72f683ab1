//! From the outputs of a language model's layers to the probabilities of the next symbol.
//!
//! ```text
//! s = U h + c                                    U: [n, H], c: [n]
//! p(w) = softmax(s)_w                            n = V: every symbol has a row of its own
//! ```
//!
//! Adaptive, for large vocabularies whose first symbols are the frequent ones: at the bounds
//! `a_1 < .. < a_k < V` the vocabulary is cut into a head, `w < a_1`, and `k` tails, of which each has
//! one row in `U`; a tail is computed in fewer features the rarer its symbols are, and in training only
//! for the targets that are in it:
//!
//! ```text
//! p(w) = softmax(s)_w                                                       w < a_1;  n = a_1 + k
//! p(w) = softmax(s)_{a_1 + i - 1} softmax(B_i A_i h)_{w - a_i}       a_i <= w < a_{i+1}
//! A_i: [H / 4^i, H],  B_i: [a_{i+1} - a_i, H / 4^i]
//! ```
//!
//! Grave, Joulin, Cisse, Grangier and Jegou 2017, "Efficient softmax approximation for GPUs",
//! arXiv 1609.04309; without biases in the tails and with the factor 4, as PyTorch's
//! `AdaptiveLogSoftmaxWithLoss`.

use backdraft_cells::Error;
use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};

use crate::linear::uniform;
use crate::log_probability::{log_probabilities, nats};

/// How many times fewer features a tail has than the one before it.
const FEWER: usize = 4;

/// The output layer of a language model.
#[derive(Module, Debug)]
pub struct Softmax {
    /// `U`; none if it is the embedding's.
    pub weight: Option<Param<Tensor<2>>>,
    /// `c`.
    pub bias: Param<Tensor<1>>,
    /// The rarer symbols; nothing where every symbol has a row in `U`.
    pub tails: Vec<Tail>,
}

/// A part of the vocabulary.
#[derive(Module, Debug)]
pub struct Tail {
    /// `A`: `[H / 4^i, H]`.
    pub down: Param<Tensor<2>>,
    /// `B`: `[symbols, H / 4^i]`.
    pub up: Param<Tensor<2>>,
}

impl Tail {
    fn len(&self) -> usize {
        self.up.dims()[0]
    }

    /// `B A h` of rows of `h`.
    fn scores(&self, features: Tensor<2>) -> Tensor<2> {
        let down = features.matmul(self.down.val().transpose());
        down.matmul(self.up.val().transpose())
    }
}

impl Softmax {
    /// With new weights: of `vocabulary` symbols, cut at `bounds`, from `hidden` features.
    pub(crate) fn new(
        vocabulary: usize,
        hidden: usize,
        bounds: &[usize],
        tied: bool,
        device: &Device,
    ) -> Result<Self, Error> {
        let name = "LanguageModel";
        let ends = [bounds, &[vocabulary]].concat();
        if bounds.first() == Some(&0) || ends.windows(2).any(|pair| pair[0] >= pair[1]) {
            let expected = format!("rising, above 0 and below {vocabulary}, the vocabulary size");
            let found = format!("{bounds:?}");
            return Err(Error::new(
                name,
                "bounds of the adaptive softmax",
                expected,
                found,
            ));
        }
        if tied && !bounds.is_empty() {
            let expected = "weights of its own: the rows of an adaptive softmax are not symbols";
            return Err(Error::new(
                name,
                "tied weights",
                expected,
                "the embedding's",
            ));
        }
        let rows = ends[0] + bounds.len();
        let weight = (!tied).then(|| uniform([rows, hidden], hidden, device));
        let bias = uniform([rows], hidden, device);
        let mut features = hidden;
        let tails = ends.windows(2).map(|pair| {
            features = (features / FEWER).max(1);
            Tail {
                down: uniform([features, hidden], hidden, device),
                up: uniform([pair[1] - pair[0], features], features, device),
            }
        });
        Ok(Self {
            weight,
            bias,
            tails: tails.collect(),
        })
    }

    /// Numbers that it learns, as [`new`](Self::new) makes it.
    pub(crate) fn num_params(
        vocabulary: usize,
        hidden: usize,
        bounds: &[usize],
        tied: bool,
    ) -> usize {
        let ends = [bounds, &[vocabulary]].concat();
        let rows = ends[0].saturating_add(bounds.len());
        let columns = if tied { 1 } else { hidden.saturating_add(1) };
        let mut features = hidden;
        let tails = ends.windows(2).map(|pair| {
            features = (features / FEWER).max(1);
            let symbols = pair[1].saturating_sub(pair[0]);
            features.saturating_mul(hidden.saturating_add(symbols))
        });
        tails.fold(rows.saturating_mul(columns), usize::saturating_add)
    }

    /// The number of symbols.
    pub(crate) fn vocabulary_size(&self) -> usize {
        self.first() + self.tails.iter().map(Tail::len).sum::<usize>()
    }

    /// Symbols that have a row of their own, `a_1`.
    fn first(&self) -> usize {
        self.bias.dims()[0] - self.tails.len()
    }

    /// `U h + c` of rows of `h`: `[positions, n]`; `embedding` is `U` if that is the same.
    fn head(&self, features: Tensor<2>, embedding: &Param<Tensor<2>>) -> Tensor<2> {
        let weight = self.weight.as_ref().unwrap_or(embedding).val();
        features.matmul(weight.transpose()) + self.bias.val().unsqueeze()
    }

    /// A score for each symbol, `ln p` but for what all of a row have in common: `[positions, V]`.
    pub(crate) fn scores(&self, features: Tensor<2>, embedding: &Param<Tensor<2>>) -> Tensor<2> {
        let head = self.head(features.clone(), embedding);
        if self.tails.is_empty() {
            return head;
        }
        let (first, log_p) = (self.first(), log_probabilities(head));
        let tails = self.tails.iter().enumerate().map(|(index, tail)| {
            let tail_itself = log_p.clone().narrow(1, first + index, 1);
            log_softmax(tail.scores(features.clone()), 1) + tail_itself
        });
        let head = log_p.clone().narrow(1, 0, first);
        Tensor::cat([head].into_iter().chain(tails).collect(), 1)
    }

    /// `-ln p` of the target of each position, and the scores of every symbol where all were computed.
    pub(crate) fn nats(
        &self,
        features: Tensor<2>,
        targets: Tensor<1, Int>,
        embedding: &Param<Tensor<2>>,
    ) -> (Tensor<1>, Option<Tensor<2>>) {
        let head = self.head(features.clone(), embedding);
        if self.tails.is_empty() {
            return (nats(head.clone(), targets), Some(head));
        }
        let device = targets.device();
        let targets = targets.into_data();
        let targets: Vec<usize> = targets
            .iter::<u32>()
            .map(|target| target as usize)
            .collect();
        let mut begins = self.first();
        // Of each target the row in `U`: its own, or that of its tail.
        let mut rows = targets.clone();
        let mut within = Vec::new();
        for (index, tail) in self.tails.iter().enumerate() {
            let ends = begins + tail.len();
            let here: Vec<usize> = (0..targets.len())
                .filter(|&position| (begins..ends).contains(&targets[position]))
                .collect();
            for &position in &here {
                rows[position] = self.first() + index;
            }
            if !here.is_empty() {
                let symbols = here.iter().map(|&position| targets[position] - begins);
                let symbols = integers(symbols, &device);
                let here = integers(here.into_iter(), &device);
                let scores = tail.scores(features.clone().select(0, here.clone()));
                within.push((here, nats(scores, symbols)));
            }
            begins = ends;
        }
        let mut all = nats(head, integers(rows.into_iter(), &device));
        for (here, more) in within {
            all = all.select_assign(0, here, more, IndexingUpdateOp::Add);
        }
        (all, None)
    }
}

fn integers(values: impl ExactSizeIterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}
