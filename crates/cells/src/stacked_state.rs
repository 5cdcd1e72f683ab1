//! The state of all layers and directions in one tensor, as PyTorch's modules take it and give it.
//!
//! ```text
//! h_n: [layers * directions, batch, H]      layer by layer from the lowest, forward before reverse
//! ```

use burn::tensor::Tensor;

use crate::{
    Bidirectional, BothDirections, Cell, Deep, Error, Layer, Recomputed, Recurrent, State,
};

/// A layer whose states can be stacked: of cells in one direction, in both, and layers of those on top of each other.
///
/// ```
/// use backdraft_cells::prelude::*;
/// use burn::tensor::{Device, Tensor};
///
/// # fn main() -> Result<(), backdraft_cells::Error> {
/// let device = Device::default();
/// // nn.LSTM(8, 16, num_layers=2, bidirectional=True, batch_first=True)
/// let layer = DeepConfig::new(BidirectionalConfig::new(LstmConfig::new(8, 16)), 2).init(&device)?;
///
/// // output, (h_n, c_n) = lstm(x)
/// let run = layer.forward(Tensor::<3>::zeros([3, 5, 8], &device))?;
/// let tensors = layer.stacked(run.state)?;
/// let [h_n, c_n] = tensors.try_into().expect("an LSTM has two");
/// assert_eq!(h_n.dims(), [4, 3, 16]); // forward and reverse of layer 1, forward and reverse of layer 2
///
/// // output, _ = lstm(x, (h_n, c_n))
/// let state = layer.unstacked(vec![h_n, c_n])?;
/// layer.forward(LayerInput::new(Tensor::<3>::zeros([3, 5, 8], &device)).with_state(state))?;
/// # Ok(())
/// # }
/// ```
pub trait StackedState: Layer {
    /// The state of one cell.
    type CellState: State;

    /// The states of the cells: layer by layer from the lowest, forward before reverse.
    fn cell_states(&self, state: Self::State) -> Vec<Self::CellState>;

    /// The state of the layer of those of its cells, which come in the same order.
    fn of_cell_states(&self, states: &mut dyn Iterator<Item = Self::CellState>) -> Self::State;

    /// Each tensor of the state, of all cells: `[layers * directions, batch, units]`, in the order in which a cell has
    /// them (an LSTM `h_n`, `c_n`).
    ///
    /// # Errors
    ///
    /// When the layers differ in size.
    #[doc(alias = "h_n")]
    #[doc(alias = "c_n")]
    fn stacked(&self, state: Self::State) -> Result<Vec<Tensor<3>>, Error> {
        let cells: Vec<Vec<Tensor<2>>> =
            self.cell_states(state).iter().map(State::tensors).collect();
        let tensor = |index: usize| {
            let of_cells: Vec<Tensor<2>> = cells.iter().map(|cell| cell[index].clone()).collect();
            let first = of_cells[0].dims();
            match of_cells.iter().find(|tensor| tensor.dims() != first) {
                Some(other) => {
                    let what = "states to be stacked [batch, units]";
                    Err(Error::shape(self.describe(), what, first, other.dims()))
                }
                None => Ok(Tensor::stack(of_cells, 0)),
            }
        };
        (0..cells[0].len()).map(tensor).collect()
    }

    /// The state of what [`stacked`](Self::stacked) gave, or PyTorch.
    ///
    /// # Errors
    ///
    /// When there is not one tensor for each of a cell's state, or one has another shape.
    #[doc(alias = "hx")]
    fn unstacked(&self, tensors: Vec<Tensor<3>>) -> Result<Self::State, Error> {
        let batch = tensors.first().map_or(1, |tensor| tensor.dims()[1]);
        let cells = self.cell_states(self.initial_state(batch));
        let (count, states) = (cells.len(), cells[0].tensors().len());
        if tensors.len() != states {
            let what = "tensors of a stacked state";
            return Err(Error::count(self.describe(), what, states, tensors.len()));
        }
        for (tensor, of_first) in tensors.iter().zip(cells[0].tensors()) {
            let expected = [count, batch, of_first.dims()[1]];
            if tensor.dims() != expected {
                let what = "stacked state [layers * directions, batch, units]";
                return Err(Error::shape(self.describe(), what, expected, tensor.dims()));
            }
        }
        let mut cells = cells.into_iter().enumerate().map(|(cell, state)| {
            let mut tensors = tensors.iter();
            state.map(&mut |zeros| {
                let tensor = tensors.next().expect("as many as the state has").clone();
                tensor.slice_dim(0, cell..cell + 1).reshape(zeros.dims())
            })
        });
        Ok(self.of_cell_states(&mut cells))
    }
}

impl<C: Cell> StackedState for Recurrent<C> {
    type CellState = C::State;

    fn cell_states(&self, state: C::State) -> Vec<C::State> {
        vec![state]
    }

    fn of_cell_states(&self, states: &mut dyn Iterator<Item = C::State>) -> C::State {
        states.next().expect("a state for each cell")
    }
}

impl<C: Cell> StackedState for Bidirectional<C> {
    type CellState = C::State;

    fn cell_states(&self, state: Self::State) -> Vec<C::State> {
        state.into_array().into()
    }

    fn of_cell_states(&self, states: &mut dyn Iterator<Item = C::State>) -> Self::State {
        let mut next = || states.next().expect("a state for each cell");
        BothDirections {
            forward: next(),
            reverse: next(),
        }
    }
}

impl<L: StackedState> StackedState for Deep<L> {
    type CellState = L::CellState;

    fn cell_states(&self, state: Self::State) -> Vec<L::CellState> {
        let layers = self.layers.iter().zip(state);
        layers
            .flat_map(|(layer, state)| layer.cell_states(state))
            .collect()
    }

    fn of_cell_states(&self, states: &mut dyn Iterator<Item = L::CellState>) -> Self::State {
        let layers = self.layers.iter();
        layers.map(|layer| layer.of_cell_states(states)).collect()
    }
}

impl<L: StackedState> StackedState for Recomputed<L> {
    type CellState = L::CellState;

    fn cell_states(&self, state: Self::State) -> Vec<L::CellState> {
        self.layer.cell_states(state)
    }

    fn of_cell_states(&self, states: &mut dyn Iterator<Item = L::CellState>) -> Self::State {
        self.layer.of_cell_states(states)
    }
}
