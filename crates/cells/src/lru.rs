//! The linear recurrent unit: a diagonal recurrence in complex numbers.
//!
//! ```text
//! lambda = exp(-exp(nu) + i exp(theta))              so |lambda| < 1 whatever nu is
//! h_t    = lambda h_{t-1} + exp(gamma) (B x_t)       B: [N, I], complex
//! y_t    = Re(C h_t) + D x_t                         C: [O, N], complex   D: [O, I]
//! ```
//!
//! At the start, `lambda` is uniform on the ring between `min_radius` and `max_radius`, with angles
//! below `max_phase`, and `exp(gamma)` is `sqrt(1 - |lambda|^2)`, which keeps `h` at the size of
//! its input however slowly it forgets.
//!
//! Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences",
//! arXiv 2303.06349.

use std::f64::consts::TAU;

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Int, Tensor};

use crate::config::{by_fields, config};
use crate::scan::{self, Complex, Numbers, linear_recurrence};
use crate::{
    Cell, CellBase, Direction, Error, Lengths, Path, Projected, Sequence, SequenceConfig, state,
};

config! {
    /// Configuration of an [`Lru`] cell.
    ///
    /// ```
    /// # use backdraft_cells::prelude::*;
    /// # use burn::tensor::{Device, Tensor};
    /// # fn main() -> Result<(), backdraft_cells::Error> {
    /// # let device = Device::default();
    /// # let sequence = Tensor::<3>::ones([3, 20, 8], &device);
    /// let layer = RecurrentConfig::new(LruConfig::new(8, 16, 32)).init(&device)?;
    /// let run = layer.forward(sequence)?; // from [3, 20, 8] to [3, 20, 16]
    /// # assert_eq!(run.outputs.dims(), [3, 20, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub struct LruConfig {
        /// Features of the input, `I`.
        pub input_size: usize,
        /// Features of the output, `O`.
        pub output_size: usize,
        /// Complex units, `N`.
        pub units: usize,
        /// The smallest `|lambda|` at the start.
        pub min_radius: f64 = 0.0,
        /// The largest `|lambda|` at the start. Near 1 for long memories.
        pub max_radius: f64 = 1.0,
        /// The largest angle of `lambda` at the start, in radians. A small part of the circle for
        /// inputs that change slowly.
        pub max_phase: f64 = TAU,
    }
}

impl SequenceConfig for LruConfig {
    type Built = Lru;

    // What the layer above sees is the output, not the complex units.
    by_fields!(output_size);

    fn init(&self, device: &Device) -> Result<Lru, Error> {
        self.check()?;
        let [input, output, units] = [self.input_size, self.output_size, self.units];
        let uniform = || Tensor::<1>::random([units], Distribution::Uniform(0.0, 1.0), device);
        let (inner, outer) = (self.min_radius.powi(2), self.max_radius.powi(2));
        // Uniform on the ring is uniform in the square of the radius. At a radius of 0 or 1, nu
        // would be infinite.
        let square = (uniform() * (outer - inner) + inner).clamp(1e-6, 1.0 - 1e-6);
        let phase = (uniform() * self.max_phase).clamp_min(1e-6);
        let normal = |shape: [usize; 2], variance: f64| {
            let normal = Distribution::Normal(0.0, variance.sqrt());
            Param::from_tensor(Tensor::<2>::random(shape, normal, device).detach())
        };
        let vector = |vector: Tensor<1>| Param::from_tensor(vector.detach());
        Ok(Lru {
            nu: vector((square.clone().log() * -0.5).log()),
            theta: vector(phase.log()),
            gamma: vector((-square + 1.0).log() * 0.5),
            input_real: normal([units, input], 0.5 / input as f64),
            input_imaginary: normal([units, input], 0.5 / input as f64),
            output_real: normal([output, units], 1.0 / units as f64),
            output_imaginary: normal([output, units], 1.0 / units as f64),
            skip: normal([output, input], 1.0 / input as f64),
        })
    }
}

impl LruConfig {
    fn check(&self) -> Result<(), Error> {
        Error::unless_positive("Lru", "input size", self.input_size)?;
        Error::unless_positive("Lru", "output size", self.output_size)?;
        Error::unless_positive("Lru", "units", self.units)?;
        let (min, max) = (self.min_radius, self.max_radius);
        if !(0.0 <= min && min < max && max <= 1.0) {
            let expected = "0 <= min_radius < max_radius <= 1";
            return Err(Error::new(
                "Lru",
                "radii",
                expected,
                format!("{min} and {max}"),
            ));
        }
        if !(self.max_phase > 0.0 && self.max_phase <= TAU) {
            let expected = "above 0 and at most 2 pi";
            return Err(Error::new("Lru", "max phase", expected, self.max_phase));
        }
        Ok(())
    }
}

/// The state of an [`Lru`].
#[derive(Debug, Clone)]
pub struct LruState {
    /// `y`, the output: `[batch, output]`. Part of the state because it looks at the step's input;
    /// no step reads it.
    pub output: Tensor<2>,
    /// The real part of `h`: `[batch, units]`.
    pub real: Tensor<2>,
    /// The imaginary part of `h`: `[batch, units]`.
    pub imaginary: Tensor<2>,
}
state!(LruState {
    output,
    real,
    imaginary
});

/// The cell of [`LruConfig`].
#[derive(Module, Debug)]
pub struct Lru {
    /// `nu`: `[units]`.
    pub nu: Param<Tensor<1>>,
    /// `theta`: `[units]`.
    pub theta: Param<Tensor<1>>,
    /// `gamma`, the logarithm of what scales the input: `[units]`.
    pub gamma: Param<Tensor<1>>,
    /// The real part of `B`: `[units, input]`.
    pub input_real: Param<Tensor<2>>,
    /// The imaginary part of `B`: `[units, input]`.
    pub input_imaginary: Param<Tensor<2>>,
    /// The real part of `C`: `[output, units]`.
    pub output_real: Param<Tensor<2>>,
    /// The imaginary part of `C`: `[output, units]`.
    pub output_imaginary: Param<Tensor<2>>,
    /// `D`: `[output, input]`.
    pub skip: Param<Tensor<2>>,
}

impl Lru {
    /// `lambda`: `[1, 1, units]`.
    fn factor(&self) -> Complex {
        let radius = self.nu.val().exp().neg().exp();
        let angle = self.theta.val().exp();
        Complex {
            real: (radius.clone() * angle.clone().cos()).unsqueeze(),
            imaginary: (radius * angle.sin()).unsqueeze(),
        }
    }

    /// `exp(gamma) (B x_t)` and `D x_t`, at all steps.
    fn inputs(&self, input: Tensor<3>) -> (Complex, Tensor<3>) {
        let scale = self.gamma.val().exp().unsqueeze_dim::<2>(1);
        let term = |weight: &Param<Tensor<2>>| product(input.clone(), scale.clone() * weight.val());
        let term = Complex {
            real: term(&self.input_real),
            imaginary: term(&self.input_imaginary),
        };
        (term, product(input, self.skip.val()))
    }

    /// `Re(C h_t)`, at all steps.
    fn outputs(&self, states: Complex) -> Tensor<3> {
        product(states.real, self.output_real.val())
            - product(states.imaginary, self.output_imaginary.val())
    }
}

/// `W v` at all steps.
fn product(vectors: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    let [time, batch, features] = vectors.dims();
    let rows = weight.dims()[0];
    let vectors = vectors.reshape([time * batch, features]);
    vectors
        .matmul(weight.transpose())
        .reshape([time, batch, rows])
}

impl CellBase for Lru {
    type State = LruState;

    fn input_size(&self) -> usize {
        self.skip.dims()[1]
    }

    fn output_size(&self) -> usize {
        self.skip.dims()[0]
    }

    /// `exp(gamma) (B x_t)`, its real and its imaginary part, and `D x_t`, side by side.
    fn project(&self, input: Tensor<3>) -> Projected<3> {
        let (term, skip) = self.inputs(input);
        Tensor::cat(vec![term.real, term.imaginary, skip], 2).into()
    }

    fn initial_state(&self, batch: usize) -> LruState {
        let nu = self.nu.val();
        let zeros = |width: usize| Tensor::zeros([batch, width], (&nu.device(), nu.dtype()));
        LruState {
            output: zeros(self.output_size()),
            real: zeros(self.nu.dims()[0]),
            imaginary: zeros(self.nu.dims()[0]),
        }
    }
}

impl Cell for Lru {
    fn step(&self, projected: Projected<2>, state: LruState) -> LruState {
        let units = self.nu.dims()[0];
        let parts = [units, units, self.output_size()];
        let [real, imaginary, skip] = projected
            .values
            .unsqueeze_dim::<3>(0)
            .split_with_sizes(parts.to_vec(), 2)
            .try_into()
            .expect("as many parts as sizes");
        let before = Complex {
            real: state.real.unsqueeze_dim(0),
            imaginary: state.imaginary.unsqueeze_dim(0),
        };
        let states = self
            .factor()
            .times_plus(before, Complex { real, imaginary });
        LruState {
            real: states.real.clone().squeeze_dim(0),
            imaginary: states.imaginary.clone().squeeze_dim(0),
            output: (self.outputs(states) + skip).squeeze_dim(0),
        }
    }

    fn output(&self, state: &LruState) -> Tensor<2> {
        state.output.clone()
    }

    fn path(&self) -> Path {
        scan::PATH
    }

    fn scan(
        &self,
        input: Sequence,
        state: LruState,
        direction: Direction,
    ) -> (Tensor<3>, LruState) {
        let lengths = input.lengths.as_ref();
        let initial = Complex {
            real: state.real.unsqueeze_dim(0),
            imaginary: state.imaginary.unsqueeze_dim(0),
        };
        let (term, skip) = self.inputs(input.values);
        let (states, last) = linear_recurrence(self.factor(), term, initial, lengths, direction);
        let outputs = self.outputs(states) + skip;
        let output = last_output(outputs.clone(), state.output, lengths, direction);
        let outputs = match lengths {
            Some(lengths) => outputs.fill_padding(lengths, 0.0),
            None => outputs,
        };
        let state = LruState {
            output,
            real: last.real.squeeze_dim(0),
            imaginary: last.imaginary.squeeze_dim(0),
        };
        (outputs, state)
    }
}

/// The output at each row's last step in `direction`, of a row without steps the initial one.
fn last_output(
    outputs: Tensor<3>,
    initial: Tensor<2>,
    lengths: Option<&Lengths>,
    direction: Direction,
) -> Tensor<2> {
    let [time, batch, width] = outputs.dims();
    let device = outputs.device();
    let Some(lengths) = lengths else {
        let last = match direction {
            Direction::Forward => time - 1,
            Direction::Reverse => 0,
        };
        return outputs.slice_dim(0, last..last + 1).squeeze_dim(0);
    };
    let last = lengths.as_slice().iter().map(|&length| match direction {
        Direction::Forward => length.saturating_sub(1) as i64,
        Direction::Reverse => 0,
    });
    let last = last.collect::<Vec<_>>();
    let last = Tensor::<1, Int>::from_data(last.as_slice(), &device).reshape([1, batch, 1]);
    let found = outputs
        .gather(0, last.expand([1, batch, width]))
        .squeeze_dim::<2>(0);
    let empty = lengths.mask(1, &device).bool_not().expand([batch, width]);
    found.mask_where(empty, initial)
}
