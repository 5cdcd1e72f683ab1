//! Jordan's network: what recurs is the output.
//!
//! ```text
//! h_t = phi(W x_t + b_W + R o_{t-1} + b_R)
//! o_t = phi_o(V h_t + c)
//! ```
//!
//! Jordan 1986, "Serial order: a parallel distributed processing approach". His state units also
//! keep a trace of older outputs; this is the form in which the name is used today.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::{by_fields, config};
use crate::equations::{At, Equations, Expression};
use crate::gates::prepared_by_gates;
use crate::{
    Activation, CellBase, Error, Gates, GatesConfig, Projected, Readout, Regularizer,
    SequenceConfig,
};

config! {
    /// Configuration of a [`Jordan`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(JordanConfig::new(8, 16, 4)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 4]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct JordanConfig {
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
        /// How `W`, `R` and their biases start, and whether there are biases, `c` among them.
        pub gates: GatesConfig = GatesConfig::new(),
    }
}

impl SequenceConfig for JordanConfig {
    type Built = Jordan;

    by_fields!(hidden_size);

    fn init(&self, device: &Device) -> Result<Jordan, Error> {
        self.activation.check("Jordan", "activation")?;
        let sizes = [1, self.input_size, self.hidden_size];
        let gates = self.gates.init_from(
            "Jordan",
            sizes,
            self.output_size,
            &Regularizer::OF_SUMS,
            device,
        )?;
        let readout = Readout::init(
            "Jordan",
            [self.hidden_size, self.output_size],
            self.output_activation,
            self.gates.bias,
            device,
        )?;
        Ok(Jordan {
            gates,
            readout,
            activation: self.activation,
        })
    }
}

/// The cell of [`JordanConfig`]; its state is the output.
#[derive(Module, Debug)]
pub struct Jordan {
    /// The weights of the hidden units; `R` is `[hidden, output]`.
    pub gates: Gates,
    /// The weights of the output.
    pub readout: Readout,
    /// phi, of the hidden units.
    #[module(skip)]
    pub activation: Activation,
}

impl Equations for Jordan {
    fn matrices(&self) -> Vec<Tensor<2>> {
        [self.gates.matrices(), vec![self.readout.weight.val()]].concat()
    }

    fn vectors(&self) -> Vec<Tensor<1>> {
        [self.gates.vectors(), self.readout.vectors()].concat()
    }

    fn equations<V: Expression>(&self, at: At<V>) -> Vec<V> {
        let sum = at.projected.clone() + self.gates.recurrent(&at, &at.state[0]);
        let hidden = self.activation.apply(sum);
        let vectors = self.gates.after_vectors(&at);
        vec![self.readout.read(&hidden, &at.matrices[1], vectors)]
    }
}

impl CellBase for Jordan {
    type State = Tensor<2>;

    fn input_size(&self) -> usize {
        self.gates.input_size()
    }

    fn output_size(&self) -> usize {
        self.readout.output_size()
    }

    fn project(&self, input: Tensor<3>) -> Projected<3> {
        self.gates.project(input)
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        self.gates.zeros(batch)
    }

    prepared_by_gates!();
}
