//! How many numbers the model of a task learns, without building it.

use backdraft_cells::Error;
use burn::module::Module;
use burn::tensor::Device;

use super::{ExampleTask, TaskSettings};
use crate::{Recurrence, Variant, polynomial};

/// Numbers that the model of a task learns. It is not built, however large its layers are.
pub(super) fn count<T: ExampleTask>(
    task: &T,
    settings: &TaskSettings<T::Options>,
) -> Result<usize, Error> {
    let Recurrence {
        layers,
        hidden,
        embedding,
        variant: Variant { heads, .. },
        ..
    } = settings.recurrence;
    let of = |layers| {
        let small = |embedding, units| -> Result<usize, Error> {
            let mut small = settings.clone();
            small.recurrence.layers = layers;
            (small.recurrence.embedding, small.recurrence.hidden) = (embedding, units * heads);
            Ok(task.model(&small, &Device::flex())?.num_params())
        };
        // Units come in as many parts as there are heads.
        polynomial::value([embedding, hidden / heads], small)
    };
    // All layers but the first are alike.
    let (one, two) = (of(1)?, of(2)?);
    let upper = two.saturating_sub(one).saturating_mul(layers - 1);
    Ok(one.saturating_add(upper))
}
