//! A cell, run over a sequence in one direction.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::initial::InitialState;
use crate::state::{check_place, check_state};
use crate::unrolled::observed;
use crate::{
    Cell, Direction, Error, Initial, Layer, LayerInput, LayerOutput, Path, Sequence,
    SequenceConfig, Trace, Watcher,
};

/// Configuration of a [`Recurrent`] layer.
#[doc(alias = "go_backwards")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig<K> {
    /// The cell.
    pub cell: K,
    /// The direction; forward by default.
    #[serde(default)]
    pub direction: Direction,
    /// What runs start from; zeros by default.
    #[serde(default)]
    pub initial: Initial,
}

impl<K> RecurrentConfig<K> {
    /// The cell, run forward.
    pub fn new(cell: K) -> Self {
        Self {
            cell,
            direction: Direction::default(),
            initial: Initial::default(),
        }
    }

    /// Sets the direction.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Sets what runs start from.
    #[must_use]
    pub fn with_initial(mut self, initial: Initial) -> Self {
        self.initial = initial;
        self
    }
}

impl<K: SequenceConfig> Config for RecurrentConfig<K> {}

impl<K: SequenceConfig<Built: Cell>> SequenceConfig for RecurrentConfig<K> {
    type Built = Recurrent<K::Built>;

    fn input_size(&self) -> usize {
        self.cell.input_size()
    }

    fn with_input_size(mut self, input_size: usize) -> Self {
        self.cell = self.cell.with_input_size(input_size);
        self
    }

    fn with_hidden_size(mut self, hidden_size: usize) -> Self {
        self.cell = self.cell.with_hidden_size(hidden_size);
        self
    }

    fn init(&self, device: &Device) -> Result<Self::Built, Error> {
        Recurrent::new(self.cell.init(device)?, self.direction).with_initial(self.initial)
    }
}

/// Why a watched layer runs step by step.
const WATCHED: &str = "watched";

/// Whether a recurrence in `layer` is watched.
pub(crate) fn is_watched<L: Layer>(layer: &L) -> bool {
    let watched = Path::Unrolled(WATCHED.into());
    layer.paths().iter().any(|(_, path)| *path == watched)
}

/// A cell, run over a sequence in one direction.
#[doc(alias = "RNN")]
#[doc(alias = "nn.RNN")]
#[derive(Module, Debug)]
pub struct Recurrent<C: Module> {
    /// The cell.
    pub cell: C,
    /// The direction.
    #[module(skip)]
    pub direction: Direction,
    initial: InitialState,
    #[module(skip)]
    unrolled: bool,
    /// Whether the cell is that of a run that has begun.
    #[module(skip)]
    prepared: bool,
    #[module(skip)]
    watcher: Option<Watcher>,
}

impl<C: Cell> Recurrent<C> {
    /// `cell`, run in `direction`, from zeros.
    pub fn new(cell: C, direction: Direction) -> Self {
        Self {
            cell,
            direction,
            initial: InitialState::zeros(),
            unrolled: false,
            prepared: false,
            watcher: None,
        }
    }

    /// The same layer, which tells `watcher` what it does at each step, and so runs step by step.
    #[must_use]
    pub fn watched(mut self, watcher: &Watcher) -> Self {
        self.watcher = Some(watcher.clone());
        self
    }

    /// Sets what runs start from.
    ///
    /// # Errors
    ///
    /// When a standard deviation is not a finite number above 0.
    pub fn with_initial(mut self, initial: Initial) -> Result<Self, Error> {
        self.initial = InitialState::new(initial, &self.cell)?;
        Ok(self)
    }

    fn path(&self) -> Path {
        match (self.unrolled, &self.watcher) {
            (true, _) => Path::Unrolled("asked for by unrolled()".into()),
            (false, Some(_)) => Path::Unrolled(WATCHED.into()),
            (false, None) => self.cell.path(),
        }
    }

    /// What a run is made of: the cell as it sees it, the sequence and the state to start from.
    fn begun(&self, input: LayerInput<'_, C::State>) -> Result<(C, Sequence, C::State), Error> {
        let LayerInput {
            inputs,
            state,
            lengths,
        } = input;
        let [batch, time, _] = inputs.dims();
        let name = || self.cell.describe();
        let state = match state {
            Some(state) => {
                check_state(name, &state, &self.cell.initial_state(batch))?;
                state
            }
            None => self.initial_state(batch),
        };
        check_place(name, &inputs, &state)?;

        let input = match lengths {
            Some(lengths) => lengths.clear_padding(inputs),
            None => inputs,
        };
        let input = Sequence {
            values: input.swap_dims(0, 1),
            lengths: lengths.filter(|lengths| !lengths.all_are(time)).cloned(),
        };
        let cell = match self.prepared {
            true => self.cell.clone(),
            false => self.cell.prepared(batch),
        };
        Ok((cell, input, state))
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
        self.initial.of(&self.cell, batch)
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
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

    fn prepared(&self, batch: usize) -> Self {
        if self.prepared {
            return self.clone();
        }
        Self {
            cell: self.cell.prepared(batch),
            prepared: true,
            ..self.clone()
        }
    }

    fn forward_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<LayerOutput<Self::State>, Error> {
        let (cell, input, state) = self.begun(input)?;
        let (outputs, state) = match self.path() {
            Path::Kernel(_) => cell.scan(input, state, self.direction),
            Path::Unrolled(_) => {
                let watcher = self.watcher.as_ref();
                observed(&cell, input, state, self.direction, watcher, &mut |_, _| {})
            }
        };
        Ok(LayerOutput {
            outputs: outputs.swap_dims(0, 1),
            state,
        })
    }

    fn trace_checked(
        &self,
        input: LayerInput<'_, Self::State>,
    ) -> Result<Trace<Self::State>, Error> {
        let (cell, input, state) = self.begun(input)?;
        let mut states = vec![None; input.values.dims()[0]];
        let mut keep = |t: usize, state: &C::State| states[t] = Some(state.clone());
        let watcher = self.watcher.as_ref();
        let (outputs, state) = observed(&cell, input, state, self.direction, watcher, &mut keep);
        Ok(Trace {
            outputs: outputs.swap_dims(0, 1),
            states: states.into_iter().flatten().collect(),
            state,
        })
    }
}
