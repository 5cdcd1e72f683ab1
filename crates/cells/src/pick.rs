//! Steps of a sequence, chosen row by row.

use burn::tensor::{Int, Tensor, TensorData};

/// `count` steps of each row of `[batch, time, features]`: those that `which` names for a row and a place.
pub(crate) fn pick(
    sequence: Tensor<3>,
    count: usize,
    which: impl Fn(usize, usize) -> usize,
) -> Tensor<3> {
    let [batch, _, features] = sequence.dims();
    let steps = (0..batch * count).map(|index| which(index / count, index % count) as i64);
    let steps = TensorData::new(steps.collect::<Vec<_>>(), [batch, count, 1]);
    let steps = Tensor::<3, Int>::from_data(steps, &sequence.device());
    sequence.gather(1, steps.expand([batch, count, features]))
}
