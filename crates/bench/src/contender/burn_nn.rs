//! burn-nn's own recurrent modules.

use burn::module::Module;
use burn::nn::{Gru, GruConfig, Lstm, LstmConfig, Rnn, RnnConfig};
use burn::tensor::{Device, Tensor};

use super::{Contender, InProcess};
use crate::{CellKind, FoundDevice, Shape};

/// The module of burn-nn that computes the same: `Rnn`, `Lstm`, or `Gru` with reset after the
/// product.
pub fn burn_nn(cell: CellKind, shape: Shape, place: &FoundDevice) -> Box<dyn Contender> {
    let (input, hidden) = (shape.input, shape.hidden);
    match cell {
        CellKind::Elman => module::<Rnn>(
            "burn::nn::Rnn",
            (shape, place),
            |device| RnnConfig::new(input, hidden, true).init(device),
            |rnn, input| rnn.forward(input, None).0,
        ),
        CellKind::Lstm => module::<Lstm>(
            "burn::nn::Lstm",
            (shape, place),
            |device| LstmConfig::new(input, hidden, true).init(device),
            |lstm, input| lstm.forward(input, None).0,
        ),
        CellKind::Gru => module::<Gru>(
            "burn::nn::Gru",
            (shape, place),
            |device| {
                let config = GruConfig::new(input, hidden, true);
                config.with_reset_after(true).init(device)
            },
            |gru, input| gru.forward(input, None),
        ),
    }
}

fn module<M: Module + 'static>(
    description: &str,
    (shape, place): (Shape, &FoundDevice),
    build: impl Fn(&Device) -> M,
    apply: fn(&M, Tensor<3>) -> Tensor<3>,
) -> Box<dyn Contender> {
    let name = ("burn-nn", description.to_string());
    let module = InProcess::new(name, shape, place, |device| Ok(build(device)), apply);
    Box::new(module.expect("burn-nn's modules are built of any sizes"))
}
