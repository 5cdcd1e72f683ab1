//! A feed-forward net that sees the last inputs and nothing before: it has no memory but these.
//!
//! ```text
//! u_t = [x_{t-(N-1)d}, .., x_{t-d}, x_t]           concatenated, the oldest first: N I features
//! u_t = sum_k x_{t-kd} / n_t                       averaged, over the n_t of the N inputs that are there: I
//! u_t = sum_k x_{t-kd}                             bag: of one-hot symbols, how many there are of each: I
//!
//! h^0_t = u_t,   h^l_t = f(W^l h^{l-1}_t + b^l)    W^l, b^l uniform within 1/sqrt of the features read
//! ```
//!
//! Before a sequence begins there are zeros. Without hidden layers the net puts out `u_t`: under the
//! affine output of a [`Forecaster`](crate::Forecaster) that is an autoregression, under that of a
//! [`LanguageModel`](crate::LanguageModel) a log-linear model of the next symbol. With hidden layers the
//! latter is that of Bengio et al. 2003, "A neural probabilistic language model".
//!
//! It is a [`Layer`] like a recurrent one, whose state is the last `(N - 1) d` inputs, so it stands
//! wherever a recurrent layer may.

mod config;

use backdraft_cells::{
    Direction, Error, Layer, LayerInput, LayerOutput, Lengths, Path, Trace, stepwise,
};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Int, Tensor, TensorData};

pub use config::{Arrangement, WindowConfig};

const NAME: &str = "WindowNet";

/// A feed-forward net over the last inputs.
#[derive(Module, Debug)]
pub struct WindowNet {
    /// `W^l` and `b^l`.
    pub dense: Vec<Linear>,
    /// Where it is: it may have no weights that tell.
    place: Tensor<1>,
    #[module(skip)]
    config: WindowConfig,
    #[module(skip)]
    output_size: usize,
}

/// The last inputs of each row.
#[derive(Debug, Clone)]
pub struct WindowState {
    /// The oldest first: `[batch, (N - 1) d I]`, but `[batch, I]`, which nobody reads, where `N` is 1.
    pub inputs: Tensor<2>,
    /// 1 where an input is there, 0 where its sequence had not begun: `[batch, (N - 1) d]`.
    pub present: Tensor<2>,
}
backdraft_cells::state!(WindowState { inputs, present });

impl WindowNet {
    /// Inputs that are carried. One at least: not every backend has tensors without numbers.
    fn carried(&self) -> usize {
        ((self.config.window - 1) * self.config.dilation).max(1)
    }

    /// What each of the `time` steps sees, the oldest first, of a sequence after what is carried.
    fn seen(&self, sequence: &Tensor<3>) -> Vec<Tensor<3>> {
        let time = sequence.dims()[1] - self.carried();
        let back = (0..self.config.window).rev();
        let start = |back| self.carried() - back * self.config.dilation;
        back.map(|back| sequence.clone().narrow(1, start(back), time))
            .collect()
    }

    /// `u_t`, of inputs after those that are carried, and of which of them are there.
    fn arranged(&self, inputs: &Tensor<3>, present: &Tensor<3>) -> Tensor<3> {
        let sum = |parts: Vec<Tensor<3>>| parts.into_iter().reduce(|sum, part| sum + part);
        let seen = self.seen(inputs);
        match self.config.arrangement {
            Arrangement::Concatenated => Tensor::cat(seen, 2),
            Arrangement::Averaged => {
                let count = sum(self.seen(present)).expect("a window has an input");
                sum(seen).expect("a window has an input") / count.clamp_min(1.0)
            }
            Arrangement::Bag => sum(seen).expect("a window has an input"),
        }
    }
}

/// The last `carried` steps of each row, `carried` of which were put before it.
fn last(sequence: Tensor<3>, carried: usize, lengths: Option<&Lengths>) -> Tensor<2> {
    let [batch, steps, features] = sequence.dims();
    let last = match lengths {
        None => sequence.narrow(1, steps - carried, carried),
        Some(lengths) => {
            let starts = lengths.as_slice().iter();
            let places = starts.flat_map(|start| (0..carried).map(move |at| (start + at) as i32));
            let places = TensorData::new(places.collect::<Vec<i32>>(), [batch, carried, 1]);
            let places = Tensor::<3, Int>::from_data(places, &sequence.device());
            sequence.gather(1, places.expand([batch, carried, features]))
        }
    };
    last.reshape([batch, carried * features])
}

impl Layer for WindowNet {
    type State = WindowState;

    fn input_size(&self) -> usize {
        self.config.input_size
    }

    fn output_size(&self) -> usize {
        self.output_size
    }

    fn initial_state(&self, batch: usize) -> WindowState {
        let zeros = |width| {
            let options = (&self.place.device(), self.place.dtype());
            Tensor::zeros([batch, width], options)
        };
        WindowState {
            inputs: zeros(self.carried() * self.config.input_size),
            present: zeros(self.carried()),
        }
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Forward)
    }

    fn describe(&self) -> String {
        let WindowConfig {
            input_size, window, ..
        } = self.config;
        format!("{NAME}({window} of {input_size} -> {})", self.output_size)
    }

    /// Itself: there is no recurrence to unroll.
    fn unrolled(self) -> Self {
        self
    }

    /// None: there is no recurrence.
    fn paths(&self) -> Vec<(String, Path)> {
        Vec::new()
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, WindowState>,
    ) -> Result<LayerOutput<WindowState>, Error> {
        let lengths = input.lengths;
        let [batch, time, features] = input.inputs.dims();
        let carried = self.carried();
        let state = stepwise::start(self, batch, input.state)?;
        let input = match lengths {
            Some(lengths) => lengths.clear_padding(input.inputs),
            None => input.inputs,
        };
        let there = input.ones_like().narrow(2, 0, 1);
        let after = |before: Tensor<2>, sequence, features| {
            Tensor::cat(
                vec![before.reshape([batch, carried, features]), sequence],
                1,
            )
        };
        let inputs = after(state.inputs, input, features);
        let present = after(state.present, there, 1);

        let hidden = self.arranged(&inputs, &present);
        let mut hidden = hidden.flatten::<2>(0, 1);
        for dense in &self.dense {
            hidden = self.config.activation.apply(dense.forward(hidden));
        }
        let hidden = hidden.reshape([batch, time, self.output_size]);
        Ok(LayerOutput {
            outputs: match lengths {
                Some(lengths) => lengths.clear_padding(hidden),
                None => hidden,
            },
            state: WindowState {
                inputs: last(inputs, carried, lengths),
                present: last(present, carried, lengths),
            },
        })
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, WindowState>,
    ) -> Result<Trace<WindowState>, Error> {
        stepwise::trace(self, Direction::Forward, input)
    }
}
