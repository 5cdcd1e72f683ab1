//! Elman's and Jordan's networks in one: what recurs is the hidden units and the output.
//!
//! ```text
//! h_t = phi(W x_t + b_W + R h_{t-1} + Q o_{t-1} + b_R)
//! o_t = phi_o(V h_t + c)
//! ```
//!
//! Elman 1990, "Finding structure in time"; Jordan 1986, "Serial order: a parallel distributed
//! processing approach".

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::{prepared_by_gates, zeros};
use crate::{
    Activation, CellBase, Error, Gates, GatesConfig, Projected, Readout, Regularizer,
    SequenceConfig, state,
};

config! {
    /// Configuration of an [`ElmanJordan`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(ElmanJordanConfig::new(8, 16, 4)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 4]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ElmanJordanConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Units, `H`.
        pub hidden_size: usize,
        /// Features of the output, `O`.
        pub output_size: usize,
        /// phi, of the hidden units.
        pub activation: Activation = Activation::Tanh,
        /// `phi_o`, of the output.
        pub output_activation: Activation = Activation::Tanh,
        /// How `W`, `R` (and `Q`, as `R`) and their biases start, and whether there are biases, `c`
        /// among them.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for ElmanJordanConfig {
    type Built = ElmanJordan;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<ElmanJordan, Error> {
        const NAME: &str = "ElmanJordan";
        self.activation.check(NAME, "activation")?;
        let (hidden, output) = (self.hidden_size, self.output_size);
        let sizes = [1, self.input_size, hidden];
        let gates = self
            .gates
            .init_regularized(NAME, sizes, &Regularizer::OF_SUMS, device)?;
        let readout = Readout::init(
            NAME,
            [hidden, output],
            self.output_activation,
            self.gates.bias,
            device,
        )?;
        Ok(ElmanJordan {
            gates,
            output_weight: self
                .gates
                .recurrent_weight(NAME, [1, hidden, output], device)?,
            readout,
            activation: self.activation,
        })
    }
}

/// The state of an [`ElmanJordan`].
#[derive(Debug, Clone)]
pub struct ElmanJordanState {
    /// `o`: `[batch, output]`.
    pub output: Tensor<2>,
    /// `h`: `[batch, hidden]`.
    pub hidden: Tensor<2>,
}
state!(ElmanJordanState { output, hidden });

/// The cell of [`ElmanJordanConfig`].
#[derive(Module, Debug)]
pub struct ElmanJordan {
    /// The weights of the hidden units.
    pub gates: Gates,
    /// `Q`: `[hidden, output]`.
    pub output_weight: Param<Tensor<2>>,
    /// The weights of the output.
    pub readout: Readout,
    /// phi, of the hidden units.
    #[module(skip)]
    pub activation: Activation,
}

impl Equations for ElmanJordan {
    fn matrices(&self) -> Vec<Tensor<2>> {
        let own = vec![self.output_weight.val(), self.readout.weight.val()];
        [self.gates.matrices(), own].concat()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        [self.gates.vectors(), self.readout.vectors()].concat()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let (output, hidden) = (&at.state[0], &at.state[1]);
        let recurrent = self.gates.recurrent(&at, hidden) + output.linear(&at.matrices[1]);
        let hidden = self.activation.apply(at.projected.clone() + recurrent);
        let vectors = self.gates.after_vectors(&at);
        let output = self.readout.read(&hidden, &at.matrices[2], vectors);
        vec![output, hidden]
    }
}

impl CellBase for ElmanJordan {
    type State = ElmanJordanState;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.readout.output_size()
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> ElmanJordanState {
        ElmanJordanState {
            output: zeros(&self.gates.input_weight, [batch, self.output_size()]),
            hidden: self.gates.zeros(batch),
        }
    }

    prepared_by_gates!();
}
