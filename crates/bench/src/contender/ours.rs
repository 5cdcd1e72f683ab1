//! Our own layers.

use backdraft_cells::{
    Cell, ElmanConfig, GruConfig, Layer, LstmConfig, RecurrentConfig, SequenceConfig,
};

use super::{Contender, InProcess};
use crate::{BenchError, CellKind, FoundDevice, Shape};

/// Which way a layer of ours is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As users get it: by its kernel, where the device has one.
    Kernel,
    /// One step after the other, the reference for every kernel.
    Unrolled,
}

impl Way {
    /// What `against` names it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Unrolled => "unrolled",
        }
    }
}

/// A recurrent layer of ours; its description is the path that it takes.
///
/// # Errors
///
/// When the layer cannot be built.
pub fn ours(
    cell: CellKind,
    shape: Shape,
    place: &FoundDevice,
    way: Way,
) -> Result<Box<dyn Contender>, BenchError> {
    let (input, hidden) = (shape.input, shape.hidden);
    Ok(match cell {
        CellKind::Elman => Box::new(layer(ElmanConfig::new(input, hidden), shape, place, way)?),
        CellKind::Lstm => Box::new(layer(LstmConfig::new(input, hidden), shape, place, way)?),
        CellKind::Gru => Box::new(layer(GruConfig::new(input, hidden), shape, place, way)?),
    })
}

/// A cell, run over the sequence.
pub(crate) fn layer<K: SequenceConfig<Built: Cell>>(
    cell: K,
    shape: Shape,
    place: &FoundDevice,
    way: Way,
) -> Result<InProcess<impl Layer + use<K>>, BenchError> {
    let config = RecurrentConfig::new(cell);
    let build = |device: &_| -> Result<_, BenchError> {
        let layer = config.init(device)?;
        Ok(match way {
            Way::Kernel => layer,
            Way::Unrolled => layer.unrolled(),
        })
    };
    let paths = build(&place.device)?.paths();
    let description = paths.iter().map(|(_, path)| path.to_string()).collect();
    InProcess::new(
        (way.name(), description),
        shape,
        place,
        build,
        |layer, input| {
            let run = layer.forward(input);
            run.expect("the input has the layer's own shape").outputs
        },
    )
}
