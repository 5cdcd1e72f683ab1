//! Attention: the mean of a sequence, weighted by how well each step of it fits a query.
//!
//! ```text
//! u_tj = v . tanh(W q_t + b + U e_j)      additive      W: [A, H]   U: [A, M]   v: [A]
//! u_tj = q_t . e_j                        dot           H = M
//! u_tj = q_t . (W e_j)                    general       W: [H, M]
//!
//! a_tj = exp(u_tj) / sum_k exp(u_tk)      over the steps that the row has
//! c_t  = sum_j a_tj e_j
//! ```
//!
//! The steps `e_j` are called annotations. A row without any step has c = 0. On the CPU, in f32,
//! the additive score is one operation ([`additive_scores`]), which keeps no tensor of units.
//!
//! Additive: Bahdanau, Cho and Bengio 2014, arXiv 1409.0473. Dot and general: Luong, Pham and
//! Manning 2015, arXiv 1508.04025.

use backdraft_cells::{Error, Lengths, Size};
use backdraft_kernels::{Path, additive_path, additive_scores};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::linear::linear;

const NAME: &str = "Attention";

/// The score of what stands in padding: far below any other, and still a number in half precision.
const FAR_BELOW: f32 = -6e4;

/// A score that is further below the largest one has the weight 0 instead of one below about 1e-20, which would change
/// no number of the context. Scores of a model that has learned are far apart, and its small weights, and what they
/// are multiplied with, would be below the normal numbers, with which a processor computes many times more slowly.
const NEGLIGIBLE: f32 = 46.0;

/// The units of the additive score that are computed at once where there is no kernel: 64 MiB. Of
/// long sequences, all would be too many.
const MOST_UNITS: usize = 1 << 24;

/// How well an annotation fits a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Bahdanau's: a layer of `tanh` units sees both. The default: with it, a translator learned spellings
    /// in fewer steps.
    #[default]
    Additive,
    /// Luong's dot: the two as they are, which must have as many features.
    Dot,
    /// Luong's general: the dot product with a linear map of the annotation.
    General,
}

/// Configuration of an [`Attention`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttentionConfig {
    /// Features of a query, `H`.
    pub query_size: usize,
    /// Features of an annotation, `M`.
    pub annotation_size: usize,
    /// How well an annotation fits a query; additive by default.
    pub score: Score,
    /// The units of the additive score, `A`; as many as a query has features if not given.
    pub units: Option<usize>,
}

impl AttentionConfig {
    /// The additive score.
    pub fn new(query_size: usize, annotation_size: usize) -> Self {
        Self {
            query_size,
            annotation_size,
            score: Score::default(),
            units: None,
        }
    }

    /// Sets the score.
    #[must_use]
    pub fn with_score(mut self, score: Score) -> Self {
        self.score = score;
        self
    }

    /// Sets the units of the additive score.
    #[must_use]
    pub fn with_units(mut self, units: usize) -> Self {
        self.units = Some(units);
        self
    }

    /// Builds it with new weights, uniform within one over the square root of what they read.
    /// Drawn in the order U or W of the annotations, W of the query with b, v.
    ///
    /// # Errors
    ///
    /// When a size is 0, the sizes of a dot product differ, or units are given to a score that has
    /// none.
    pub fn init(&self, device: &Device) -> Result<Attention, Error> {
        let (query, annotation) = (self.query_size, self.annotation_size);
        Error::unless_positive(NAME, "query size", query)?;
        Error::unless_positive(NAME, "annotation size", annotation)?;
        let units = self.units.unwrap_or(query);
        Error::unless_positive(NAME, "units", units)?;
        if self.score != Score::Additive && self.units.is_some() {
            let expected = "none, as only the additive score has units";
            return Err(Error::new(NAME, "units", expected, units));
        }
        if self.score == Score::Dot && query != annotation {
            let expected = format!("{query}, the features of a query, for a dot product");
            return Err(Error::new(NAME, "annotation size", expected, annotation));
        }
        let keys = match self.score {
            Score::Additive => Some(linear(annotation, units, false, device)),
            Score::Dot => None,
            Score::General => Some(linear(annotation, query, false, device)),
        };
        let additive = (self.score == Score::Additive).then(|| Additive {
            query: linear(query, units, true, device),
            fit: linear(units, 1, false, device),
        });
        Ok(Attention {
            keys,
            additive,
            query_size: query,
            annotation_size: annotation,
        })
    }
}

/// The mean of a sequence, weighted by how well each step of it fits a query.
#[derive(Module, Debug)]
pub struct Attention {
    /// `U` of the additive score, `W` of the general one.
    pub keys: Option<Linear>,
    /// The rest of the additive score.
    pub additive: Option<Additive>,
    query_size: usize,
    annotation_size: usize,
}

/// What the additive score has beside `U`.
#[derive(Module, Debug)]
pub struct Additive {
    /// `W` and `b`.
    pub query: Linear,
    /// `v`.
    pub fit: Linear,
}

/// A sequence that is attended to, with all that can be computed of it before there is a query.
#[derive(Debug, Clone)]
pub struct Annotations {
    /// `e`, zero in padding: `[batch, steps, M]`.
    values: Tensor<3>,
    /// `U e` or `W e`.
    keys: Tensor<3>,
    /// True in padding, `[batch, 1, steps]`; `None` where nothing is padding.
    padding: Option<Tensor<3, Bool>>,
}

impl Annotations {
    /// The number of rows.
    pub fn batch(&self) -> usize {
        self.values.dims()[0]
    }

    /// Those of some rows, in this order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let rows = TensorData::new(rows.clone(), [rows.len()]);
        let rows = Tensor::<1, Int>::from_data(rows, &self.values.device());
        let padding = self.padding.clone();
        Self {
            values: self.values.clone().select(0, rows.clone()),
            keys: self.keys.clone().select(0, rows.clone()),
            padding: padding.map(|padding| padding.select(0, rows)),
        }
    }
}

/// What an [`Attention`] saw.
#[derive(Debug, Clone)]
pub struct Attended {
    /// `c`: `[batch, queries, M]`.
    pub context: Tensor<3>,
    /// `a`, zero in padding: `[batch, queries, steps]`.
    pub weights: Tensor<3>,
}

impl Attention {
    /// Takes a sequence (`[batch, steps, M]`) to be attended to. What stands in its padding is never
    /// read.
    ///
    /// # Errors
    ///
    /// When the sequence or the lengths do not fit.
    pub fn annotations(
        &self,
        sequence: Tensor<3>,
        lengths: Option<&Lengths>,
    ) -> Result<Annotations, Error> {
        let [batch, steps, features] = sequence.dims();
        if batch == 0 || steps == 0 || features != self.annotation_size {
            let one = Size::AtLeast(1);
            let expected = [one, one, Size::Is(self.annotation_size)];
            let what = "annotations [batch, steps, features]";
            return Err(Error::shape(NAME, what, expected, sequence.dims()));
        }
        let (mut values, mut padding) = (sequence, None);
        if let Some(lengths) = lengths {
            lengths.check(NAME, batch, steps)?;
            if !lengths.all_are(steps) {
                values = lengths.clear_padding(values);
                let mask = lengths.mask(steps, &values.device()).bool_not();
                padding = Some(mask.unsqueeze_dim(1));
            }
        }
        let keys = match &self.keys {
            Some(keys) => keys.forward(values.clone()),
            None => values.clone(),
        };
        Ok(Annotations {
            values,
            keys,
            padding,
        })
    }

    /// What each query (`[batch, queries, H]`) sees in the annotations of its row.
    ///
    /// # Errors
    ///
    /// When the queries do not fit.
    pub fn forward(
        &self,
        queries: Tensor<3>,
        annotations: &Annotations,
    ) -> Result<Attended, Error> {
        let [batch, count, features] = queries.dims();
        if batch != annotations.batch() || features != self.query_size {
            let [rows, size] = [annotations.batch(), self.query_size].map(Size::Is);
            let what = "queries [batch, queries, features]";
            return Err(Error::shape(
                NAME,
                what,
                [rows, Size::Any, size],
                queries.dims(),
            ));
        }
        let [_, steps, _] = annotations.keys.dims();
        let scores = self.scores(queries, annotations.keys.clone());
        let weights = match &annotations.padding {
            Some(padding) => {
                let padding = padding.clone().expand([batch, count, steps]);
                let scores = scores.mask_fill(padding.clone(), FAR_BELOW);
                // A row that is all padding has no weight at all.
                softmax(without_negligible(scores), 2).mask_fill(padding, 0.0)
            }
            None => softmax(without_negligible(scores), 2),
        };
        Ok(Attended {
            context: weights.clone().matmul(annotations.values.clone()),
            weights,
        })
    }

    /// `u`: `[batch, queries, steps]`.
    fn scores(&self, queries: Tensor<3>, keys: Tensor<3>) -> Tensor<3> {
        let Some(additive) = &self.additive else {
            return queries.matmul(keys.swap_dims(1, 2));
        };
        let queries = additive.query.forward(queries);
        match additive_path(&queries.device(), queries.dtype()) {
            Path::Kernel(_) => {
                let fit = additive.fit.weight.val().flatten(0, 1);
                additive_scores(queries, keys, fit)
            }
            Path::Unrolled(_) => additive.plain_scores(queries, keys),
        }
    }
}

/// Scores of which those that would have a negligible weight have none.
fn without_negligible(scores: Tensor<3>) -> Tensor<3> {
    let least = scores.clone().detach().max_dim(2) - NEGLIGIBLE;
    let negligible = scores.clone().lower(least.expand(scores.shape()));
    scores.mask_fill(negligible, FAR_BELOW)
}

impl Additive {
    /// The scores of projected queries, by tensor operations: where there is no kernel.
    fn plain_scores(&self, queries: Tensor<3>, keys: Tensor<3>) -> Tensor<3> {
        let queries = queries.unsqueeze_dim::<4>(2);
        let keys = keys.unsqueeze_dim::<4>(1);
        let [batch, count, _, units] = queries.dims();
        let [_, _, steps, _] = keys.dims();
        let fit = |queries: Tensor<4>| {
            let units = (queries + keys.clone()).tanh();
            self.fit.forward(units).squeeze_dim::<3>(3)
        };
        let at_once = (MOST_UNITS / (batch * steps * units)).max(1);
        if count <= at_once {
            return fit(queries);
        }
        let some = queries.split(at_once, 1).into_iter().map(fit);
        Tensor::cat(some.collect(), 1)
    }
}
