//! A linear-chain conditional random field: a distribution over whole tag sequences.
//!
//! ```text
//! s(y)  = a_{y_1} + sum_t E_{t,y_t} + sum_{t>1} A_{y_{t-1},y_t} + b_{y_n}
//! p(y)  = exp(s(y)) / Z,     Z = sum over all y of exp(s(y))
//! ```
//!
//! `E`: the emissions, `[time, tags]`. `A`: the transitions, from a row's tag to a column's. `a`
//! and `b`: the scores of beginning and of ending with a tag. Lafferty, McCallum and Pereira 2001,
//! "Conditional random fields".

use backdraft_cells::{Error, Kernel, Lengths, Path, Size};
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{DType, Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::Constraints;
use crate::host::numbers;
use chain::Chain;

pub(crate) mod chain;
mod on_device;
mod on_host;

/// Configuration of a [`Crf`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrfConfig {
    /// The number of tags.
    pub tags: usize,
}

impl CrfConfig {
    /// A field over `tags` tags.
    pub fn new(tags: usize) -> Self {
        Self { tags }
    }

    /// Builds it with scores uniform within 0.1: hardly any sequence is preferred.
    ///
    /// # Errors
    ///
    /// When there are no tags.
    pub fn init(&self, device: &Device) -> Result<Crf, Error> {
        Error::unless_positive("Crf", "tags", self.tags)?;
        let uniform = Initializer::Uniform {
            min: -0.1,
            max: 0.1,
        };
        // Drawn here and now, in this order, so that a seed means the same field.
        let transitions = uniform.init([self.tags, self.tags], device);
        let transitions = Param::from_tensor(transitions.into_value().detach());
        let ends = || Param::from_tensor(uniform.init([self.tags], device).into_value().detach());
        Ok(Crf {
            transitions,
            start: ends(),
            end: ends(),
        })
    }
}

/// A linear-chain conditional random field.
#[derive(Module, Debug)]
pub struct Crf {
    /// `A`, from row to column: `[tags, tags]`.
    pub transitions: Param<Tensor<2>>,
    /// `a`: `[tags]`.
    pub start: Param<Tensor<1>>,
    /// `b`: `[tags]`.
    pub end: Param<Tensor<1>>,
}

impl Crf {
    /// The number of tags.
    pub fn tags(&self) -> usize {
        self.start.dims()[0]
    }

    /// `-ln p(tags)` of each row, in nats: `[batch]`. A row of length 0 has one tagging: 0 nats.
    ///
    /// On the CPU by forward and backward recursion on the host, which gives the gradient as well;
    /// elsewhere as [`log_partition`](Self::log_partition) less [`score`](Self::score).
    ///
    /// # Errors
    ///
    /// When emissions (`[batch, time, tags]`), tags (`[batch, time]`) and lengths do not fit each
    /// other. Tags must be below the number of tags, and all scores finite.
    pub fn nats(
        &self,
        emissions: Tensor<3>,
        tags: Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<Tensor<1>, Error> {
        self.check_tags(&emissions, &tags, lengths)?;
        match is_on_host(&emissions.device()) {
            true => Ok(self.scores().nats_on_host(emissions, Some(tags), lengths)),
            false => {
                let score = self.score(emissions.clone(), tags, lengths)?;
                Ok(self.log_partition(emissions, lengths)? - score)
            }
        }
    }

    /// The likeliest tags of each row (Viterbi): as many as the row is long.
    ///
    /// # Errors
    ///
    /// As [`nats`](Self::nats).
    pub fn decode(
        &self,
        emissions: Tensor<3>,
        lengths: &Lengths,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let rows = self.rows(emissions, lengths)?;
        let chain = self.scores().chain();
        Ok(rows.iter().map(|row| chain.viterbi(row)).collect())
    }

    /// The likeliest tags of each row of those that `constraints` allow.
    ///
    /// # Errors
    ///
    /// As [`nats`](Self::nats); and when the constraints are of another number of tags.
    pub fn decode_within(
        &self,
        emissions: Tensor<3>,
        lengths: &Lengths,
        constraints: &Constraints,
    ) -> Result<Vec<Vec<usize>>, Error> {
        if constraints.tags() != self.tags() {
            let found = constraints.tags();
            return Err(Error::new(
                "Crf",
                "tags of the constraints",
                self.tags(),
                found,
            ));
        }
        let rows = self.rows(emissions, lengths)?;
        let chain = constraints.within(&self.scores().chain());
        Ok(rows.iter().map(|row| chain.viterbi(row)).collect())
    }

    /// `p(y_t = j)` at each step of each row, given the whole row: `[batch][time][tags]`.
    ///
    /// # Errors
    ///
    /// As [`nats`](Self::nats).
    pub fn marginals(
        &self,
        emissions: Tensor<3>,
        lengths: &Lengths,
    ) -> Result<Vec<Vec<Vec<f64>>>, Error> {
        let tags = self.tags();
        let rows = self.rows(emissions, lengths)?;
        let chain = self.scores().chain();
        let of = |row: &Vec<f64>| {
            let steps = chain.forward_backward(row).steps;
            steps.chunks(tags).map(<[f64]>::to_vec).collect()
        };
        Ok(rows.iter().map(of).collect())
    }

    fn scores(&self) -> Scores {
        Scores {
            transitions: self.transitions.val(),
            start: self.start.val(),
            end: self.end.val(),
        }
    }

    /// The emissions of each row's valid steps, on the host.
    fn rows(&self, emissions: Tensor<3>, lengths: &Lengths) -> Result<Vec<Vec<f64>>, Error> {
        self.check(&emissions, lengths)?;
        let [_, time, tags] = emissions.dims();
        let emissions: Vec<f64> = numbers(&emissions.into_data());
        let rows = emissions.chunks(time * tags).zip(lengths.as_slice());
        Ok(rows.map(|(row, n)| row[..n * tags].to_vec()).collect())
    }

    fn check(&self, emissions: &Tensor<3>, lengths: &Lengths) -> Result<(), Error> {
        let [batch, time, tags] = emissions.dims();
        if batch == 0 || time == 0 || tags != self.tags() {
            let one = Size::AtLeast(1);
            let expected = [one, one, Size::Is(self.tags())];
            let what = "emissions [batch, time, tags]";
            return Err(Error::shape("Crf", what, expected, emissions.dims()));
        }
        lengths.check("Crf", batch, time)
    }

    fn check_tags(
        &self,
        emissions: &Tensor<3>,
        tags: &Tensor<2, Int>,
        lengths: &Lengths,
    ) -> Result<(), Error> {
        self.check(emissions, lengths)?;
        let [batch, time, _] = emissions.dims();
        if tags.dims() != [batch, time] {
            return Err(Error::shape(
                "Crf",
                "tags [batch, time]",
                [batch, time],
                tags.dims(),
            ));
        }
        Ok(())
    }
}

/// The scores of a field, whatever they are computed of.
pub(crate) struct Scores {
    /// `A`: `[tags, tags]`.
    pub transitions: Tensor<2>,
    /// `a`: `[tags]`.
    pub start: Tensor<1>,
    /// `b`: `[tags]`.
    pub end: Tensor<1>,
}

impl Scores {
    /// `ln Z` of each row (`[batch]`; 0 of a row of length 0), which autodiff goes back through.
    /// Emissions (`[batch, time, tags]`) and lengths must fit, and all scores be finite.
    pub(crate) fn log_z(&self, emissions: Tensor<3>, lengths: &Lengths) -> Tensor<1> {
        match is_on_host(&emissions.device()) {
            true => self.nats_on_host(emissions, None, lengths),
            false => self.log_z_on_device(emissions, lengths),
        }
    }

    /// The scores, on the host.
    fn chain(&self) -> Chain {
        let transitions = self.transitions.to_data().iter().collect();
        let start = self.start.to_data().iter().collect();
        let end = self.end.to_data().iter().collect();
        Chain::new(transitions, start, end)
    }
}

/// Whether the recursions run on the host, in f64.
fn is_on_host(device: &Device) -> bool {
    let path = Path::of(device, DType::F32);
    matches!(path, Path::Kernel(Kernel::Cpu { .. }))
}
