//! The arrays that Keras's recurrent layers hold, in the order of `get_weights()`.
//!
//! ```text
//! Keras              SimpleRNN   LSTM          GRU, reset_after            GRU, not reset_after
//! kernel             [I, H]      [I, 4 H]      [I, 3 H]                    [I, 3 H]
//! recurrent_kernel   [H, H]      [H, 4 H]      [H, 3 H]                    [H, 3 H]
//! bias               [H]         [4 H]         [2, 3 H]: input, recurrent  [3 H]
//! gates              one         i, f, c, o    z, r, h                     z, r, h
//! here               one         i, f, g, o    r, z, n                     r, z, n
//! ```
//!
//! Kernels are ours, transposed. Where Keras has one bias and we have two, it comes into the
//! input's, beside a recurrent one of zeros, and their sum goes out. `reset_after` is Keras's
//! default, and ours. A layer without biases is one of `use_bias=False`, without the third array.
//!
//! [`Recurrent`] is a layer of Keras, and [`Bidirectional`] one wrapped in `Bidirectional`, whose weights are those of
//! the forward layer, then of the backward one; its merge modes are ours. Keras has no stack; a [`Deep`] takes the arrays
//! of all of its layers, lowest first.
//!
//! What is not in the arrays is for whoever loads them to get right:
//!
//! - Activations. Keras's `activation` and `recurrent_activation` (tanh and sigmoid by default) must be those of the
//!   cell. `hard_sigmoid` has changed: in Keras 3 it is `relu6(x + 3) / 6`, which gives 0.6667 for 1 and is
//!   `HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }` here; before it was `0.2 x + 0.5`, which gives 0.7 and is
//!   `HardSigmoid { alpha: 0.2, beta: 0.5 }`, and was the default of older layers.
//! - `go_backwards` is a [`Recurrent`] in reverse, with outputs in another order: here at the steps of their inputs, in
//!   Keras the last step first. [`as_go_backwards`] turns ours into that order, where a model was trained on it.
//! - Masks. With [`Lengths`](backdraft_cells::Lengths) the outputs at padded steps are 0 here. Those of a layer of
//!   Keras repeat the last valid one, unless it has `zero_output_for_mask=True` or is within `Bidirectional`, which
//!   sets that. Valid outputs and final states are the same.
//!
//! # Arrays from Python
//!
//! Keras's own files (`.weights.h5`, and `.keras`, which has one inside) are HDF5, which is not read here. Python
//! writes the arrays of each layer to a file that is:
//!
//! ```python
//! from safetensors.numpy import save_file
//!
//! save_file({f"{layer.name}.{index}": array
//!            for layer in model.layers
//!            for index, array in enumerate(layer.get_weights())}, "keras.safetensors")
//! ```
//!
//! ```
//! use backdraft_cells::prelude::*;
//! use backdraft_exchange::keras;
//! use backdraft_exchange::pytorch::StateDict;
//! use burn::tensor::Device;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // keras.layers.LSTM(4, return_sequences=True, name="lower")
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/keras.safetensors");
//! # /*
//! let path = "keras.safetensors";
//! # */
//! let file = StateDict::open(path)?;
//! let lower = RecurrentConfig::new(LstmConfig::new(3, 4)).init(&Device::default())?;
//! let lower = keras::load(lower, &keras::saved(&file, "lower")?)?;
//! assert_eq!(keras::weights(&lower)?[1].shape().to_vec(), [4, 16]);
//! # Ok(())
//! # }
//! ```

mod backwards;
mod saved;

pub use backwards::as_go_backwards;
pub use saved::saved;

use backdraft_cells::{
    Bidirectional, BothDirections, Cell, CellBase, Deep, Direction, Elman, Error as CellError,
    Gates, Gru, Layer, Lstm, LstmActivations, Recomputed, Recurrent, Reset, WeightNorm,
};
use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

use crate::{Error, Mismatch, NotFinite, Shaped};

/// Where Keras's bias goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// One for the two of ours.
    One,
    /// `[2, ..]`: of the input, of the recurrence.
    Two,
}

/// A cell that Keras has.
pub trait KerasCell: Cell {
    /// Its weights.
    fn gates(&self) -> &Gates;

    /// The same, to be replaced.
    fn gates_mut(&mut self) -> &mut Gates;

    /// For each of Keras's gates, in Keras's order, the index of that gate here; and the kind of bias that Keras has.
    ///
    /// # Errors
    ///
    /// When Keras has no such cell.
    fn layout(&self) -> Result<(&'static [usize], Bias), CellError>;
}

impl KerasCell for Elman {
    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut Gates {
        &mut self.gates
    }

    fn layout(&self) -> Result<(&'static [usize], Bias), CellError> {
        refuse(&self.describe(), [("gate clip", self.gate_clip.is_some())])?;
        Ok((&[0], Bias::One))
    }
}

impl KerasCell for Lstm {
    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut Gates {
        &mut self.gates
    }

    fn layout(&self) -> Result<(&'static [usize], Bias), CellError> {
        let options = [
            ("peepholes", self.peepholes.is_some()),
            ("coupled gates", self.coupled),
            ("projection", self.projection.is_some()),
            ("cell clip", self.cell_clip.is_some()),
            ("output clip", self.output_clip.is_some()),
            ("gate clip", self.gate_clip.is_some()),
        ];
        refuse(&self.describe(), options)?;
        let LstmActivations {
            candidate, output, ..
        } = self.activations;
        if candidate != output {
            let expected = format!("{candidate:?}, as that of the candidate");
            let found = format!("{output:?}");
            let what = "activation of the output";
            return Err(CellError::new(self.describe(), what, expected, found));
        }
        Ok((&[0, 1, 2, 3], Bias::One))
    }
}

impl KerasCell for Gru {
    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn gates_mut(&mut self) -> &mut Gates {
        &mut self.gates
    }

    fn layout(&self) -> Result<(&'static [usize], Bias), CellError> {
        refuse(&self.describe(), [("gate clip", self.gate_clip.is_some())])?;
        match self.reset {
            Reset::AfterProduct => Ok((&[1, 0, 2], Bias::Two)),
            Reset::BeforeProduct => Ok((&[1, 0, 2], Bias::One)),
            Reset::None => {
                let expected = "AfterProduct or BeforeProduct";
                Err(CellError::new(self.describe(), "reset", expected, "None"))
            }
        }
    }
}

/// Refuses options that Keras does not have, each with whether it is there.
fn refuse<const N: usize>(cell: &str, options: [(&str, bool); N]) -> Result<(), CellError> {
    match options.iter().find(|(_, there)| *there) {
        Some((what, _)) => Err(CellError::new(cell, what, "none", "one")),
        None => Ok(()),
    }
}

/// A layer whose weights Keras's layers can hold.
pub trait KerasLayer: Module {
    /// The cell.
    type Cell: KerasCell;

    /// The cells in Keras's order, each with what the arrays of it are called in errors.
    ///
    /// # Errors
    ///
    /// When Keras has no such layer.
    fn cells(&mut self) -> Result<Vec<(String, &mut Self::Cell)>, CellError>;
}

impl<C: KerasCell> KerasLayer for Recurrent<C> {
    type Cell = C;

    fn cells(&mut self) -> Result<Vec<(String, &mut C)>, CellError> {
        Ok(vec![(String::new(), &mut self.cell)])
    }
}

impl<C: KerasCell> KerasLayer for Bidirectional<C> {
    type Cell = C;

    fn cells(&mut self) -> Result<Vec<(String, &mut C)>, CellError> {
        let directions = self.directions().into_array().map(|layer| layer.direction);
        if directions != [Direction::Forward, Direction::Reverse] {
            return Err(CellError::new(
                self.describe(),
                "directions",
                "[Forward, Reverse]",
                format!("{directions:?}"),
            ));
        }
        let BothDirections { forward, reverse } = self.directions_mut();
        Ok(vec![
            ("forward ".to_string(), &mut forward.cell),
            ("backward ".to_string(), &mut reverse.cell),
        ])
    }
}

impl<L: Layer + KerasLayer> KerasLayer for Deep<L> {
    type Cell = L::Cell;

    fn cells(&mut self) -> Result<Vec<(String, &mut L::Cell)>, CellError> {
        let mut all = Vec::new();
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let number = index + 1;
            let cells = layer
                .cells()
                .map_err(|error| error.within(format!("layer {number} of Deep")))?;
            let named = cells.into_iter();
            all.extend(named.map(|(name, cell)| (format!("layer {number} {name}"), cell)));
        }
        Ok(all)
    }
}

impl<L: Layer + KerasLayer> KerasLayer for Recomputed<L> {
    type Cell = L::Cell;

    fn cells(&mut self) -> Result<Vec<(String, &mut L::Cell)>, CellError> {
        self.layer.cells()
    }
}

/// `layer` with the weights of Keras's layers, converted to the type of its own.
///
/// # Errors
///
/// When Keras has no such layer, the arrays are not its: every one that is missing, too many
/// or of another shape; or when a number is not finite, or too large for the layer's type.
pub fn load<L: KerasLayer>(mut layer: L, weights: &[TensorData]) -> Result<L, Error> {
    let mut mismatch = Mismatch {
        what: "Keras's weights".to_string(),
        ..Mismatch::default()
    };
    let mut arrays = weights.iter().enumerate();
    let mut fitting = Vec::new();
    for (name, cell) in layer.cells().map_err(no_twin)? {
        let shapes = shapes(cell).map_err(no_twin)?;
        let mut found = Vec::new();
        for (array, shape) in shapes {
            let expected = Shaped::new(format!("{name}{array}"), &shape);
            match arrays.next() {
                None => mismatch.missing.push(expected),
                Some((_, data)) if data.shape().to_vec() != shape => {
                    mismatch.misshapen.push((expected, data.shape().to_vec()));
                }
                Some((_, data)) if !data.dtype().is_float() => {
                    mismatch
                        .mistyped
                        .push((expected.name, format!("{:?}", data.dtype())));
                }
                Some((_, data)) => found.push((expected.name, data)),
            }
        }
        fitting.push((cell, found));
    }
    mismatch.unexpected = arrays
        .map(|(index, data)| Shaped::new(format!("array {}", index + 1), &data.shape().to_vec()))
        .collect();
    if !mismatch.is_empty() {
        return Err(Error::from(Box::new(mismatch)));
    }
    for (cell, found) in &fitting {
        let dtype = cell.gates().input_weight.val().dtype();
        for (name, data) in found {
            NotFinite::check(name, data, dtype).map_err(|number| Error::NotFinite {
                what: mismatch.what.clone(),
                number,
            })?;
        }
    }
    for (cell, found) in fitting {
        let arrays: Vec<&TensorData> = found.into_iter().map(|(_, data)| data).collect();
        set(cell, &arrays).map_err(no_twin)?;
    }
    Ok(layer)
}

/// The arrays of `layer`, as `set_weights()` takes them: its own for a [`Recurrent`] or a
/// [`Bidirectional`], those of one layer after the other for a [`Deep`].
///
/// # Errors
///
/// When Keras has no such layer.
pub fn weights<L: KerasLayer>(layer: &L) -> Result<Vec<TensorData>, Error> {
    let mut layer = layer.clone();
    let mut all = Vec::new();
    for (_, cell) in layer.cells().map_err(no_twin)? {
        all.extend(arrays(cell).map_err(no_twin)?);
    }
    Ok(all)
}

fn no_twin(error: CellError) -> Error {
    Error::NoTwin {
        framework: "Keras",
        error,
    }
}

/// What Keras's gates are here, of a cell whose weights are what they seem.
fn layout<C: KerasCell>(cell: &C) -> Result<(&'static [usize], Bias), CellError> {
    match cell.gates().weight_norm() {
        WeightNorm::Off => cell.layout(),
        norm => Err(CellError::new(
            cell.describe(),
            "weight norm",
            "off: `materialize()` gives the layer with plain weights",
            format!("{norm:?}"),
        )),
    }
}

/// The arrays of a cell in Keras's order, by name and shape.
fn shapes<C: KerasCell>(cell: &C) -> Result<Vec<(&'static str, Vec<usize>)>, CellError> {
    let (_, bias) = layout(cell)?;
    let gates = cell.gates();
    let [rows, input] = gates.input_weight.dims();
    let hidden = gates.recurrent_weight.dims()[1];
    let mut shapes = vec![
        ("kernel", vec![input, rows]),
        ("recurrent_kernel", vec![hidden, rows]),
    ];
    match (&gates.input_bias, &gates.recurrent_bias, bias) {
        (None, None, _) => {}
        (None, Some(_), Bias::Two) | (Some(_), None, Bias::Two) => {
            let found = "one of the two";
            return Err(CellError::new(
                cell.describe(),
                "biases",
                "both or none",
                found,
            ));
        }
        (.., Bias::One) => shapes.push(("bias", vec![rows])),
        (.., Bias::Two) => shapes.push(("bias", vec![2, rows])),
    }
    Ok(shapes)
}

/// The gates of `[rows, ..]`, each `rows / order.len()` rows, in another order.
fn reorder<const D: usize>(tensor: Tensor<D>, order: &[usize]) -> Tensor<D> {
    let gates = tensor.chunk(order.len(), 0);
    Tensor::cat(order.iter().map(|gate| gates[*gate].clone()).collect(), 0)
}

/// Where each of our gates is in Keras's order.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (theirs, ours) in order.iter().enumerate() {
        inverse[*ours] = theirs;
    }
    inverse
}

fn arrays<C: KerasCell>(cell: &C) -> Result<Vec<TensorData>, CellError> {
    let (order, bias) = layout(cell)?;
    let gates = cell.gates();
    let kernel = |weight: &Param<Tensor<2>>| {
        let weight = reorder(weight.val().detach(), order);
        weight.transpose().into_data()
    };
    let mut arrays = vec![kernel(&gates.input_weight), kernel(&gates.recurrent_weight)];
    let ours = [&gates.input_bias, &gates.recurrent_bias].map(|bias| {
        let bias = bias.as_ref()?;
        Some(reorder(bias.val().detach(), order))
    });
    match (ours, bias) {
        ([None, None], _) => {}
        ([Some(input), Some(recurrent)], Bias::Two) => {
            arrays.push(Tensor::stack::<2>(vec![input, recurrent], 0).into_data());
        }
        ([Some(input), Some(recurrent)], Bias::One) => {
            arrays.push((input + recurrent).into_data());
        }
        ([Some(one), None] | [None, Some(one)], _) => arrays.push(one.into_data()),
    }
    Ok(arrays)
}

/// Replaces the weights of a cell by arrays that have the shapes of [`shapes`].
fn set<C: KerasCell>(cell: &mut C, arrays: &[&TensorData]) -> Result<(), CellError> {
    let (order, bias) = layout(cell)?;
    let order = inverse(order);
    let gates = cell.gates_mut();
    let weight = gates.input_weight.val();
    let (device, dtype) = (weight.device(), weight.dtype());
    let kernel = |array: &TensorData| {
        reorder(
            Tensor::<2>::from_data(array.clone(), (&device, dtype)).transpose(),
            &order,
        )
    };
    replace(&mut gates.input_weight, kernel(arrays[0]));
    replace(&mut gates.recurrent_weight, kernel(arrays[1]));
    let Some(array) = arrays.get(2) else {
        return Ok(());
    };
    let (input, recurrent) = match bias {
        Bias::One => {
            let bias = reorder(
                Tensor::<1>::from_data((*array).clone(), (&device, dtype)),
                &order,
            );
            (bias.clone(), bias.zeros_like())
        }
        Bias::Two => {
            let both = Tensor::<2>::from_data((*array).clone(), (&device, dtype));
            let one = |row: usize| {
                reorder(
                    both.clone().slice_dim(0, row..row + 1).flatten(0, 1),
                    &order,
                )
            };
            (one(0), one(1))
        }
    };
    match (&mut gates.input_bias, &mut gates.recurrent_bias) {
        (Some(ours), theirs) => {
            replace(ours, input);
            if let Some(theirs) = theirs {
                replace(theirs, recurrent);
            }
        }
        (None, Some(ours)) => replace(ours, input),
        (None, None) => {}
    }
    Ok(())
}

/// Gives a parameter another value; whether it learns stays as it was.
fn replace<const D: usize>(param: &mut Param<Tensor<D>>, value: Tensor<D>) {
    let id = param.id;
    *param = param.clone().transform_for_load(value, id);
}
