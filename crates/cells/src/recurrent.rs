//! A cell, run over a sequence in one direction.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{
    Cell, Direction, Error, Layer, Lengths, Path, Run, Sequence, SequenceConfig, State, unrolled,
};

/// Configuration of a [`Recurrent`] layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecurrentConfig<K> {
    /// The cell.
    pub cell: K,
    /// The direction; forward by default.
    #[serde(default)]
    pub direction: Direction,
}

impl<K> RecurrentConfig<K> {
    /// The cell, run forward.
    pub fn new(cell: K) -> Self {
        Self {
            cell,
            direction: Direction::default(),
        }
    }

    /// Sets the direction.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }
}

impl<K: SequenceConfig<Built: Cell>> SequenceConfig for RecurrentConfig<K> {
    type Built = Recurrent<K::Built>;

    fn input_size(&self) -> usize {
        self.cell.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.cell = self.cell.with_input_size(input_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        Ok(Recurrent::new(self.cell.init(device)?, self.direction))
    }
}

/// A cell, run over a sequence in one direction.
#[derive(Module, Debug)]
pub struct Recurrent<C: Module> {
    /// The cell.
    pub cell: C,
    /// The direction.
    #[module(skip)]
    pub direction: Direction,
    #[module(skip)]
    unrolled: bool,
}

impl<C: Cell> Recurrent<C> {
    /// `cell`, run in `direction`.
    pub fn new(cell: C, direction: Direction) -> Self {
        Self {
            cell,
            direction,
            unrolled: false,
        }
    }

    fn path(&self) -> Path {
        match self.unrolled {
            true => Path::Unrolled("asked for by unrolled()".into()),
            false => self.cell.path(),
        }
    }

    fn check(
        &self,
        input: &Tensor<3>,
        state: Option<&C::State>,
        lengths: Option<&Lengths>,
    ) -> Result<(), Error> {
        let [batch, time, features] = input.dims();
        if batch == 0 || time == 0 || features != self.cell.input_size() {
            return Err(Error::new(
                self.cell.describe(),
                "input [batch, time, features]",
                format!("[at least 1, at least 1, {}]", self.cell.input_size()),
                format!("{:?}", input.dims()),
            ));
        }
        if let Some(lengths) = lengths {
            lengths.check(&self.cell.describe(), batch, time)?;
        }
        state.map_or(Ok(()), |state| self.check_state(state, batch))
    }

    fn check_state(&self, state: &C::State, batch: usize) -> Result<(), Error> {
        let shapes = |state: &C::State| {
            let mut shapes = Vec::new();
            state.visit("", &mut |name, tensor| {
                shapes.push((name.to_string(), tensor.dims()))
            });
            shapes
        };
        let refuse = |what: String, expected: String, found: String| {
            Err(Error::new(self.cell.describe(), what, expected, found))
        };
        let (found, expected) = (shapes(state), shapes(&self.cell.initial_state(batch)));
        if found.len() != expected.len() {
            let what = "number of tensors in the initial state".to_string();
            return refuse(what, expected.len().to_string(), found.len().to_string());
        }
        match found
            .iter()
            .zip(&expected)
            .find(|(found, expected)| found.1 != expected.1)
        {
            Some(((name, found), (_, expected))) => refuse(
                format!("initial state `{name}` [batch, units]"),
                format!("{expected:?}"),
                format!("{found:?}"),
            ),
            None => Ok(()),
        }
    }
}

impl<C: Cell> Layer for Recurrent<C> {
    type State = C::State;

    fn input_size(&self) -> usize {
        self.cell.input_size()
    }

    fn output_size(&self) -> usize {
        self.cell.output_size()
    }

    fn initial_state(&self, batch: usize) -> Self::State {
        self.cell.initial_state(batch)
    }

    fn describe(&self) -> String {
        self.cell.describe()
    }

    fn unrolled(mut self) -> Self {
        self.unrolled = true;
        self
    }

    fn paths(&self) -> Vec<(String, Path)> {
        vec![(self.describe(), self.path())]
    }

    fn forward(
        &self,
        input: Tensor<3>,
        state: Option<Self::State>,
        lengths: Option<&Lengths>,
    ) -> Result<Run<Self::State>, Error> {
        self.check(&input, state.as_ref(), lengths)?;
        let [batch, time, _] = input.dims();
        let state = state.unwrap_or_else(|| self.cell.initial_state(batch));

        let input = match lengths {
            Some(lengths) => lengths.clear_padding(input),
            None => input,
        };
        let input = Sequence {
            values: input.swap_dims(0, 1),
            lengths: lengths.filter(|lengths| !lengths.all_are(time)).cloned(),
        };
        let cell = self.cell.prepared(batch);
        let (outputs, state) = match self.path() {
            Path::Kernel(_) => cell.scan(input, state, self.direction),
            Path::Unrolled(_) => unrolled(&cell, input, state, self.direction),
        };
        Ok(Run {
            outputs: outputs.swap_dims(0, 1),
            state,
        })
    }
}
