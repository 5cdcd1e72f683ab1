//! Two layers at two paces: the upper one steps only at boundaries.
//!
//! ```text
//! l_t = lower(x_t, ..)                           at each step
//! u_t = upper(l_t, ..)     at a boundary         sees what the lower layer puts out there
//! u_t = u_{t-1}            elsewhere             its last output is held; 0 before the first
//! y_t = l_t, u_t                                 side by side
//! ```
//!
//! A boundary comes with each `period`-th step, counted from the beginning of the sequence and on
//! through the runs that continue it, or where the caller says. The upper layer runs over the
//! boundaries alone, in as many steps as a row has of them.
//!
//! El Hihi and Bengio 1995, "Hierarchical recurrent neural networks for long-term dependencies";
//! of the same kind are Koutnik et al. 2014, "A clockwork RNN", arXiv 1402.3511 (fixed periods) and
//! Chung, Ahn and Bengio 2016, "Hierarchical multiscale recurrent neural networks",
//! arXiv 1609.01704 (boundaries).

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::pick::pick;
use crate::recomputed::common_cycle;
use crate::{
    Direction, Error, Layer, LayerInput, LayerOutput, Lengths, Path, SequenceConfig, Trace, state,
    stepwise,
};

/// Configuration of a [`Hierarchical`] layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HierarchicalConfig<K, J> {
    /// The layer that runs at each step.
    pub lower: K,
    /// The layer that runs at boundaries; built for what the lower one puts out. It goes one way
    /// through time.
    pub upper: J,
    /// The number of steps from one boundary to the next, if no boundaries are given.
    pub period: usize,
}

impl<K, J> HierarchicalConfig<K, J> {
    /// `upper` on `lower`, at each `period`-th step.
    pub fn new(lower: K, upper: J, period: usize) -> Self {
        Self {
            lower,
            upper,
            period,
        }
    }
}

impl<K: SequenceConfig, J: SequenceConfig> Config for HierarchicalConfig<K, J> {}

impl<K, J> SequenceConfig for HierarchicalConfig<K, J>
where
    K: SequenceConfig<Built: Layer>,
    J: SequenceConfig<Built: Layer>,
{
    type Built = Hierarchical<K::Built, J::Built>;

    fn input_size(&self) -> usize {
        self.lower.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.lower = self.lower.with_input_size(input_size);
        self
    }

    /// Gives both layers this size.
    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.lower = self.lower.with_hidden_size(hidden_size);
        self.upper = self.upper.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        let within = |name: &'static str| move |error: Error| error.within(name);
        let lower = self.lower.init(device);
        let lower = lower.map_err(within("lower of Hierarchical"))?;
        let upper = self.upper.clone().with_input_size(lower.output_size());
        let upper = upper
            .init(device)
            .map_err(within("upper of Hierarchical"))?;
        Hierarchical::new(lower, upper, self.period)
    }
}

/// The state of a [`Hierarchical`] layer.
#[derive(Debug, Clone)]
pub struct HierarchicalState<L, U> {
    /// Of the layer that runs at each step.
    pub lower: L,
    /// Of the layer that runs at boundaries.
    pub upper: U,
    /// The upper layer's last output: `[batch, output]`.
    pub held: Tensor<2>,
    /// Whole steps since the last boundary: `[batch, 1]`. No gradient goes through it.
    pub since: Tensor<2>,
}
state!(HierarchicalState<L, U> { lower, upper, held, since });

/// Two layers, the upper of which steps only at boundaries.
#[derive(Module, Debug)]
pub struct Hierarchical<L: Module, U: Module> {
    /// The layer that runs at each step.
    pub lower: L,
    /// The layer that runs at boundaries.
    pub upper: U,
    #[module(skip)]
    period: usize,
    #[module(skip)]
    direction: Direction,
}

/// Where the boundaries of a run are.
struct Boundaries {
    /// The steps of each row, in the order of time.
    steps: Vec<Vec<usize>>,
    /// Steps since the last one, at the end of the run.
    since: Vec<usize>,
}

impl<L: Layer, U: Layer> Hierarchical<L, U> {
    /// `upper` on `lower`, at each `period`-th step where no boundaries are given.
    ///
    /// # Errors
    ///
    /// When the period is 0, the upper layer does not read what the lower puts out, or goes both
    /// ways through time: there is no last output to hold.
    pub fn new(lower: L, upper: U, period: usize) -> Result<Self, Error> {
        let name = "Hierarchical";
        Error::unless_positive(name, "period", period)?;
        let (below, above) = (lower.output_size(), upper.input_size());
        if below != above {
            let layer = format!("upper of {name}: {}", upper.describe());
            let expected = format!("{below}, the output size of the lower layer");
            return Err(Error::new(layer, "input size", expected, above));
        }
        let Some(direction) = upper.direction() else {
            let expected = "one that goes one way through time";
            return Err(Error::new(name, "upper", expected, upper.describe()));
        };
        Ok(Self {
            lower,
            upper,
            period,
            direction,
        })
    }

    /// The number of steps from one boundary to the next, if no boundaries are given.
    pub fn period(&self) -> usize {
        self.period
    }

    /// [`forward`](Layer::forward) with boundaries where `boundaries` (`[batch, time]`) is true.
    /// Those in the padding do not count. They are read back from the device.
    ///
    /// # Errors
    ///
    /// As [`forward`](Layer::forward), and when there is not one value for each row and step.
    pub fn forward_at<'a>(
        &self,
        input: impl Into<LayerInput<'a, <Self as Layer>::State>>,
        boundaries: Tensor<2, Bool>,
    ) -> Result<LayerOutput<<Self as Layer>::State>, Error> {
        let input = input.into();
        let [batch, time, _] = input.inputs.dims();
        if boundaries.dims() != [batch, time] {
            let what = "boundaries [batch, time]";
            return Err(Error::shape(
                self.describe(),
                what,
                [batch, time],
                boundaries.dims(),
            ));
        }
        if !input.is_of(self)? {
            return input.without_steps(self);
        }
        let given: Vec<bool> = boundaries.into_data().iter::<bool>().collect();
        self.run(input, |row, t, _| given[row * time + t])
    }

    /// Goes through each row's valid steps; `comes` tells whether there is a boundary at a row and
    /// step, so many steps after the last one.
    fn boundaries(
        &self,
        state: &<Self as Layer>::State,
        [batch, time]: [usize; 2],
        lengths: Option<&Lengths>,
        comes: impl Fn(usize, usize, usize) -> bool,
    ) -> Boundaries {
        let since = state.since.to_data();
        let mut since: Vec<_> = since
            .iter::<f64>()
            .map(|since| since.round() as usize)
            .collect();
        let mut steps = vec![Vec::new(); batch];
        for row in 0..batch {
            let length = lengths.map_or(time, |lengths| lengths.as_slice()[row]);
            for t in self.direction.order(length) {
                since[row] += 1;
                if comes(row, t, since[row]) {
                    since[row] = 0;
                    steps[row].push(t);
                }
            }
            steps[row].sort_unstable();
        }
        Boundaries { steps, since }
    }

    /// Runs with a boundary wherever it [`comes`](Self::boundaries).
    fn run(
        &self,
        input: LayerInput<'_, <Self as Layer>::State>,
        comes: impl Fn(usize, usize, usize) -> bool,
    ) -> Result<LayerOutput<<Self as Layer>::State>, Error> {
        let LayerInput {
            inputs,
            state,
            lengths,
        } = input;
        let [batch, time, _] = inputs.dims();
        let state = stepwise::start(self, batch, state)?;
        let boundaries = self.boundaries(&state, [batch, time], lengths, comes);
        let lower = LayerInput::new(inputs)
            .with_state(state.lower)
            .with_lengths(lengths);
        let lower = self.lower.forward(lower);
        let lower = lower.map_err(|error| error.within("lower of Hierarchical"))?;

        let counts: Vec<usize> = boundaries.steps.iter().map(Vec::len).collect();
        let counts = Lengths::new(counts);
        let held = state.held.unsqueeze_dim::<3>(1);
        let (heights, upper) = match counts.max() {
            0 => (held, state.upper),
            most => {
                let step = |row: usize, index| boundaries.steps[row].get(index).copied();
                let seen = pick(lower.outputs.clone(), most, |row, index| {
                    step(row, index).unwrap_or(0)
                });
                let seen = LayerInput::new(seen)
                    .with_state(state.upper)
                    .with_lengths(&counts);
                let run = self.upper.forward(seen);
                let run = run.map_err(|error| error.within("upper of Hierarchical"))?;
                (Tensor::cat(vec![held, run.outputs], 1), run.state)
            }
        };

        // Of what was held before and then the upper layer's outputs, which one stands at a step.
        let at = |row: usize, t: usize| {
            let steps = &boundaries.steps[row];
            match self.direction {
                Direction::Forward => steps.partition_point(|&step| step <= t),
                Direction::Reverse => match steps.partition_point(|&step| step < t) {
                    after if after < steps.len() => after + 1,
                    _ => 0,
                },
            }
        };
        let end = |row: usize, _| match self.direction {
            Direction::Forward => at(row, time),
            Direction::Reverse => at(row, 0),
        };
        let held = pick(heights.clone(), 1, end).reshape([batch, self.upper.output_size()]);
        let heights = pick(heights, time, at);
        let heights = match lengths {
            Some(lengths) => lengths.clear_padding(heights),
            None => heights,
        };
        let since: Vec<f32> = boundaries.since.iter().map(|&since| since as f32).collect();
        let since = TensorData::new(since, [batch, 1]);
        Ok(LayerOutput {
            outputs: Tensor::cat(vec![lower.outputs, heights], 2),
            state: HierarchicalState {
                lower: lower.state,
                upper,
                since: Tensor::from_data(since, (&held.device(), held.dtype())),
                held,
            },
        })
    }
}

impl<L: Layer, U: Layer> Layer for Hierarchical<L, U> {
    type State = HierarchicalState<L::State, U::State>;

    fn input_size(&self) -> usize {
        self.lower.input_size()
    }

    fn output_size(&self) -> usize {
        self.lower.output_size() + self.upper.output_size()
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        let upper = self.upper.initial_state(batch);
        let tensors = crate::State::tensors(&upper);
        let first = tensors.first().expect("a layer's state has a tensor");
        let (device, dtype) = (first.device(), first.dtype());
        HierarchicalState {
            lower: self.lower.initial_state(batch),
            upper,
            held: Tensor::zeros([batch, self.upper.output_size()], (&device, dtype)),
            since: Tensor::zeros([batch, 1], (&device, dtype)),
        }
    }

    fn direction(&self) -> Option<Direction> {
        self.lower
            .direction()
            .filter(|direction| *direction == self.direction)
    }

    fn describe(&self) -> String {
        let (lower, upper) = (self.lower.describe(), self.upper.describe());
        format!(
            "Hierarchical({upper} each {} steps of {lower})",
            self.period
        )
    }

    fn unrolled(mut self) -> Self {
        self.lower = self.lower.unrolled();
        self.upper = self.upper.unrolled();
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        let of = |name: &str, paths: Vec<(String, Path)>| {
            let paths = paths.into_iter();
            let named =
                paths.map(|(layer, path)| (format!("{name} of Hierarchical: {layer}"), path));
            named.collect::<Vec<_>>()
        };
        [
            of("lower", self.lower.paths()),
            of("upper", self.upper.paths()),
        ]
        .concat()
    }

    fn cycle(&self) -> usize {
        common_cycle([self.lower.cycle(), self.period * self.upper.cycle()])
    }

    fn prepared(&self, batch: usize) -> Self {
        Self {
            lower: self.lower.prepared(batch),
            upper: self.upper.prepared(batch),
            ..self.clone()
        }
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        self.run(input, |_, _, since| since >= self.period)
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        let Some(direction) = self.direction() else {
            let expected = "layers that go one way through time, both the same";
            return Err(Error::new(self.describe(), "trace", expected, "two ways"));
        };
        stepwise::trace(self, direction, input)
    }
}
