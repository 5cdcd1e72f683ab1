//! An LSTM over frames, whose products are convolutions.
//!
//! ```text
//! i   = sigmoid(W_xi * X_t + W_hi * H_{t-1} + W_ci o C_{t-1} + b_i)
//! f   = sigmoid(W_xf * X_t + W_hf * H_{t-1} + W_cf o C_{t-1} + b_f)
//! C_t = f o C_{t-1} + i o tanh(W_xg * X_t + W_hg * H_{t-1} + b_g)
//! o   = sigmoid(W_xo * X_t + W_ho * H_{t-1} + W_co o C_t + b_o)
//! H_t = o o tanh(C_t)
//! ```
//!
//! `*` is a convolution that keeps the size of the frame, `o` goes element by element. A frame
//! `[channels, height, width]` lies flat in the features of a step, so that directions, depth,
//! padding in time and truncation are those of every cell.
//!
//! Shi et al. 2015, "Convolutional LSTM network: a machine learning approach for precipitation
//! nowcasting", arXiv 1506.04214.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::{Cell, CellBase, Error, LstmState, Path, Projected, SequenceConfig};

config! {
    /// Configuration of a [`ConvLstm`] cell. Convolutions start as PyTorch's do, peepholes at 0.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 60], &device);
    /// let layer = RecurrentConfig::new(ConvLstmConfig::new(3 * 4 * 5, 6 * 4 * 5, [4, 5])).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 60] to [3, 20, 120]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 120]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ConvLstmConfig {
        /// Features of the input: channels times height times width.
        pub input_size: usize,
        /// Features of the output: channels times height times width.
        pub hidden_size: usize,
        /// Height and width of a frame.
        pub frame: [usize; 2],
        /// Height and width of the kernels, both odd.
        pub kernel_size: [usize; 2] = [3, 3],
        /// Whether there is a bias for each gate and channel.
        pub bias: bool = true,
        /// Whether the gates look at the memory, as in the paper: `W_ci`, `W_cf`, `W_co`.
        pub peepholes: bool = true,
    }
}

impl SequenceConfig for ConvLstmConfig {
    type Built = ConvLstm;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<ConvLstm, Error> {
        let input = self.channels("input size", self.input_size)?;
        let hidden = self.channels("hidden size", self.hidden_size)?;
        if self.kernel_size.iter().any(|size| size % 2 == 0) {
            let found = format!("{:?}", self.kernel_size);
            return Err(Error::new(
                "ConvLstm",
                "kernel size",
                "two odd numbers",
                found,
            ));
        }
        let convolution = |channels: usize, bias: bool| {
            let convolution = Conv2dConfig::new([channels, 4 * hidden], self.kernel_size)
                .with_padding(PaddingConfig2d::Same)
                .with_bias(bias)
                .init(device);
            // Drawn here and now, so that a seed gives the same weights.
            convolution.weight.val();
            convolution.bias.as_ref().map(Param::val);
            convolution
        };
        let peephole = || Param::from_tensor(Tensor::zeros([self.hidden_size], device));
        Ok(ConvLstm {
            input: convolution(input, self.bias),
            recurrent: convolution(hidden, false),
            peepholes: self.peepholes.then(|| Peepholes {
                input: peephole(),
                forget: peephole(),
                output: peephole(),
            }),
            frame: self.frame,
        })
    }
}

impl ConvLstmConfig {
    /// How many channels a number of features is.
    fn channels(&self, what: &str, size: usize) -> Result<usize, Error> {
        let [height, width] = self.frame;
        Error::unless_positive("ConvLstm", "height of the frame", height)?;
        Error::unless_positive("ConvLstm", "width of the frame", width)?;
        Error::unless_positive("ConvLstm", what, size)?;
        if !size.is_multiple_of(height * width) {
            let expected = format!("a multiple of {}, {height} x {width}", height * width);
            return Err(Error::new("ConvLstm", what, expected, size));
        }
        Ok(size / (height * width))
    }
}

/// What the gates see of the memory, element by element; each `[hidden]`.
#[derive(Module, Debug)]
pub struct Peepholes {
    /// `W_ci`.
    pub input: Param<Tensor<1>>,
    /// `W_cf`.
    pub forget: Param<Tensor<1>>,
    /// `W_co`.
    pub output: Param<Tensor<1>>,
}

/// The cell of [`ConvLstmConfig`]. Its convolutions put out the gates' channels in the order i, f,
/// g, o.
#[doc(alias = "ConvLSTM2D")]
#[derive(Module, Debug)]
pub struct ConvLstm {
    /// Of the frames that come in, with the biases.
    pub input: Conv2d,
    /// Of the hidden state.
    pub recurrent: Conv2d,
    /// What the gates see of the memory.
    pub peepholes: Option<Peepholes>,
    #[module(skip)]
    frame: [usize; 2],
}

impl ConvLstm {
    fn area(&self) -> usize {
        self.frame[0] * self.frame[1]
    }

    /// A convolution of flat frames, flat again.
    fn convolve(&self, convolution: &Conv2d, frames: Tensor<2>) -> Tensor<2> {
        let [count, features] = frames.dims();
        let [height, width] = self.frame;
        let frames = frames.reshape([count, features / self.area(), height, width]);
        convolution.forward(frames).flatten(1, 3)
    }
}

impl CellBase for ConvLstm {
    type State = LstmState;

    fn input_size(&self) -> usize {
        self.input.weight.dims()[1] * self.area()
    }

    fn output_size(&self) -> usize {
        self.recurrent.weight.dims()[1] * self.area()
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        let [time, batch, features] = input.dims();
        let frames = input.reshape([time * batch, features]);
        let gates = self.convolve(&self.input, frames);
        gates.reshape([time, batch, 4 * self.output_size()]).into()
    }

    fn initial_state(&self, batch: usize) -> LstmState {
        let weight = self.recurrent.weight.val();
        let shape = [batch, self.output_size()];
        let zeros = Tensor::zeros(shape, (&weight.device(), weight.dtype()));
        LstmState {
            hidden: zeros.clone(),
            cell: zeros,
        }
    }
}

impl Cell for ConvLstm {
    fn step(&self, projected: Projected<2>, state: LstmState) -> LstmState {
        let gates = projected.values + self.convolve(&self.recurrent, state.hidden);
        let [i, f, g, o]: [Tensor<2>; 4] = gates
            .chunk(4, 1)
            .try_into()
            .expect("the convolutions put out four gates");
        let see =
            |gate: Tensor<2>, peephole: Option<&Param<Tensor<1>>>, cell: &Tensor<2>| match peephole
            {
                Some(weight) => gate + weight.val().unsqueeze() * cell.clone(),
                None => gate,
            };
        let peepholes = self.peepholes.as_ref();
        let i = see(i, peepholes.map(|see| &see.input), &state.cell);
        let f = see(f, peepholes.map(|see| &see.forget), &state.cell);
        let cell = sigmoid(f) * state.cell + sigmoid(i) * g.tanh();
        let o = see(o, peepholes.map(|see| &see.output), &cell);
        let hidden = sigmoid(o) * cell.clone().tanh();
        LstmState { hidden, cell }
    }

    fn output(&self, state: &LstmState) -> Tensor<2> {
        state.hidden.clone()
    }

    fn path(&self) -> Path {
        Path::Unrolled("the recurrence is a convolution, which no kernel computes".into())
    }
}
