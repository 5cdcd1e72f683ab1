//! Dropout inside a recurrence, where a mask that changed at each step would erase what is
//! remembered.
//!
//! ```text
//! drop connect:    (M . R) h_{t-1}                M: as R, one a run
//! recurrent:       R (m . h_{t-1})                m: [batch, H], one a run
//! candidate:       c_t = f c_{t-1} + i (m_t . g)  m_t: [batch, H], one a step or one a run
//!
//! each number of a mask: 0 with probability p, else 1 / (1 - p)
//! ```
//!
//! Masks are drawn from the device's random numbers once a run, in training only: on a device
//! that records gradients, unless the module is frozen. Under truncated backpropagation a run is
//! a window.
//!
//! Drop connect: Wan et al. 2013, "Regularization of neural networks using DropConnect"; on
//! recurrent weights, Merity, Keskar and Socher 2017, arXiv 1708.02182. Recurrent, there called
//! variational: Gal and Ghahramani 2016, arXiv 1512.05287. Candidate: Semeniuta, Severyn and Barth
//! 2016, "Recurrent dropout without memory loss", arXiv 1603.05118.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::dropout::is_active;
use crate::{Error, GatesConfig};

/// How long a mask on the candidate stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskSpan {
    /// A new one for each step.
    #[default]
    Step,
    /// The same for the whole run.
    LayerOutput,
}

/// A kind of dropout inside a recurrence. A cell may support all of these kinds, some of them or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regularizer {
    /// On `R`: for cells that hand their gates out by [`Gates::prepared`](crate::Gates::prepared).
    DropConnect,
    /// On `h_{t-1}`: for cells written in [`Gates::project`](crate::Gates::project) and
    /// [`Gates::recurrent`](crate::Gates::recurrent).
    RecurrentDropout,
    /// On what is about to be remembered: for cells that use
    /// [`Gates::candidate`](crate::Gates::candidate).
    CandidateDropout,
}

impl Regularizer {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::DropConnect,
        Self::RecurrentDropout,
        Self::CandidateDropout,
    ];

    /// Those of a cell without a candidate apart from what it shows.
    pub(crate) const OF_SUMS: [Self; 2] = [Self::DropConnect, Self::RecurrentDropout];

    fn name(self) -> &'static str {
        match self {
            Self::DropConnect => "drop connect",
            Self::RecurrentDropout => "recurrent dropout",
            Self::CandidateDropout => "candidate dropout",
        }
    }
}

/// The dropout inside a recurrence.
#[doc(alias = "WeightDrop")]
#[doc(alias = "recurrent_dropout")]
#[derive(Module, Debug)]
pub struct GateDropout {
    /// Of the recurrent weights.
    pub weights: Dropout,
    /// Of `h_{t-1}`, in the recurrent product.
    pub hidden: Dropout,
    /// Of the candidate.
    pub candidate: Dropout,
    #[module(skip)]
    candidate_span: MaskSpan,
    #[module(skip)]
    units: usize,
    /// The masks of a run that has begun, `[1, batch, ..]`: on `h_{t-1}` and on the candidate; none of a mask that is
    /// not drawn once a run.
    #[module(skip)]
    drawn: [Option<Tensor<3>>; 2],
}

impl GateDropout {
    /// What `config` asks for, in a cell of `units` units a gate that has a place for `takes`.
    pub(crate) fn new(
        config: &GatesConfig,
        cell: &str,
        takes: &[Regularizer],
        units: usize,
    ) -> Result<Self, Error> {
        let dropout = |regularizer: Regularizer, probability: f64| {
            let what = regularizer.name();
            if !(0.0..1.0).contains(&probability) {
                let expected = "at least 0 and below 1";
                return Err(Error::new(cell, what, expected, probability));
            }
            if probability > 0.0 && !takes.contains(&regularizer) {
                let expected = "0, since this cell has no place for it";
                return Err(Error::new(cell, what, expected, probability));
            }
            Ok(DropoutConfig::new(probability).init())
        };
        if config.candidate_span == MaskSpan::LayerOutput && config.candidate_dropout == 0.0 {
            let (what, expected) = ("span of a candidate's mask", "a candidate dropout above 0");
            return Err(Error::new(cell, what, expected, 0));
        }
        Ok(Self {
            weights: dropout(Regularizer::DropConnect, config.drop_connect)?,
            hidden: dropout(Regularizer::RecurrentDropout, config.recurrent_dropout)?,
            candidate: dropout(Regularizer::CandidateDropout, config.candidate_dropout)?,
            candidate_span: config.candidate_span,
            units,
            drawn: [None, None],
        })
    }

    /// That nothing is dropped.
    pub(crate) fn nothing() -> Self {
        let dropout = || DropoutConfig::new(0.0).init();
        Self {
            weights: dropout(),
            hidden: dropout(),
            candidate: dropout(),
            candidate_span: MaskSpan::Step,
            units: 0,
            drawn: [None, None],
        }
    }

    /// Whether a run on `device` has a mask on `h_{t-1}`, and one on the candidate.
    pub(crate) fn masks(&self, device: &Device) -> [bool; 2] {
        [&self.hidden, &self.candidate].map(|dropout| is_active(dropout, device))
    }

    /// The same dropout for one run of `batch` rows: the masks that stay for a whole run are drawn, `hidden` being the
    /// features that are looked back at.
    #[must_use]
    pub(crate) fn prepared(
        &self,
        batch: usize,
        hidden: usize,
        (device, dtype): (&Device, DType),
    ) -> Self {
        let draw = |(dropout, span, width): (&Dropout, MaskSpan, usize)| {
            let once = span == MaskSpan::LayerOutput && is_active(dropout, device);
            once.then(|| mask(dropout, [1, batch, width], (device, dtype)))
        };
        let drawn = self.spans(hidden).map(draw);
        Self {
            drawn,
            ..self.clone()
        }
    }

    /// The masks of one run, `[time, batch, ..]`, `hidden` being the features that are looked back
    /// at: those that [`masks`](Self::masks) says.
    pub(crate) fn draw(&self, like: &Tensor<3>, hidden: usize) -> Vec<Tensor<3>> {
        let [time, batch, _] = like.dims();
        let device = like.device();
        let spans = self.spans(hidden).into_iter().zip(&self.drawn);
        let masks = spans.zip(self.masks(&device));
        masks
            .filter(|(_, active)| *active)
            .map(|(((dropout, span, width), drawn), _)| {
                let steps = match span {
                    MaskSpan::Step => time,
                    MaskSpan::LayerOutput => 1,
                };
                let drawn = drawn.clone();
                let drawn = drawn.unwrap_or_else(|| {
                    mask(dropout, [steps, batch, width], (&device, like.dtype()))
                });
                drawn.expand([time, batch, width])
            })
            .collect()
    }

    /// What draws each mask, how long the mask stays, and its width.
    fn spans(&self, hidden: usize) -> [(&Dropout, MaskSpan, usize); 2] {
        [
            (&self.hidden, MaskSpan::LayerOutput, hidden),
            (&self.candidate, self.candidate_span, self.units),
        ]
    }
}

fn mask(dropout: &Dropout, shape: [usize; 3], place: (&Device, DType)) -> Tensor<3> {
    dropout.forward(Tensor::ones(shape, place))
}
